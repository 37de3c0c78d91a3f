package fiberchat_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"fiberchat.example/fiberchat"
	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/storetest"
)

// TestMalformedAsks: what is asked wrongly is answered, and the connection stays.
func TestMalformedAsks(t *testing.T) {
	t.Parallel()
	const (
		conversations, history, sync, read = "conversations", "history", "sync", "read"
		big                                = `9223372036854775808`
	)
	cases := []struct{ to, body, name string }{
		{conversations, ``, "BadJSON"},
		{conversations, `null`, "BadJSON"},
		{conversations, `[]`, "BadJSON"},
		{conversations, `{"limit":50`, "BadJSON"},
		{conversations, `{"limit":0}`, "BadField"},
		{conversations, `{"limit":201}`, "BadField"},
		{conversations, `{"limit":-1}`, "BadField"},
		{conversations, `{"limit":1.5}`, "BadField"},
		{conversations, `{"limit":"many"}`, "BadField"},
		{conversations, `{"limit":` + big + `}`, "BadField"},
		{conversations, `{"limit":1,"limit":300}`, "BadField"},
		{conversations, `{"before":-1}`, "BadField"},
		{conversations, `{"before":` + big + `}`, "BadField"},
		{conversations, `{"before":true}`, "BadField"},
		{conversations, `{"before":{}}`, "BadField"},
		{history, `{}`, "MissingField"},
		{history, `{"uid":null}`, "MissingField"},
		{history, `{"uid":0}`, "BadField"},
		{history, `{"uid":-2}`, "BadField"},
		{history, `{"uid":9007199254740992}`, "BadField"},
		{history, `{"uid":"bob"}`, "BadField"},
		{history, `{"uid":2,"before":1,"after":1}`, "BadField"},
		{history, `{"uid":2,"before":0,"after":0}`, "BadField"},
		{history, `{"uid":2,"after":-1}`, "BadField"},
		{history, `{"uid":2,"before":1e19}`, "BadField"},
		{history, `{"uid":2,"limit":0}`, "BadField"},
		{sync, `x`, "BadJSON"},
		{sync, `{"after":-1}`, "BadField"},
		{sync, `{"after":"x"}`, "BadField"},
		{sync, `{"after":1,"limit":1000}`, "BadField"},
		{read, `{}`, "MissingField"},
		{read, `{"senderId":1}`, "MissingField"},
		{read, `{"id":1}`, "MissingField"},
		{read, `{"senderId":0,"id":1}`, "BadField"},
		{read, `{"senderId":1,"id":0}`, "BadField"},
		{read, `{"senderId":1,"id":-5}`, "BadField"},
		{read, `{"senderId":1,"id":` + big + `}`, "BadField"},
		{read, `{"senderId":[1],"id":1}`, "BadField"},
	}
	eachDoor(t, func(t *testing.T, d door) {
		s := serve(t, fiberchat.Config{Limits: fiberchat.Limits{SendRate: -1}})
		a := d.asking(t, s.addr, "t-alice", conversationsQueue, historyQueue, syncQueue, readQueue)
		for _, c := range cases {
			a.send("/socket/chat/"+c.to, c.body)
			a.refused("", -401, c.name)
		}
		a.ask("/socket/chat/sync", `{}`, syncQueue)
		a.raw("SEND\ndestination:/socket/chat/read\nreceipt:r\n\n{}\x00")
		a.refused("", -401, "MissingField")
		if f := a.fails("refused", 1008); f.Headers["receipt-id"] != "r" {
			t.Error("got", f)
		}
	})
}

// Who does not listen gets the receipt alone; several subscriptions get a copy each.
func TestAnswersGoToSubscriptions(t *testing.T) {
	t.Parallel()
	s := serve(t, fiberchat.Config{})
	a := native.asking(t, s.addr, "t-alice")
	for _, destination := range []string{"conversations", "sync", "history"} {
		a.ask("/socket/chat/"+destination, `{"uid":2}`, "")
	}
	first, second := a.subscribe(syncQueue), a.subscribe(syncQueue)
	a.send("/socket/chat/sync", `{}`)
	for _, id := range []string{first, second} {
		if f := a.message(syncQueue); f.Headers["subscription"] != id {
			t.Error("got", f)
		}
	}
	a.nothing()
}

