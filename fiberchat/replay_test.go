package fiberchat_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"fiberchat.example/fiberchat"
	"fiberchat.example/fiberchat/chat"
)

// pagedStore lets a test stand between the pages of a replay.
type pagedStore struct {
	chat.Store
	asked   chan int64 // after which id a page is asked for
	proceed chan struct{}
	once    sync.Once
}

func newPagedStore(inner chat.Store) *pagedStore {
	return &pagedStore{Store: inner, asked: make(chan int64), proceed: make(chan struct{})}
}

// Pending reads the page first: what comes meanwhile is not in it.
func (s *pagedStore) Pending(ctx context.Context, receiverID, afterID int64, limit int) ([]chat.Message, error) {
	page, err := s.Store.Pending(ctx, receiverID, afterID, limit)
	select {
	case s.asked <- afterID:
		select {
		case <-s.proceed:
		case <-ctx.Done():
		}
	case <-s.proceed:
	case <-ctx.Done():
	}
	return page, err
}

// free lets all further pages pass.
func (s *pagedStore) free() { s.once.Do(func() { close(s.proceed) }) }

// TestLiveDuringReplay: what comes while a page is being read comes after
// the replay, once.
func TestLiveDuringReplay(t *testing.T) {
	t.Parallel()
	store := newPagedStore(openStore(t))
	defer store.free()
	fill(t, store, 0, 40, "x")
	s := serve(t, fiberchat.Config{Store: store})
	a, b := online(t, s.addr, "alice"), online(t, s.addr, "bob")

	b.init()
	if after := <-store.asked; after != 0 {
		t.Fatal("replay begins after", after)
	}
	a.tell("m40", 2, "live") // committed before the first page is sent
	b.nothing()              // the session's other frames are served meanwhile
	b.send("/socket/chat/recive", `{"msgID":"none"}`)
	b.refused("none", -404, "MessageNotFound")
	store.proceed <- struct{}{}
	first := int(<-store.asked) // ids begin at 1: it is how many the page had
	for _, id := range names(0, first) {
		if got := b.message("/user/bob/recive").message(t); got.ChatID != id {
			t.Fatal(got)
		}
	}
	a.tell("m41", 2, "live")
	store.free()
	receipts := 0
	for next := first; next < 42; {
		f := b.next()
		if f.Command == "RECEIPT" {
			receipts++
			if next < 40 {
				t.Fatal("the RECEIPT came before", next)
			}
			continue
		}
		if got := f.message(t); got.ChatID != fmt.Sprint("m", next) {
			t.Fatalf("got %v, want m%d", got, next)
		}
		next++
	}
	if receipts == 0 {
		b.receipt("init")
	}
	a.tell("m42", 2, "live")
	if got := b.message("/user/bob/recive").message(t); got.ChatID != "m42" {
		t.Error(got)
	}
	b.nothing()
}

// TestUnsubscribeDuringReplay: nothing more comes, and the init goes on with
// the next subscription.
func TestUnsubscribeDuringReplay(t *testing.T) {
	t.Parallel()
	store := newPagedStore(openStore(t))
	defer store.free()
	fill(t, store, 0, 40, "x")
	s := serve(t, fiberchat.Config{Store: store})
	b := connect(t, s.addr, "t-bob")
	id := b.subscribe("/user/bob/recive")
	b.init()
	<-store.asked
	store.proceed <- struct{}{}
	for range <-store.asked {
		b.message("/user/bob/recive")
	}
	b.unsubscribe(id)
	store.free()
	b.nothing()
	b.raw("SUBSCRIBE\nid:9\ndestination:/user/bob/recive\n\n\x00")
	for _, id := range names(0, 40) {
		if got := b.message("/user/bob/recive").message(t); got.ChatID != id {
			t.Fatalf("got %v, want %s", got, id)
		}
	}
	b.receipt("init")
	b.nothing()
}

// TestDisconnectWaitsForTheReplay: earlier frames first, receipt, close.
func TestDisconnectWaitsForTheReplay(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, d door) {
		store := openStore(t)
		fill(t, store, 0, 100, "x")
		s := serve(t, fiberchat.Config{Store: store})
		a, b := online(t, s.addr, "alice"), d.online(t, s.addr, "bob")
		b.raw("SEND\ndestination:/socket/chat/init\nreceipt:init\n\n\x00" +
			"SEND\ndestination:/socket/chat/send\nreceipt:sent\n\n" + sendBody("last", 1, "x") + "\x00" +
			"DISCONNECT\nreceipt:bye\n\n\x00")
		messages, seen := 0, make(map[string]bool)
		for !seen["bye"] {
			switch f := b.next(); f.Command {
			case "RECEIPT":
				seen[f.Headers["receipt-id"]] = true
			case "MESSAGE":
				if f.Headers["destination"] == "/user/bob/recive" {
					messages++
				}
			}
		}
		if messages != 100 || !seen["init"] || !seen["sent"] {
			t.Error(messages, "messages, receipts:", seen)
		}
		b.closes(1000)
		if got := a.message("/user/alice/recive").message(t); got.ChatID != "last" {
			t.Error(got)
		}
	})
}

// TestReplayOfMoreThanTheQueue holds no more than the queue may.
func TestReplayOfMoreThanTheQueue(t *testing.T) {
	t.Parallel()
	for _, d := range []door{native, sockws, xhr} {
		t.Run(string(d), func(t *testing.T) {
			t.Parallel()
			store := openStore(t)
			fill(t, store, 0, 60, strings.Repeat("x", 40<<10))
			s := serve(t, fiberchat.Config{Store: store})
			b := d.online(t, s.addr, "bob")
			if got := b.pending(); len(got) != 60 {
				t.Error(len(got), "messages came")
			}
		})
	}
}

// TestLiveAndReplayTogether is the same without standing in between: at most
// once, in order of id, none missing.
func TestLiveAndReplayTogether(t *testing.T) {
	t.Parallel()
	const before, live = 200, 200
	store := openStore(t)
	fill(t, store, 0, before, "x")
	s := serve(t, fiberchat.Config{Store: store, Limits: fiberchat.Limits{SendRate: -1}})
	a, b := online(t, s.addr, "alice"), online(t, s.addr, "bob")
	go func() { // ends before the last message has come
		for i := before; i < before+live; i++ {
			if err := a.Conn.Raw("SEND\ndestination:/socket/chat/send\n\n" + sendBody(fmt.Sprint("m", i), 2, "x") + "\x00"); err != nil {
				t.Error(err)
			}
		}
	}()
	b.message("/user/bob/recive") // a live one
	b.init()
	// Live ones come until the replay begins with the first of all.
	m := b.message("/user/bob/recive").message(t)
	for m.ID != 1 {
		m = b.message("/user/bob/recive").message(t)
	}
	receipt := false
	for next := int64(2); next <= before+live; {
		f := b.next()
		if f.Command == "RECEIPT" {
			receipt = true
			continue
		}
		if m := f.message(t); m.ID != next {
			t.Fatalf("id %d came, want %d", m.ID, next)
		}
		next++
	}
	if !receipt {
		b.receipt("init")
	}
	b.nothing()
}
