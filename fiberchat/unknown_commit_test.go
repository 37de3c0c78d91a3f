package fiberchat

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/internal/feed"
	"fiberchat.example/fiberchat/internal/stomp"
	"fiberchat.example/fiberchat/storetest"
)

// What a failed commit left behind comes before what follows it, however the
// housekeeping and a delivery meet.
func TestUnknownCommitAndDelivery(t *testing.T) {
	t.Parallel()
	store := storetest.NewMemory()
	ch := openChat(t, store, quiet())
	c := ch.listen(t, 2)
	for i := range 500 {
		ch.commitUnknown(2)
		stored(t, store, fmt.Sprint("a", i))
		next := stored(t, store, fmt.Sprint("b", i))
		var both sync.WaitGroup
		both.Go(func() { ch.lookAgainAll(time.Now().Add(time.Hour)) })
		both.Go(func() { ch.deliver(&next.Message, next.Previous, nil) })
		both.Wait()
		c.want(t, fmt.Sprintf(`"chatID":"a%d"`, i))
		c.want(t, fmt.Sprintf(`"chatID":"b%d"`, i))
	}
	c.nothing(t)
}

// A commit may become visible long after it was given up; then it comes, and
// in its place.
func TestCommitThatBecomesVisibleLater(t *testing.T) {
	t.Parallel()
	store := storetest.NewMemory()
	ch := openChat(t, store, quiet())
	c := ch.listen(t, 2)
	ch.commitUnknown(2)
	ch.lookAgainAll(time.Now())
	c.nothing(t)
	stored(t, store, "late")
	next := stored(t, store, "next")
	ch.deliver(&next.Message, next.Previous, nil)
	c.want(t, `"chatID":"late"`)
	c.want(t, `"chatID":"next"`)
	stored(t, store, "later")
	ch.lookAgainAll(time.Now().Add(time.Hour))
	c.want(t, `"chatID":"later"`)
	if len(ch.unknownCommits.users(time.Now())) > 0 {
		t.Error("the looking does not end")
	}
	c.nothing(t)
}

// Looking again brings nothing of what was there before the session, also after a
// restart.
func TestLookingAgainBringsNoBacklog(t *testing.T) {
	t.Parallel()
	store := storetest.NewMemory()
	stored(t, store, "backlog")
	ch := openChat(t, store, quiet())
	c := ch.listen(t, 2)
	ch.commitUnknown(2)
	ch.lookAgainAll(time.Now())
	c.nothing(t)
}

// A session that begins while a commit is unknown gets what it stores,
// and nothing that was confirmed before the session began.
func TestSessionThatBeginsAfterAnUnknownCommit(t *testing.T) {
	t.Parallel()
	store := storetest.NewMemory()
	ch := openChat(t, store, quiet())
	first := ch.listen(t, 2)
	ch.commitUnknown(2)
	for _, id := range []string{"a", "b"} {
		m := stored(t, store, id)
		ch.deliver(&m.Message, m.Previous, nil)
		first.want(t, `"chatID":"`+id+`"`)
		r, err := store.Apply(t.Context(), []chat.Op{{Confirm: &chat.Confirmation{ReceiverID: 2, ChatID: id}}})
		if err != nil || r[0].Err != nil {
			t.Fatal(err, r)
		}
	}
	second := ch.listen(t, 2)
	ch.lookAgainAll(time.Now())
	second.nothing(t)
	stored(t, store, "late")
	m := stored(t, store, "live")
	if r, err := store.Apply(t.Context(), []chat.Op{{Confirm: &chat.Confirmation{ReceiverID: 2, ChatID: "live"}}}); err != nil || r[0].Err != nil {
		t.Fatal(err, r)
	}
	ch.deliver(&m.Message, m.Previous, nil) // confirmed by another session meanwhile
	for _, c := range []*pipe{first, second} {
		c.want(t, `"chatID":"late"`)
		c.want(t, `"chatID":"live"`)
		c.nothing(t)
	}
}

// brokenStore cannot read what is pending while it is told so.
type brokenStore struct {
	*storetest.Memory
	mu   sync.Mutex
	err  error
	read chan struct{} // gets one at a read that fails
}

func (s *brokenStore) set(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

func (s *brokenStore) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		s.read <- struct{}{}
	}
	return s.err
}

func (s *brokenStore) Pending(ctx context.Context, receiverID, afterID int64, limit int) ([]chat.Message, error) {
	if err := s.failure(); err != nil {
		return nil, err
	}
	return s.Memory.Pending(ctx, receiverID, afterID, limit)
}

