package feed

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"fiberchat.example/fiberchat/internal/stomp"
)

// log is a store that the test plays.
type log struct {
	last  func() (int64, error)
	inbox func(int64) ([]Entry, error)
	reads int
}

func (l *log) Pending(Kind, int64, int) ([]Entry, error) { return nil, nil }
func (l *log) Inbox(_ Kind, after int64, _ int) ([]Entry, error) {
	l.reads++
	return l.inbox(after)
}
func (l *log) Last(Kind) (int64, error) { return l.last() }

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
		l := &log{last: func() (int64, error) { return 5, nil }, inbox: func(int64) ([]Entry, error) { return nil, nil }}
		o := &outlet{}
		f := New(l, o, 1)
		defer f.Close()
		if err := f.Listen(Messages, &stomp.Subscription{}); err != nil {
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
		l := &log{last: func() (int64, error) { return last, nil }, inbox: func(after int64) ([]Entry, error) {
			if after < 1 {
				return []Entry{{ID: 1}}, nil
			}
			return nil, nil
		}}
		o := &outlet{}
		f := New(l, o, 1)
		defer f.Close()
		if err := f.Listen(Messages, &stomp.Subscription{}); err != nil {
			t.Fatal(err)
		}
		last = 1
		f.mu.Lock() // both before a read
		f.listeners[Messages].behind, f.listeners[Messages].owed = true, 2
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
		l := &log{last: func() (int64, error) { return 0, nil }, inbox: func(int64) ([]Entry, error) { return nil, errors.New("down") }}
		o := &outlet{}
		f := New(l, o, 1)
		defer f.Close()
		_ = f.Listen(Messages, &stomp.Subscription{})
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
		l := &log{last: func() (int64, error) { return 0, nil }, inbox: func(int64) ([]Entry, error) {
			<-block
			return nil, errors.New("down")
		}}
		o := &outlet{}
		f := New(l, o, 1)
		defer f.Close()
		_ = f.Listen(Messages, &stomp.Subscription{})
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
		l := &log{last: func() (int64, error) { return 0, nil }, inbox: func(int64) ([]Entry, error) { return nil, nil }}
		o := &outlet{}
		f := New(l, o, 1)
		defer f.Close()
		_ = f.Listen(Messages, &stomp.Subscription{})
		f.Behind(Messages, 1<<60)
		time.Sleep(20 * time.Second)
		synctest.Wait()
		f.Offer(1, 0, []byte("x"))
		synctest.Wait()
		if len(o.sent) == 0 {
			t.Error("a real message is not sent any more")
		}
	})
}
