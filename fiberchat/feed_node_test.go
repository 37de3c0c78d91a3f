package fiberchat

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/internal/stomp"
	"fiberchat.example/fiberchat/storetest"
)

// anybody is a directory in which everybody is.
type anybody struct{}

func (anybody) UserByID(_ context.Context, id int64) (chat.User, error) {
	return chat.User{ID: id, Name: fmt.Sprint("u", id)}, nil
}

func (anybody) Authenticate(context.Context, string) (chat.Identity, error) {
	return chat.Identity{}, chat.ErrUnauthorized
}

// pipe is a connection without sockets: what goes in, and each frame that comes out.
type pipe struct {
	in, out chan string
	over    chan struct{}
	once    sync.Once
	rest    string
}

func (c *pipe) Watch(func()) {}

func (c *pipe) Read(p []byte) (int, error) {
	if c.rest == "" {
		select {
		case c.rest = <-c.in:
		case <-c.over:
			return 0, net.ErrClosed
		}
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

func (c *pipe) WriteMessages(msgs [][]byte) error {
	for _, m := range msgs {
		c.out <- string(m)
	}
	return nil
}

func (c *pipe) TryWriteMessages([][]byte) bool { return false }

func (c *pipe) Unread() bool { return false }

func (c *pipe) Ping() (bool, error) { return true, nil }

func (c *pipe) Close(int, string) error {
	c.once.Do(func() { close(c.over) })
	return nil
}

func newPipe() *pipe {
	return &pipe{in: make(chan string, 10), out: make(chan string, 1000), over: make(chan struct{})}
}

// want reads a frame that holds text.
func (c *pipe) want(t *testing.T, text string) {
	t.Helper()
	select {
	case f := <-c.out:
		if !strings.Contains(f, text) {
			t.Fatalf("got %q, want %q", f, text)
		}
	case <-time.After(10 * time.Second):
		t.Fatalf("%q did not come", text)
	}
}

// nothing checks that no frame is on its way.
func (c *pipe) nothing(t *testing.T) {
	t.Helper()
	c.in <- "UNSUBSCRIBE\nid:none\nreceipt:nothing\n\n\x00"
	c.want(t, "receipt-id:nothing")
}

func newNode(t *testing.T, store chat.Store, logger *slog.Logger) *Chat {
	t.Helper()
	ch, err := New(fiber.New(), Config{Store: store, Authenticator: anybody{}, Directory: anybody{}, SendRate: -1, Logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := ch.closeWithin(10 * time.Second); err != nil {
			t.Error(err)
		}
	})
	return ch
}

// listen connects a user who subscribes to messages.
func (ch *Chat) listen(t *testing.T, id int64) *pipe {
	t.Helper()
	c := newPipe()
	identity := chat.Identity{TokenID: fmt.Sprint("t", id), User: chat.User{ID: id, Name: fmt.Sprint("u", id)}}
	go ch.serve(c, identity, "pipe") // Close waits for it
	c.in <- fmt.Sprintf("CONNECT\naccept-version:1.2\n\n\x00SUBSCRIBE\nid:1\nreceipt:s\ndestination:/user/%d/recive\n\n\x00", id)
	c.want(t, "CONNECTED")
	c.want(t, "receipt-id:s")
	return c
}

// stored saves a message to user 2 past the node.
func stored(t *testing.T, s chat.Store, chatID string) *chat.Message {
	t.Helper()
	r, err := s.Apply(t.Context(), []chat.Op{{Save: &chat.Message{ChatID: chatID, SenderID: 1, ReceiverID: 2, Content: "x"}}})
	if err != nil || r[0].Err != nil {
		t.Fatal(err, r)
	}
	return &r[0].Message
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// What a failed commit left behind comes before what follows it, however the
// housekeeping and a delivery meet.
func TestDoubtAndDelivery(t *testing.T) {
	t.Parallel()
	store := storetest.NewMemory()
	ch := newNode(t, store, quiet())
	c := ch.listen(t, 2)
	for i := range 500 {
		ch.doubt(2)
		stored(t, store, fmt.Sprint("a", i))
		next := stored(t, store, fmt.Sprint("b", i))
		var both sync.WaitGroup
		both.Go(func() { ch.settle(time.Now().Add(time.Hour)) })
		both.Go(func() { ch.deliver(next) })
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
	ch := newNode(t, store, quiet())
	c := ch.listen(t, 2)
	ch.doubt(2)
	ch.settle(time.Now())
	c.nothing(t)
	stored(t, store, "late")
	ch.deliver(stored(t, store, "next"))
	c.want(t, `"chatID":"late"`)
	c.want(t, `"chatID":"next"`)
	stored(t, store, "later")
	ch.settle(time.Now().Add(time.Hour))
	c.want(t, `"chatID":"later"`)
	if ch.anyDoubt.Load() {
		t.Error("the doubt does not end")
	}
	c.nothing(t)
}

// A doubt brings nothing of what was there before the session, also after a
// restart.
func TestDoubtBringsNoBacklog(t *testing.T) {
	t.Parallel()
	store := storetest.NewMemory()
	stored(t, store, "backlog")
	ch := newNode(t, store, quiet())
	c := ch.listen(t, 2)
	ch.doubt(2)
	ch.settle(time.Now())
	c.nothing(t)
}

// A session that begins while there is a doubt gets what the doubt is about,
// and nothing that was confirmed before the session began.
func TestSessionThatBeginsInDoubt(t *testing.T) {
	t.Parallel()
	store := storetest.NewMemory()
	ch := newNode(t, store, quiet())
	first := ch.listen(t, 2)
	ch.doubt(2)
	for _, id := range []string{"a", "b"} {
		ch.deliver(stored(t, store, id))
		first.want(t, `"chatID":"`+id+`"`)
		r, err := store.Apply(t.Context(), []chat.Op{{Confirm: &chat.Confirmation{ReceiverID: 2, ChatID: id}}})
		if err != nil || r[0].Err != nil {
			t.Fatal(err, r)
		}
	}
	second := ch.listen(t, 2)
	ch.settle(time.Now())
	second.nothing(t)
	stored(t, store, "late")
	m := stored(t, store, "live")
	if r, err := store.Apply(t.Context(), []chat.Op{{Confirm: &chat.Confirmation{ReceiverID: 2, ChatID: "live"}}}); err != nil || r[0].Err != nil {
		t.Fatal(err, r)
	}
	ch.deliver(m) // confirmed by another session meanwhile
	for _, c := range []*pipe{first, second} {
		c.want(t, `"chatID":"late"`)
		c.want(t, `"chatID":"live"`)
		c.nothing(t)
	}
}

// brokenStore cannot read what is pending while it is told so.
type brokenStore struct {
	*storetest.Memory
	mu  sync.Mutex
	err error
}

func (s *brokenStore) set(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

func (s *brokenStore) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

func (s *brokenStore) Pending(ctx context.Context, receiverID, afterID int64, limit int) ([]chat.Message, error) {
	if err := s.failure(); err != nil {
		return nil, err
	}
	return s.Memory.Pending(ctx, receiverID, afterID, limit)
}

func (s *brokenStore) Received(ctx context.Context, receiverID, afterID int64, limit int) ([]chat.Message, error) {
	if err := s.failure(); err != nil {
		return nil, err
	}
	return s.Memory.Received(ctx, receiverID, afterID, limit)
}

// What could not be read is read later, by the session that missed it alone.
func TestReadingIsTriedAgain(t *testing.T) {
	t.Parallel()
	store := &brokenStore{Memory: storetest.NewMemory()}
	stored(t, store, "backlog")
	ch := newNode(t, store, quiet())
	c, other := ch.listen(t, 2), ch.listen(t, 2)
	store.set(context.DeadlineExceeded)
	stored(t, store, "missed")
	ch.hub.Of(2)[0].catchUp(2)
	p := ch.hub.Of(2)[0]
	p.mu.Lock()
	p.waitRead()
	p.mu.Unlock()
	store.set(nil)
	ch.settle(time.Now())
	c.want(t, `"chatID":"missed"`)
	c.nothing(t)
	other.nothing(t)
}

// Disconnect on this node counts also after one from a node whose clock is ahead.
func TestDisconnectAfterOneFromTheFuture(t *testing.T) {
	t.Parallel()
	ch := newNode(t, storetest.NewMemory(), quiet())
	ch.end([]endingAt{{ending{endUser, "2"}, time.Now().Add(900 * time.Millisecond)}}, clockSkew)
	ch.mu.Lock()
	ch.endings[ending{endUser, "2"}] = time.Now().Add(-time.Hour) // long ago for new sessions
	ch.mu.Unlock()
	c := ch.listen(t, 2)
	ch.mu.Lock()
	ch.endings[ending{endUser, "2"}] = time.Now().Add(900 * time.Millisecond)
	ch.mu.Unlock()
	ch.Disconnect(2)
	c.want(t, "message:disconnected")
}

// A session that was let in before Disconnect, and is known only after it, ends.
func TestDisconnectOfASessionBeingMade(t *testing.T) {
	t.Parallel()
	ch := newNode(t, storetest.NewMemory(), quiet())
	p := &peer{chat: ch, identity: chat.Identity{TokenID: "t", User: chat.User{ID: 2, Name: "u2"}}, begun: time.Now(), slots: make(chan struct{}, maxInFlight)}
	c := newPipe()
	p.session = stomp.NewSession(c, ch.stomp, "u2", p)
	ch.Disconnect(2)
	ch.register(p)
	defer ch.unregister(p)
	c.want(t, "message:disconnected")
}

// angryLogger panics at errors.
type angryLogger struct{}

func (angryLogger) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelError }
func (angryLogger) Handle(context.Context, slog.Record) error    { panic("no room for logs") }
func (h angryLogger) WithAttrs([]slog.Attr) slog.Handler         { return h }
func (h angryLogger) WithGroup(string) slog.Handler              { return h }

type deadStore struct{ *storetest.Memory }

func (deadStore) Apply(context.Context, []chat.Op) ([]chat.Result, error) {
	return nil, context.DeadlineExceeded
}

// The app's Logger may panic; who waits for an answer gets it all the same.
func TestLoggerPanics(t *testing.T) {
	t.Parallel()
	ch := newNode(t, deadStore{storetest.NewMemory()}, slog.New(angryLogger{}))
	c := ch.listen(t, 1)
	c.in <- "SUBSCRIBE\nid:2\ndestination:/user/queue/status\n\n\x00" +
		"SEND\ndestination:/socket/chat/send\n\n" + `{"msgID":"m1","reciverId":2,"content":"x"}` + "\x00" +
		"DISCONNECT\nreceipt:bye\n\n\x00"
	c.want(t, `"code":-300`)
	c.want(t, "receipt-id:bye")
}

func TestAddRange(t *testing.T) {
	t.Parallel()
	var ranges []chat.Range
	for _, step := range []struct {
		add  chat.Range
		want []chat.Range
	}{
		{chat.Range{After: 4, UpTo: 5}, []chat.Range{{After: 4, UpTo: 5}}},
		{chat.Range{After: 5, UpTo: 7}, []chat.Range{{After: 4, UpTo: 7}}},
		{chat.Range{After: 9, UpTo: 10}, []chat.Range{{After: 4, UpTo: 7}, {After: 9, UpTo: 10}}},
		{chat.Range{After: 0, UpTo: 1}, []chat.Range{{After: 0, UpTo: 1}, {After: 4, UpTo: 7}, {After: 9, UpTo: 10}}},
		{chat.Range{After: 1, UpTo: 6}, []chat.Range{{After: 0, UpTo: 7}, {After: 9, UpTo: 10}}},
		{chat.Range{After: 6, UpTo: 20}, []chat.Range{{After: 0, UpTo: 20}}},
		{chat.Range{After: 2, UpTo: 3}, []chat.Range{{After: 0, UpTo: 20}}},
	} {
		if ranges = addRange(ranges, step.add); !reflect.DeepEqual(ranges, step.want) {
			t.Errorf("with %v: %v, want %v", step.add, ranges, step.want)
		}
	}
	for i := range int64(3 * maxSent) {
		ranges = addRange(ranges, chat.Range{After: 100 + 2*i, UpTo: 101 + 2*i})
	}
	if len(ranges) != maxSent {
		t.Errorf("%d ranges are kept", len(ranges))
	}
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
	ch := newNode(t, store, quiet())
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