// Answers come in the order asked.
func TestAnswersComeInOrder(t *testing.T) {
	t.Parallel()
	s := serve(t, fiberchat.Config{})
	a := native.asking(t, s.addr, "t-alice", conversationsQueue, historyQueue, syncQueue)
	var frames strings.Builder
	for i := range 10 {
		fmt.Fprintf(&frames, "SEND\ndestination:/socket/chat/history\nreceipt:h%d\n\n{\"uid\":%d}\x00SEND\ndestination:/socket/chat/sync\n\n{\"after\":0}\x00", i, i+2)
	}
	a.raw(frames.String())
	for i := range 10 {
		a.message(historyQueue).wantBody(t, fmt.Sprintf(`{"uid":%d,"messages":[],"more":false}`, i+2))
		a.receipt(fmt.Sprint("h", i))
		a.message(syncQueue)
	}
}

type page struct {
	Messages []struct {
		ID      int64
		Content string
	}
	Next int64
	More bool
}

func readPage(t testing.TB, body string) (p page) {
	t.Helper()
	if err := json.Unmarshal([]byte(body), &p); err != nil {
		t.Fatal(err)
	}
	return p
}

// A page of long messages is shorter, and none is left out; one that is as long
// as the queue allows is alone.
func TestAnswersAreBounded(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, d door) {
		store := storetest.NewMemory()
		var ops []chat.Op
		const n = 60
		for i := range n {
			content := strings.Repeat("x", 20<<10)
			if i%10 == 5 {
				content = strings.Repeat("\x01", 48<<10) // six bytes each
			}
			ops = append(ops, chat.Op{Save: &chat.Message{ChatID: fmt.Sprint("m", i), SenderID: 1 + int64(i%2), ReceiverID: 2 - int64(i%2), Content: content}})
		}
		if _, err := store.Apply(t.Context(), ops); err != nil {
			t.Fatal(err)
		}
		s := serve(t, fiberchat.Config{Store: store})
		a := d.asking(t, s.addr, "t-alice", historyQueue, syncQueue)
		next, seen := int64(0), 0
		for more := true; more; {
			body := a.ask("/socket/chat/sync", fmt.Sprintf(`{"after":%d,"limit":200}`, next), syncQueue)
			p := readPage(t, body)
			if len(body) > 128<<10 && len(p.Messages) > 1 {
				t.Errorf("an answer of %d bytes with %d messages", len(body), len(p.Messages))
			}
			for _, m := range p.Messages {
				if seen++; m.ID != int64(seen) || len(m.Content) < 20<<10 {
					t.Fatalf("message %d has id %d and %d bytes", seen, m.ID, len(m.Content))
				}
			}
			next, more = p.Next, p.More
		}
		if seen != n {
			t.Errorf("%d messages, want %d", seen, n)
		}
		p := readPage(t, a.ask("/socket/chat/history", `{"uid":2,"after":5,"limit":200}`, historyQueue))
		if !p.More || len(p.Messages) != 1 || p.Messages[0].ID != 6 {
			t.Errorf("more %v, %d messages", p.More, len(p.Messages))
		}
		// Many at once wait for space, and nobody is too slow.
		const asks = 30
		a.raw(strings.Repeat("SEND\ndestination:/socket/chat/history\n\n{\"uid\":2,\"limit\":200}\x00", asks))
		for range asks {
			if body := a.message(historyQueue).Body; len(body) < 64<<10 {
				t.Errorf("an answer of %d bytes", len(body))
			}
		}
	})
}

// More than is read at once, and no more than asked for.
func TestAnswersOfManyRows(t *testing.T) {
	t.Parallel()
	store := storetest.NewMemory()
	for i := range int64(201) {
		to := 2 + i%100
		if _, err := store.Apply(t.Context(), []chat.Op{{Save: &chat.Message{ChatID: fmt.Sprint("m", i), SenderID: 1, ReceiverID: to, Content: "x"}}}); err != nil {
			t.Fatal(err)
		}
	}
	s := serve(t, fiberchat.Config{Store: store})
	a := native.asking(t, s.addr, "t-alice", syncQueue, conversationsQueue)
	for _, c := range []struct {
		body string
		n    int
		next int64
		more bool
	}{
		{`{}`, 50, 50, true}, {`{"limit":200}`, 200, 200, true}, {`{"after":1,"limit":200}`, 200, 201, false}, {`{"after":169}`, 32, 201, false}, {`{"limit":32}`, 32, 32, true},
	} {
		p := readPage(t, a.ask("/socket/chat/sync", c.body, syncQueue))
		if len(p.Messages) != c.n || p.Next != c.next || p.More != c.more {
			t.Errorf("%s: %d messages, next %d, more %v", c.body, len(p.Messages), p.Next, p.More)
		}
	}
	body := a.ask("/socket/chat/conversations", `{"limit":99}`, conversationsQueue)
	if n := strings.Count(body, `{"uid":`); n != 99 || !strings.HasSuffix(body, `],"before":103,"more":true}`) {
		t.Errorf("%d conversations: ...%s", n, body[len(body)-50:])
	}
}

