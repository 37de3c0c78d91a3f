package feed

import (
	"testing"

	"fiberchat.example/fiberchat/internal/stomp"
)

type nowhere struct{}

func (nowhere) Message(*stomp.Subscription, int64, []byte) {}
func (nowhere) WaitSpace(int) bool                         { return true }
func (nowhere) Receipt(string)                             {}
func (nowhere) InitFailed([]string, error)                 {}

// BenchmarkOffer is live delivery: each message is the next one.
func BenchmarkOffer(b *testing.B) {
	f := New(&sizedLog{}, nowhere{}, 256<<10)
	defer f.Close()
	if err := f.Listen(Messages, new(stomp.Subscription)); err != nil {
		b.Fatal(err)
	}
	body := make([]byte, 200)
	b.ReportAllocs()
	for id := int64(1); b.Loop(); id++ {
		f.Offer(id, id-1, body)
	}
}

// BenchmarkNew is what each session costs.
func BenchmarkNew(b *testing.B) {
	log := new(sizedLog)
	b.ReportAllocs()
	for b.Loop() {
		New(log, nowhere{}, 256<<10).Close()
	}
}
