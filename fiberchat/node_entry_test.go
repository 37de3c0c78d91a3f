package fiberchat

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"

	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/storetest"
)

// FuzzEntry: what appendEntry writes is read back, whatever follows it.
func FuzzEntry(f *testing.F) {
	f.Add(byte(entryMessage), int64(2), int64(255), int64(254), []byte(`{"id":255}`), []byte("rest"))
	f.Add(byte(entryDelivered), int64(-1), int64(0), int64(0), []byte{}, []byte{})
	f.Add(byte(entryRead), int64(1<<53), int64(0), int64(0), []byte(`{"readerId":2}`), []byte{})
	f.Add(byte(entryNotice), int64(2), int64(419), int64(0), []byte{}, []byte("rest"))
	f.Add(byte(entryRevoked), int64(0), int64(0), int64(0), []byte("r"), []byte{entryHello, 0})
	f.Add(byte('?'), int64(1), int64(1), int64(1), []byte("of another version"), []byte{})
	f.Fuzz(func(t *testing.T, kind byte, userID, id, previous int64, body, rest []byte) {
		e := entry{kind: kind, body: body}
		switch kind {
		case entryMessage:
			e.userID, e.id, e.previous = userID, id, previous
		case entryDelivered, entryPush, entryRead:
			e.userID = userID
		case entryNotice:
			e.userID, e.id = userID, id
		}
		b := appendEntry(nil, e)
		if n := entrySize(append(b, rest...)); n != len(b) {
			t.Errorf("it has %d bytes and not %d", n, len(b))
		}
		got, others, ok := nextEntry(append(b, rest...))
		if !ok || got.kind != kind || got.userID != e.userID || got.id != e.id || got.previous != e.previous ||
			!bytes.Equal(got.body, body) || !bytes.Equal(others, rest) {
			t.Errorf("%+v came back as %+v, %q, %v", e, got, others, ok)
		}
		short, _, ok := nextEntry(withoutBody(b))
		if !ok || len(short.body) > 0 || short.id != e.id || short.userID != e.userID || short.previous != e.previous {
			t.Errorf("without its body it is %+v", short)
		}
	})
}

// FuzzNextEntry: a publication of anybody's is read to its end, or to where it
// is not whole.
func FuzzNextEntry(f *testing.F) {
	f.Add(appendEntry(appendEntry(nil, entry{kind: entryHello}), entry{kind: entryMessage, userID: 1, id: 2, previous: 1, body: []byte("{}")}))
	f.Add([]byte{entryMessage, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Add([]byte{entryMessage, 1, 0xff})
	f.Fuzz(func(t *testing.T, entries []byte) {
		for {
			e, others, ok := nextEntry(entries)
			if !ok {
				return
			}
			if size := entrySize(entries); size < 2 || size != len(entries)-len(others) || len(e.body) > size {
				t.Fatalf("an entry of %d bytes leaves %d of %d", size, len(others), len(entries))
			}
			_ = parseRevoked(e.body)
			entries = others
		}
	})
}

// slowBus takes publications while it is open, and keeps them.
type slowBus struct {
	maxData int
	open    chan struct{} // closed: it takes them

	mu   sync.Mutex
	took [][]byte
}

func (b *slowBus) Publish(ctx context.Context, data []byte) error {
	select {
	case <-b.open:
	case <-ctx.Done():
		return ctx.Err()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.took = append(b.took, bytes.Clone(data))
	return nil
}

func (b *slowBus) Subscribe(context.Context, func([]byte)) (func(), error) { return func() {}, nil }
func (b *slowBus) OnGap(func())                                            {}
func (b *slowBus) MaxData() int                                            { return b.maxData }
func (b *slowBus) Up() bool                                                { return true }

// entries is what was published, and which publication had it.
func (b *slowBus) entries(t *testing.T, id []byte) (all []entry, from []int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, data := range b.took {
		if len(data) > b.maxData {
			t.Errorf("%d bytes were published", len(data))
		}
		rest, ours := bytes.CutPrefix(data, id)
		if !ours {
			t.Fatalf("%q does not begin with the node's id", data)
		}
		for {
			e, others, ok := nextEntry(rest)
			if !ok {
				break
			}
			all, from, rest = append(all, e), append(from, i), others
		}
	}
	return all, from
}

// TestPublicationsFitTheBus: entries are cut into as few publications as the
// bus takes; a message that is too long for one travels as its ids.
func TestPublicationsFitTheBus(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		bus := &slowBus{maxData: 500, open: make(chan struct{})}
		cfg := pipeConfig(storetest.NewMemory(), quiet())
		cfg.Bus = bus
		ch := openConfig(t, cfg)
		// The first is being published while the others wait.
		for i := range int64(20) {
			body := fmt.Appendf(nil, "%0100d", i)
			if i == 10 {
				body = make([]byte, 500)
			}
			ch.node.addMessage(&chat.Message{ID: i + 1, ReceiverID: 2}, i, body)
			ch.node.flush()
			if i == 0 {
				synctest.Wait()
			}
		}
		close(bus.open)
		synctest.Wait()
		all, from := bus.entries(t, ch.node.id)
		if len(all) != 20 {
			t.Fatal(len(all), "entries were published")
		}
		for i, e := range all {
			if e.kind != entryMessage || e.userID != 2 || e.id != int64(i+1) || e.previous != int64(i) {
				t.Errorf("entry %d is %+v", i, e)
			}
			if (len(e.body) == 0) != (i == 10) {
				t.Errorf("entry %d has a body of %d bytes", i, len(e.body))
			}
		}
		if n := from[19] + 1; n > 9 {
			t.Error("they took", n, "publications")
		}
	})
}

// TestUnpublishedIsBounded: a bus that takes nothing makes the node hold a
// bounded number of bytes, and the metric says that it is down.
func TestUnpublishedIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		bus := &slowBus{maxData: 1 << 20, open: make(chan struct{})}
		cfg := pipeConfig(storetest.NewMemory(), quiet())
		cfg.Bus = bus
		ch := openConfig(t, cfg)
		body := make([]byte, 100<<10)
		for i := range int64(1000) {
			ch.node.addMessage(&chat.Message{ID: i + 1, ReceiverID: 2}, i, body)
			ch.node.flush()
		}
		ch.node.mu.Lock()
		held := len(ch.node.entries)
		ch.node.mu.Unlock()
		if held < maxUnpublished/2 || held > maxUnpublished+101<<10 {
			t.Error(held, "bytes wait to be published")
		}
		if ch.node.isUp() != 0 {
			t.Error("the metric says that the bus is up")
		}
		close(bus.open)
	})
}

// TestPushIsPublishedAtOnce, and not with the next look in the store.
func TestPushIsPublishedAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		bus := &slowBus{maxData: 1 << 20, open: make(chan struct{})}
		close(bus.open)
		cfg := pipeConfig(storetest.NewMemory(), quiet())
		cfg.Bus = bus
		ch := openConfig(t, cfg)
		synctest.Wait()
		if err := ch.Push(t.Context(), 7, "a/b", []int{1, 2}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		all, _ := bus.entries(t, ch.node.id)
		if len(all) != 1 || all[0].kind != entryPush || all[0].userID != 7 || string(all[0].body) != "a/b [1,2]" {
			t.Errorf("published: %+v", all)
		}
	})
}