func (s *brokenStore) Inbox(ctx context.Context, receiverID, afterID int64, limit int) ([]chat.Message, error) {
	if err := s.failure(); err != nil {
		return nil, err
	}
	return s.Memory.Inbox(ctx, receiverID, afterID, limit)
}

// What could not be read is read later, by the session that missed it alone.
func TestReadingIsTriedAgain(t *testing.T) {
	t.Parallel()
	store := &brokenStore{Memory: storetest.NewMemory()}
	stored(t, store, "backlog")
	ch := openChat(t, store, quiet())
	c, other := ch.listen(t, 2), ch.listen(t, 2)
	store.set(context.DeadlineExceeded)
	stored(t, store, "missed")
	store.read = make(chan struct{}, 1)
	ch.hub.Of(2)[0].feed.Behind(feed.Messages, 2)
	<-store.read
	store.set(nil)
	c.want(t, `"chatID":"missed"`)
	c.nothing(t)
	other.nothing(t)
}

// Disconnect on this node counts also after one from a node whose clock is ahead.
func TestDisconnectAfterOneFromTheFuture(t *testing.T) {
	t.Parallel()
	ch := openChat(t, storetest.NewMemory(), quiet())
	set := func(at time.Time) {
		ch.revoked.mu.Lock()
		defer ch.revoked.mu.Unlock()
		ch.revoked.times[revoked{revokedUser, "2"}] = at
	}
	set(time.Now().Add(-time.Hour)) // long ago for new sessions
	c := ch.listen(t, 2)
	set(time.Now().Add(900 * time.Millisecond))
	ch.Disconnect(2)
	c.want(t, "message:disconnected")
}

// A session that was let in before Disconnect, and is known only after it, ends.
func TestDisconnectOfASessionBeingMade(t *testing.T) {
	t.Parallel()
	ch := openChat(t, storetest.NewMemory(), quiet())
	c := &client{chat: ch, identity: chat.Identity{TokenID: "t", User: chat.User{ID: 2, Name: "u2"}}, started: time.Now()}
	conn := newPipe()
	c.session = stomp.NewSession(conn, ch.stomp, stomp.User{ID: 2, Name: "u2"}, c)
	ch.Disconnect(2)
	ch.register(c)
	defer ch.unregister(c)
	conn.want(t, "message:disconnected")
}

// angryLogger panics at errors.
type angryLogger struct{}

func (angryLogger) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelError }
func (angryLogger) Handle(context.Context, slog.Record) error    { panic("no space for logs") }
func (h angryLogger) WithAttrs([]slog.Attr) slog.Handler         { return h }
func (h angryLogger) WithGroup(string) slog.Handler              { return h }

type deadStore struct{ *storetest.Memory }

func (deadStore) Apply(context.Context, []chat.Op) ([]chat.Result, error) {
	return nil, context.DeadlineExceeded
}

// The app's Logger may panic; who waits for an answer gets it all the same.
func TestLoggerPanics(t *testing.T) {
	t.Parallel()
	ch := openChat(t, deadStore{storetest.NewMemory()}, slog.New(angryLogger{}))
	c := ch.listen(t, 1)
	c.in <- "SUBSCRIBE\nid:2\ndestination:/user/queue/status\n\n\x00" +
		"SEND\ndestination:/socket/chat/send\n\n" + `{"msgID":"m1","reciverId":2,"content":"x"}` + "\x00" +
		"DISCONNECT\nreceipt:bye\n\n\x00"
	c.want(t, `"code":-300`)
	c.want(t, "receipt-id:bye")
}

// slowStore takes its time, as a database over a network does, and counts.
type slowStore struct {
	*storetest.Memory
	calls atomic.Int64
}

func (s *slowStore) Apply(ctx context.Context, ops []chat.Op) ([]chat.Result, error) {
	s.calls.Add(1)
	<-time.After(time.Millisecond)
	return s.Memory.Apply(ctx, ops)
}

// A client that sends many messages without waiting for the answers gets them
// into few commits.
func TestBurstSharesCommits(t *testing.T) {
	t.Parallel()
	store := &slowStore{Memory: storetest.NewMemory()}
	ch := openChat(t, store, quiet())
	c := ch.listen(t, 1)
	const n = 256
	burst := "SUBSCRIBE\nid:2\ndestination:/user/queue/send/status\n\n\x00"
	for i := range n {
		burst += fmt.Sprintf("SEND\ndestination:/socket/chat/send\n\n"+`{"msgID":"m%d","reciverId":2,"content":"x"}`+"\x00", i)
	}
	c.in <- burst
	for i := range n {
		c.want(t, fmt.Sprintf(`"msgID":"m%d","code":200`, i))
	}
	if got := store.calls.Load(); got > n/4 {
		t.Errorf("%d messages took %d commits", n, got)
	}
}