// overtakenStore has a message that others overtook: it is not visible yet.
type overtakenStore struct {
	*storetest.Memory
	settled, late atomic.Int64
}

func (s *overtakenStore) Settled(context.Context) (int64, error) { return s.settled.Load(), nil }

func (s *overtakenStore) Since(ctx context.Context, userID, afterID int64, limit int) ([]chat.Message, error) {
	messages, err := s.Memory.Since(ctx, userID, afterID, limit+1)
	messages = slices.DeleteFunc(messages, func(m chat.Message) bool { return m.ID == s.late.Load() })
	return messages[:min(len(messages), limit)], err
}

// Nothing that appears late is missed, and the pages end.
func TestSyncMissesNothing(t *testing.T) {
	t.Parallel()
	store := &overtakenStore{Memory: storetest.NewMemory()}
	s := serve(t, fiberchat.Config{Store: store})
	const n = 20
	for i := range n {
		s.says(1, 2+int64(i%2), fmt.Sprint(i))
	}
	a := native.asking(t, s.addr, "t-alice", syncQueue)
	for _, c := range []struct {
		late, settled int64
		limit         int
	}{{7, 6, 3}, {7, 6, 5}, {7, 6, 200}, {7, 2, 4}, {1, 0, 3}, {20, 10, 7}, {7, 0, 1}} {
		store.late.Store(c.late)
		store.settled.Store(c.settled)
		seen := make(map[int64]bool)
		next := int64(0)
		sync := func() {
			t.Helper()
			for pages, more := 0, true; more; pages++ {
				if pages > 2*n {
					t.Fatalf("%+v: it does not end", c)
				}
				p := readPage(t, a.ask("/socket/chat/sync", fmt.Sprintf(`{"after":%d,"limit":%d}`, next, c.limit), syncQueue))
				for _, m := range p.Messages {
					seen[m.ID] = true
				}
				next, more = p.Next, p.More
			}
		}
		sync()
		if seen[c.late] || len(seen) != n-1 || next > c.settled {
			t.Errorf("%+v: %d seen, next is %d", c, len(seen), next)
		}
		store.late.Store(0)
		store.settled.Store(n)
		sync()
		if len(seen) != n || next != n {
			t.Errorf("%+v: %d seen in the end, next is %d", c, len(seen), next)
		}
	}
}

// brokenAsks is a store that cannot answer.
type brokenAsks struct{ *storetest.Memory }

func (brokenAsks) MarkRead(context.Context, int64, int64, int64) (int64, bool, error) {
	return 0, false, errSecret
}

func (brokenAsks) Conversations(context.Context, int64, int64, int) ([]chat.Summary, error) {
	panic(errSecret)
}

func (brokenAsks) Since(context.Context, int64, int64, int) ([]chat.Message, error) {
	return nil, errSecret
}

func (brokenAsks) Conversation(context.Context, int64, int64, chat.Page, int) ([]chat.Message, error) {
	return nil, errSecret
}

func TestAskWhenTheStoreFails(t *testing.T) {
	t.Parallel()
	s := serve(t, fiberchat.Config{Store: brokenAsks{storetest.NewMemory()}})
	a := native.asking(t, s.addr, "t-alice", conversationsQueue, historyQueue, syncQueue)
	for _, c := range []struct{ to, body, name string }{
		{"read", `{"senderId":2,"id":1}`, "StoreUnavailable"}, {"conversations", `{}`, "Internal"},
		{"sync", `{}`, "StoreUnavailable"}, {"history", `{"uid":2}`, "StoreUnavailable"},
	} {
		a.send("/socket/chat/"+c.to, c.body)
		if text := a.refused("", -300, c.name); strings.Contains(text, "secret") || !strings.Contains(text, "ask again") {
			t.Errorf("%s: %q", c.to, text)
		}
	}
	a.raw("SEND\ndestination:/socket/chat/sync\nreceipt:r\n\n{}\x00")
	a.refused("", -300, "StoreUnavailable")
	a.fails("try-again", 1013)
}

// What is asked has a limit of its own.
func TestAsksAreLimited(t *testing.T) {
	t.Parallel()
	s := serve(t, fiberchat.Config{Limits: fiberchat.Limits{SendRate: 0.001}}) // bursts of 1
	a := online(t, s.addr, "alice")
	a.subscribe(syncQueue)
	a.pending() // inits do not use it up
	a.ask("/socket/chat/sync", `{}`, syncQueue)
	a.send("/socket/chat/history", `x`) // waits, also for a refusal
	s.chat.Disconnect(1)
	a.fails("disconnected", 1008) // and nothing before
}
