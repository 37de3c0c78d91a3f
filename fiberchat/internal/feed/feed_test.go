package feed

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/internal/stomp"
)

// log is a store that the test plays.
type log struct {
	last  func() (int64, error)
	inbox func(int64) ([]chat.Message, error)
	reads int
}

func (l *log) Pending(int64, int) ([]chat.Message, error) { return nil, nil }
func (l *log) Inbox(after int64, _ int) ([]chat.Message, error) {
	l.reads++
	return l.inbox(after)
}
func (l *log) Last() (int64, error) { return l.last() }

type outlet struct {
	sent     []string
	receipts []string
	failed   []error
}

func (o *outlet) Message(_ *stomp.Subscription, _ int64, b []byte) {
	o.sent = append(o.sent, string(b))
}
func (o *outlet) WaitSpace(int) bool               { return true }
func (o *outlet) Receipt(id string)                { o.receipts = append(o.receipts, id) }
func (o *outlet) InitFailed(_ []string, err error) { o.failed = append(o.failed, err) }

// An offer of an id that the log does not show fails no init: all up to Last
// was sent.
func TestInitBehindUnseenID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &log{last: func() (int64, error) { return 5, nil }, inbox: func(int64) ([]chat.Message, error) { return nil, nil }}
		o := &outlet{}
		f := New(l, o, func(*chat.Message) []byte { return nil }, 1)
		defer f.Close()
		if err := f.Listen(&stomp.Subscription{}); err != nil {
			t.Fatal(err)
		}
		f.Offer(7, 6, []byte("x")) // committed, not shown yet
		synctest.Wait()
		_ = f.Init("r")
		synctest.Wait()
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if len(o.failed) > 0 {
			t.Error("init failed though all up to Last was sent:", o.failed, o.receipts)
		}
	})
}

// Nor does one that is found missing while the init reads.
func TestInitDuringStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		last := int64(0)
		l := &log{last: func() (int64, error) { return last, nil }, inbox: func(after int64) ([]chat.Message, error) {
			if after < 1 {
				return []chat.Message{{ID: 1}}, nil
			}
			return nil, nil
		}}
		o := &outlet{}
		f := New(l, o, func(*chat.Message) []byte { return nil }, 1)
		defer f.Close()
		if err := f.Listen(&stomp.Subscription{}); err != nil {
			t.Fatal(err)
		}
		last = 1
		f.mu.Lock() // both before a read
		f.listener.behind, f.listener.owed = true, 2
		f.inits = []string{"r"}
		f.start()
		f.mu.Unlock()
		synctest.Wait()
		if len(o.failed) > 0 {
			t.Error("init failed though all up to Last was sent:", o.failed, o.receipts, len(o.sent))
		}
	})
}

// While reads fail, offers do not read again before the pause is over.
func TestPauseIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &log{last: func() (int64, error) { return 0, nil }, inbox: func(int64) ([]chat.Message, error) { return nil, errors.New("down") }}
		o := &outlet{}
		f := New(l, o, func(*chat.Message) []byte { return nil }, 1)
		defer f.Close()
		_ = f.Listen(&stomp.Subscription{})
		for id := range int64(100) {
			f.Offer(id+3, id+2, nil)
			synctest.Wait()
		}
		if l.reads > 2 {
			t.Error(l.reads, "reads within the pause")
		}
	})
}

// The 65th init waits while a read that fails is under way.
func TestTooManyInitsInPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		block := make(chan struct{})
		l := &log{last: func() (int64, error) { return 0, nil }, inbox: func(int64) ([]chat.Message, error) {
			<-block
			return nil, errors.New("down")
		}}
		o := &outlet{}
		f := New(l, o, func(*chat.Message) []byte { return nil }, 1)
		defer f.Close()
		_ = f.Listen(&stomp.Subscription{})
		f.Offer(3, 2, nil)
		synctest.Wait()
		for range 64 {
			if err := f.Init("r"); err != nil {
				t.Fatal(err)
			}
		}
		time.AfterFunc(time.Second, func() { close(block) })
		if err := f.Init("r"); err != nil {
			t.Error(err)
		}
	})
}

// An id that never shows, say of another deployment on the same bus, silences
// nobody.
func TestHugeIDSilences(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &log{last: func() (int64, error) { return 0, nil }, inbox: func(int64) ([]chat.Message, error) { return nil, nil }}
		o := &outlet{}
		f := New(l, o, func(*chat.Message) []byte { return nil }, 1)
		defer f.Close()
		_ = f.Listen(&stomp.Subscription{})
		f.Behind(1 << 60)
		time.Sleep(20 * time.Second)
		synctest.Wait()
		f.Offer(1, 0, []byte("x"))
		synctest.Wait()
		if len(o.sent) == 0 {
			t.Error("a real message is not sent any more")
		}
	})
}
