package fiberchat

import (
	"context"
	"errors"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/storetest"
)

// countedDirectory is a directory in which everybody below 100 is.
type countedDirectory struct {
	anybody
	asked int
}

func (d *countedDirectory) UserByID(ctx context.Context, id int64) (chat.User, error) {
	d.asked++
	if id >= 100 {
		return chat.User{}, chat.ErrNotFound
	}
	return d.anybody.UserByID(ctx, id)
}

// TestReceiversAreRemembered: the Directory is asked once a minute for who has
// no session here, and each time for who was not found.
func TestReceiversAreRemembered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		directory := new(countedDirectory)
		cfg := pipeConfig(storetest.NewMemory(), quiet())
		cfg.Directory = directory
		ch := openConfig(t, cfg)
		send := func(to int64, want int, wantErr bool) {
			t.Helper()
			directory.asked = 0
			for range 3 {
				if _, fault := ch.checkSend(chat.User{ID: 1}, to); (fault != nil) != wantErr {
					t.Fatalf("to %d: %v", to, fault)
				}
			}
			if directory.asked != want {
				t.Errorf("the Directory was asked %d times for user %d, want %d", directory.asked, to, want)
			}
		}
		send(2, 1, false)
		send(100, 3, true)
		time.Sleep(59 * time.Second)
		send(2, 0, false)
		time.Sleep(time.Second)
		send(2, 1, false)
		ch.listen(t, 3)
		send(3, 0, false)
		send(0, 0, true)
	})
}

// aliases gives everybody the user of another id.
type aliases struct{ anybody }

func (aliases) UserByID(context.Context, int64) (chat.User, error) { return chat.User{ID: 7}, nil }

// TestReceiverIDs: nobody is written to whose id a client cannot spell, or by
// another id than his own.
func TestReceiverIDs(t *testing.T) {
	t.Parallel()
	cfg := pipeConfig(storetest.NewMemory(), quiet())
	ch := openConfig(t, cfg)
	cfg.Store, cfg.Directory = storetest.NewMemory(), aliases{}
	aliased := openConfig(t, cfg)
	for _, c := range []struct {
		chat *Chat
		to   int64
		want *failure
	}{
		{ch, 0, failNoReceiver}, {ch, -1, failNoReceiver}, {ch, math.MinInt64, failNoReceiver},
		{ch, chat.MaxUserID, nil}, {ch, chat.MaxUserID + 1, failNoReceiver}, {ch, math.MaxInt64, failNoReceiver},
		{aliased, 7, nil}, {aliased, 8, failUnavailable},
	} {
		if to, f := c.chat.checkSend(chat.User{ID: 1}, c.to); f != c.want || f == nil && to.ID != c.to {
			t.Errorf("to %d: %v, %v", c.to, to, f)
		}
		_, err := c.chat.Send(t.Context(), 1, c.to, "x")
		if c.chat == ch && errors.Is(err, chat.ErrNotFound) != (c.want == failNoReceiver) {
			t.Errorf("Send to %d: %v", c.to, err)
		}
		if c.want == failNoReceiver {
			c.chat.Disconnect(c.to)
		}
	}
	if noted := ch.revoked.all(); len(noted) > 0 {
		t.Error("users who cannot be were disconnected:", noted)
	}
}
