package fiberchat_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"fiberchat.example/fiberchat"
	"fiberchat.example/fiberchat/chat"
)

// store puts messages from alice to bob, m0, m1, ... into a store.
func fill(t testing.TB, store chat.Store, from, to int, content string) {
	t.Helper()
	var ops []chat.Op
	for i := from; i < to; i++ {
		ops = append(ops, chat.Op{Save: &chat.Message{
			ChatID: fmt.Sprint("m", i), SenderID: 1, ReceiverID: 2, SenderName: "alice", ReceiverName: "bob", Content: content,
		}})
	}
	results, err := store.Apply(context.Background(), ops)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		if r.Err != nil {
			t.Fatal(r.Err)
		}
	}
}

// names is m{from}, ... m{to-1}.
func names(from, to int) (ids []string) {
	for i := from; i < to; i++ {
		ids = append(ids, fmt.Sprint("m", i))
	}
	return ids
}

func TestInitBodies(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, d door) {
		s := serve(t, fiberchat.Config{})
		online(t, s.addr, "alice").tell("m1", 2, "x")
		b := d.online(t, s.addr, "bob")
		for _, f := range []string{
			"SEND\ndestination:/socket/chat/init\nreceipt:init\n\n\x00",
			"SEND\ndestination:/socket/chat/init\nreceipt:init\ncontent-length:0\n\n\x00",
			"SEND\ndestination:/socket/chat/init\nreceipt:init\n\nnull\x00",
		} {
			b.raw(f)
			if got := b.message("/user/bob/recive").message(t); got.ChatID != "m1" {
				t.Error(got)
			}
			b.receipt("init")
		}
		b.send("/socket/chat/init", "") // no receipt asked
		b.message("/user/bob/recive")
		for _, body := range []string{"{}", "x", "\"\"", "nul", "[]"} {
			b.raw("SEND\ndestination:/socket/chat/init\n\n" + body + "\x00")
			b.refused("", -401, "BadField")
		}
		b.nothing()
	})
}

// TestInitPages: more than one page, exactly one, and around.
func TestInitPages(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 31, 32, 33, 64, 200} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			store := openStore(t)
			fill(t, store, 0, n, "x")
			s := serve(t, fiberchat.Config{Store: store})
			b := online(t, s.addr, "bob")
			if got := b.pending(); !slices.Equal(got, names(0, n)) {
				t.Error(got)
			}
			if got := b.pending(); !slices.Equal(got, names(0, n)) {
				t.Error("again:", got)
			}
			b.nothing()
		})
	}
}

func TestInitReplaysTheStoredMessage(t *testing.T) {
	t.Parallel()
	p := newPeople("alice", "bob")
	s := serve(t, fiberchat.Config{Authenticator: p, Directory: p})
	a, b := online(t, s.addr, "alice"), online(t, s.addr, "bob")
	a.tell("m1", 2, "x")
	live := b.message("/user/bob/recive")
	p.mu.Lock()
	p.users[0].Name, p.users[1].Name = "other", "another" // names are those at the time of sending
	p.mu.Unlock()
	b.init()
	if again := b.message("/user/bob/recive"); again.Body != live.Body || again.Headers["message-id"] == live.Headers["message-id"] {
		t.Errorf("live %s, replayed %s", live, again)
	}
	b.receipt("init")
}

func TestInitBeforeTheSubscription(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, d door) {
		s := serve(t, fiberchat.Config{})
		a := online(t, s.addr, "alice")
		a.tell("m1", 2, "x")
		b := d.connect(t, s.addr, "t-bob")
		b.init()
		b.subscribe(failures)
		b.nothing()
		a.tell("m2", 2, "x")
		b.raw("SUBSCRIBE\nid:1\ndestination:/user/2/recive\n\n\x00")
		for _, want := range []string{"m1", "m2"} {
			if got := b.message("/user/2/recive").message(t); got.ChatID != want {
				t.Error(got)
			}
		}
		b.receipt("init")
		b.subscribe("/user/bob/recive") // a second one replays nothing
		b.nothing()
	})
}

func TestInitToBothSpellings(t *testing.T) {
	t.Parallel()
	store := openStore(t)
	fill(t, store, 0, 40, "x")
	s := serve(t, fiberchat.Config{Store: store})
	b := connect(t, s.addr, "t-bob")
	b.subscribe("/user/bob/recive")
	b.subscribe("/user/2/recive")
	b.init()
	for _, id := range names(0, 40) {
		for _, d := range []string{"/user/bob/recive", "/user/2/recive"} {
			if got := b.message(d).message(t); got.ChatID != id {
				t.Fatal(got)
			}
		}
	}
	b.receipt("init")
}

