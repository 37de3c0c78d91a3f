//go:build unix

package sqlstore

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"fiberchat.example/fiberchat/chat"
)

// exchanges gives the operations of a chat between pairs: one saves, the
// other confirms what was saved in the batch before.
type exchanges struct {
	n      int
	open   []chat.Op
	writer int // tells the message ids of several apart
}

func (e *exchanges) batch(size, pairs int) []chat.Op {
	ops := e.open
	e.open = nil
	for len(ops) < size {
		e.n++
		from, to := int64(e.n%pairs)*2+1, int64(e.n%pairs)*2+2
		sum := sha1.Sum(fmt.Append(nil, e.writer, e.n))
		m := &chat.Message{
			ChatID: hex.EncodeToString(sum[:]), SenderID: from, ReceiverID: to, SenderName: "user" + strconv.Itoa(int(from)), ReceiverName: "user" + strconv.Itoa(int(to)),
			Content: "起来聊天 a message of the usual length, about 90 bytes, as people write when they chat", Time: time.Now(),
		}
		ops = append(ops, chat.Op{Save: m})
		e.open = append(e.open, chat.Op{Confirm: &chat.Confirmation{ReceiverID: to, ChatID: m.ChatID, Sent: []chat.Range{{UpTo: 1 << 60}}, Time: m.Time}})
	}
	return ops
}

// fill stores n messages, all confirmed.
func fill(b testing.TB, s *Store, e *exchanges, n int) {
	for e.n < n {
		if _, err := s.Apply(b.Context(), e.batch(4000, 50)); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkExchange measures one insert and one update, the exchange, by how
// many share a commit. With SQLSTORE_BENCH_GROWTH set a million messages are
// stored before; SQLSTORE_BENCH_DIR keeps that database for the next run.
func BenchmarkExchange(b *testing.B) {
	for _, stored := range benchStored() {
		dir := b.TempDir()
		if d := os.Getenv("SQLSTORE_BENCH_DIR"); d != "" {
			dir = d + strconv.Itoa(stored)
			os.MkdirAll(dir, 0o700)
		}
		s := openAt(b, filepath.Join(dir, "chat.db"))
		var e exchanges
		if err := s.write.Get(&e.n, "SELECT COALESCE(MAX(id),0) FROM fiberchat_messages"); err != nil {
			b.Fatal(err)
		}
		fill(b, s, &e, stored)
		for _, size := range []int{1, 8, 64, 128} {
			b.Run(fmt.Sprintf("stored=%d/batch=%d", stored, size), func(b *testing.B) {
				b.ReportAllocs()
				start, cpu := e.n, cpuTime()
				var took []time.Duration
				for b.Loop() {
					ops := e.batch(size, 50)
					began := time.Now()
					results, err := s.Apply(b.Context(), ops)
					took = append(took, time.Since(began))
					if err != nil {
						b.Fatal(err)
					}
					for _, r := range results {
						if r.Err != nil || !r.Changed {
							b.Fatalf("%+v", r)
						}
					}
				}
				slices.Sort(took)
				b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs/op")
				b.ReportMetric(float64(took[len(took)-1].Microseconds()), "max-µs/op")
				b.ReportMetric(float64((cpuTime()-cpu).Nanoseconds())/float64(e.n-start), "cpu-ns/exchange")
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(e.n-start), "ns/exchange")
			})
		}
	}
}

func benchStored() []int {
	if os.Getenv("SQLSTORE_BENCH_GROWTH") != "" {
		return []int{1_000_000}
	}
	return []int{1000}
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