func TestInitWithoutBacklogOfOthers(t *testing.T) {
	t.Parallel()
	store := openStore(t)
	fill(t, store, 0, 3, "x")
	s := serve(t, fiberchat.Config{Store: store})
	b1, b2, c := online(t, s.addr, "bob"), online(t, s.addr, "bob"), online(t, s.addr, "carol")
	if got := b1.pending(); len(got) != 3 {
		t.Error(got)
	}
	if got := c.pending(); len(got) != 0 {
		t.Error(got)
	}
	b2.nothing() // the other session did not ask
}

// TestConfirmThenInitInOneBurst: the confirmation counts.
func TestConfirmThenInitInOneBurst(t *testing.T) {
	t.Parallel()
	store := openStore(t)
	fill(t, store, 0, 100, "x")
	s := serve(t, fiberchat.Config{Store: store})
	b := online(t, s.addr, "bob")
	b.pending()
	var burst strings.Builder
	for i := range 90 {
		fmt.Fprintf(&burst, "SEND\ndestination:/socket/chat/recive\n\n{\"msgID\":\"m%d\"}\x00", i)
	}
	burst.WriteString("SEND\ndestination:/socket/chat/init\nreceipt:init\n\n\x00")
	b.raw(burst.String())
	for i := range 90 {
		b.message(receiveStatus).wantBody(t, success(fmt.Sprint("m", i)))
	}
	for i := 90; i < 100; i++ {
		if got := b.message("/user/bob/recive").message(t); got.ChatID != fmt.Sprint("m", i) {
			t.Fatal(got)
		}
	}
	b.receipt("init")
}

// TestInitsInOneBurst: each is answered, and between two a message comes at
// most once.
func TestInitsInOneBurst(t *testing.T) {
	t.Parallel()
	const inits = 100
	store := openStore(t)
	fill(t, store, 0, 40, "x")
	s := serve(t, fiberchat.Config{Store: store})
	b := online(t, s.addr, "bob")
	var burst strings.Builder
	for i := range inits {
		fmt.Fprintf(&burst, "SEND\ndestination:/socket/chat/init\nreceipt:%d\n\n\x00", i)
	}
	b.raw(burst.String())
	var last int64
	rounds := 0
	for done := 0; done < inits; {
		f := b.next()
		if f.Command == "RECEIPT" {
			if f.Headers["receipt-id"] != fmt.Sprint(done) {
				t.Fatalf("got %s, want RECEIPT %d", f, done)
			}
			if rounds == 0 || last != 40 {
				t.Fatalf("RECEIPT %d came after id %d", done, last)
			}
			done++
			continue
		}
		id := f.message(t).ID
		if id != last+1 {
			if id != 1 || last != 40 && last != 0 {
				t.Fatalf("id %d after %d", id, last)
			}
			rounds++
		} else if last == 0 {
			rounds++
		}
		last = id
	}
	if rounds > inits {
		t.Errorf("%d replays for %d inits", rounds, inits)
	}
	b.nothing()
}

func TestTooManyInitsWithoutSubscription(t *testing.T) {
	t.Parallel()
	s := serve(t, fiberchat.Config{})
	b := connect(t, s.addr, "t-bob")
	b.raw(strings.Repeat("SEND\ndestination:/socket/chat/init\n\n\x00", 65))
	b.fails("not-allowed", 1008)
}

// TestInitAfterUnsubscribing waits for a subscription again.
func TestInitAfterUnsubscribing(t *testing.T) {
	t.Parallel()
	store := openStore(t)
	fill(t, store, 0, 5, "x")
	s := serve(t, fiberchat.Config{Store: store})
	b := connect(t, s.addr, "t-bob")
	b.unsubscribe(b.subscribe("/user/bob/recive"))
	b.init()
	b.nothing()
	b.raw("SUBSCRIBE\nid:9\ndestination:/user/bob/recive\n\n\x00")
	for _, id := range names(0, 5) {
		if got := b.message("/user/bob/recive").message(t); got.ChatID != id {
			t.Fatal(got)
		}
	}
	b.receipt("init")
}
