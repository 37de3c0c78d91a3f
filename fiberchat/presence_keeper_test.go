package fiberchat

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/storetest"
)

// presenceMemory counts the saves, and fails or hangs while it is told to.
type presenceMemory struct {
	*storetest.Memory
	mu      sync.Mutex
	saves   int
	largest int // changes of one
	fail    func(ctx context.Context) error
}

func (s *presenceMemory) SavePresence(ctx context.Context, node int64, changes []chat.Presence) (bool, error) {
	s.mu.Lock()
	s.saves++
	s.largest = max(s.largest, len(changes))
	fail := s.fail
	s.mu.Unlock()
	if fail != nil {
		if err := fail(ctx); err != nil {
			return false, err
		}
	}
	return s.Memory.SavePresence(ctx, node, changes)
}

// set makes saves do this first, or fail so; nil mends them.
func (s *presenceMemory) set(fail func(context.Context) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = fail
}

// count returns the saves since it was last asked.
func (s *presenceMemory) count() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, s.saves = s.saves, 0
	return n
}

var errDown = errors.New("the database is down")

func down(context.Context) error { return errDown }

// openPatient is openChat for clients that are silent for hours.
func openPatient(t *testing.T, store chat.Store, logger *slog.Logger) *Chat {
	t.Helper()
	cfg := pipeConfig(store, logger)
	cfg.Timeouts.Ping = 1000 * time.Hour
	return openConfig(t, cfg)
}

// leave ends a session.
func (c *pipe) leave() {
	c.in <- "DISCONNECT\n\n\x00"
	<-c.over
	synctest.Wait()
}

func (ch *Chat) wantOnline(t *testing.T, id int64, online bool, lastSeen time.Time) {
	t.Helper()
	got, err := ch.Online(t.Context(), id)
	if err != nil || len(got) != 1 || got[0].UserID != id || got[0].Online != online || !got[0].LastSeen.Equal(lastSeen) {
		t.Fatalf("at %v: %+v, %v, want %v, %v", time.Now().UTC(), got, err, online, lastSeen)
	}
}

// TestKilledNode: the users of a node whose beats stop are offline within two
// minutes, last seen when it last beat; when it was only cut off, they are
// online again.
func TestKilledNode(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		memory := storetest.NewMemory()
		mortal := &presenceMemory{Memory: memory}
		a, b := openPatient(t, mortal, quiet()), openPatient(t, memory, quiet())
		a.listen(t, 1)
		time.Sleep(61*time.Minute + 5*time.Second) // the last beat was 5 s ago
		b.wantOnline(t, 1, true, now())
		a.wantOnline(t, 1, true, now())
		killed := now()
		mortal.set(down)
		time.Sleep(nodeTimeout - beatEvery) // since its last beat, 30 s at most
		b.wantOnline(t, 1, true, now())
		time.Sleep(2*time.Minute - (nodeTimeout - beatEvery))
		got, err := b.Online(t.Context(), 1)
		if err != nil || got[0].Online || got[0].LastSeen.After(killed) || killed.Sub(got[0].LastSeen) > beatEvery {
			t.Fatalf("killed at %v: %+v, %v", killed, got, err)
		}
		time.Sleep(10 * time.Minute) // it is buried meanwhile
		b.wantOnline(t, 1, false, got[0].LastSeen)
		if more, err := memory.BuryNodes(t.Context(), nodeTimeout, 1); more || err != nil {
			t.Error("left to bury:", more, err)
		}
		mortal.set(nil)
		time.Sleep(saveRetry + savePause)
		b.wantOnline(t, 1, true, now())
	})
}

// TestCloseSavesPresence: after a clean end the users are offline at once, and
// nothing of them is left to bury.
func TestCloseSavesPresence(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		memory := &presenceMemory{Memory: storetest.NewMemory()}
		a, b := openPatient(t, memory, quiet()), openPatient(t, memory.Memory, quiet())
		for id := range int64(50) {
			a.listen(t, id+1)
		}
		b.listen(t, 7)
		time.Sleep(time.Hour)
		at := now()
		if err := a.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		b.wantOnline(t, 7, true, at)
		b.wantOnline(t, 8, false, at)
		b.wantOnline(t, 99, false, time.Time{})
		if more, err := memory.BuryNodes(t.Context(), 0, 1); !more || err != nil {
			t.Fatal(more, err)
		}
		b.wantOnline(t, 50, false, at)
	})
}

// TestCloseDoesNotWaitForPresence longer than its context lasts.
func TestCloseDoesNotWaitForPresence(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		memory := &presenceMemory{Memory: storetest.NewMemory()}
		ch := openPatient(t, memory, quiet())
		ch.listen(t, 1)
		time.Sleep(time.Minute)
		memory.set(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		begun := time.Now()
		if err := ch.closeWithin(3 * time.Second); !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) != 3*time.Second {
			t.Error("Close:", err, "after", time.Since(begun))
		}
	})
}

// TestPresenceCostsLittle: a save a second while people come and go, one each
// half minute else, and none for messages.
func TestPresenceCostsLittle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		memory := &presenceMemory{Memory: storetest.NewMemory()}
		ch := openPatient(t, memory, quiet())
		time.Sleep(time.Minute)
		memory.count()
		a := ch.listen(t, 1)
		ch.listen(t, 2)
		ch.listen(t, 2) // a second session is no change
		time.Sleep(2 * time.Second)
		if n := memory.count(); n < 1 || n > 2 {
			t.Error(n, "saves for two users who came")
		}
		for i := range 600 {
			a.in <- fmt.Sprintf("SEND\ndestination:/socket/chat/send\n\n"+`{"msgID":"m%d","reciverId":2,"content":"x"}`+"\x00", i)
			time.Sleep(time.Second)
		}
		if n := memory.count(); n < 20 || n > 21 {
			t.Error(n, "saves in ten minutes in which nobody came or went")
		}
		for id := range int64(100) {
			ch.presence.note(id + 100)
			time.Sleep(100 * time.Millisecond)
		}
		if n := memory.count(); n < 10 || n > 12 {
			t.Error(n, "saves in ten seconds in which people came")
		}
		time.Sleep(2 * time.Second)
		memory.count()
		const users = 25_000
		for id := range int64(users) {
			ch.presence.note(id + 100)
		}
		time.Sleep(10 * time.Second)
		if n := memory.count(); n != 3 && n != 4 || memory.largest != maxSave {
			t.Errorf("%d saves for %d users, the largest of %d", n, users, memory.largest)
		}
		ch.presence.mu.Lock()
		defer ch.presence.mu.Unlock()
		if n := len(ch.presence.changes); n > 0 {
			t.Error(n, "changes are left")
		}
	})
}

// TestReconnectStorm: whatever the order, the last state is right.
func TestReconnectStorm(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		memory := storetest.NewMemory()
		a, b, other := openPatient(t, memory, quiet()), openPatient(t, memory, quiet()), openPatient(t, memory, quiet())
		const users = 20
		seed := rand.Uint64()
		t.Log("seed", seed)
		var storm sync.WaitGroup
		up, last := make([]int, users+1), make([]time.Time, users+1)
		for id := int64(1); id <= users; id++ {
			storm.Go(func() {
				random := rand.New(rand.NewPCG(seed, uint64(id)))
				var mine []*pipe
				for range 40 {
					if len(mine) > 0 && random.IntN(2) == 0 {
						k := random.IntN(len(mine))
						mine[k].in <- "DISCONNECT\n\n\x00"
						<-mine[k].over
						if mine = append(mine[:k], mine[k+1:]...); len(mine) == 0 {
							last[id] = now()
						}
					} else if len(mine) < 3 {
						mine = append(mine, []*Chat{a, b}[random.IntN(2)].listen(t, id))
					}
					time.Sleep(time.Duration(random.IntN(1500)) * time.Millisecond)
				}
				up[id] = len(mine)
			})
		}
		storm.Wait()
		time.Sleep(3 * time.Second)
		for _, ch := range []*Chat{a, b, other} {
			for id := int64(1); id <= users; id++ {
				if up[id] > 0 {
					ch.wantOnline(t, id, true, now())
				} else {
					ch.wantOnline(t, id, false, last[id])
				}
			}
		}
	})
}

// TestPresenceStoreFails: the log says so once, and once that it works again;
// sessions are none the worse, and what the store missed is made up for.
func TestPresenceStoreFails(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(context.Context) error{
		"error": down,
		"panic": func(context.Context) error { panic(errDown) },
		"slow":  func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				memory := &presenceMemory{Memory: storetest.NewMemory()}
				logs := new(bytes.Buffer) // slog's handler writes one line at a time
				ch := openPatient(t, memory, slog.New(slog.NewTextHandler(logs, nil)))
				other := openPatient(t, memory.Memory, quiet())
				stays, goes := ch.listen(t, 1), ch.listen(t, 2)
				time.Sleep(time.Minute)
				memory.set(fail)
				time.Sleep(time.Minute)
				goes.leave()
				left := now()
				comes := ch.listen(t, 3)
				for i := range 10 {
					stays.in <- fmt.Sprintf("SEND\ndestination:/socket/chat/send\nreceipt:r%d\n\n"+`{"msgID":"m%[1]d","reciverId":3,"content":"x"}`+"\x00", i)
					stays.want(t, fmt.Sprint("receipt-id:r", i))
					comes.want(t, "MESSAGE")
				}
				ch.wantOnline(t, 2, false, left) // here it is known all the same
				time.Sleep(10 * time.Minute)
				memory.set(nil)
				time.Sleep(ch.cfg.Timeouts.Store + saveRetry + savePause)
				other.wantOnline(t, 1, true, now())
				other.wantOnline(t, 2, false, left)
				other.wantOnline(t, 3, true, now())
				if err := ch.Close(t.Context()); err != nil {
					t.Error(err)
				}
				warned, well := strings.Count(logs.String(), "level=WARN"), strings.Count(logs.String(), "presence is saved again")
				if warned != 1 || well != 1 {
					t.Errorf("%d warnings, %d ends of them:\n%s", warned, well, logs)
				}
			})
		})
	}
}

// TestPresenceIsBounded: a store that takes its time makes the node hold a
// bounded number of changes. Who left meanwhile is offline all the same.
func TestPresenceIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		memory := &presenceMemory{Memory: storetest.NewMemory()}
		ch, other := openPatient(t, memory, quiet()), openPatient(t, memory.Memory, quiet())
		ch.presence.limit = 10
		ch.listen(t, 1)
		var leave []*pipe
		for id := range int64(8) {
			leave = append(leave, ch.listen(t, 2+id))
		}
		time.Sleep(time.Minute + savePause)
		other.wantOnline(t, 2, true, now())
		stored := now()
		memory.set(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		for id := range int64(100) {
			ch.listen(t, 100+id).leave()
		}
		for _, c := range leave { // for which there is no space
			c.leave()
		}
		ch.presence.mu.Lock()
		if n := len(ch.presence.changes); n != 10 {
			t.Error(n, "changes are kept")
		}
		ch.presence.mu.Unlock()
		time.Sleep(time.Minute)
		memory.set(nil)
		time.Sleep(nodeTimeout + saveRetry)
		other.wantOnline(t, 1, true, now())
		for id := range int64(8) {
			got, err := other.Online(t.Context(), 2+id)
			if err != nil || got[0].Online || stored.Sub(got[0].LastSeen).Abs() > beatEvery {
				t.Errorf("left after %v: %+v, %v", stored, got, err)
			}
		}
	})
}

// TestBuriedAlive: a node whom others took for dead, for its machine stood
// still, puts its users in again, also when the answer that says so is lost.
func TestBuriedAlive(t *testing.T) {
	t.Parallel()
	for _, lost := range []bool{false, true} {
		t.Run(fmt.Sprint(lost), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				memory := &presenceMemory{Memory: storetest.NewMemory()}
				a, b := openPatient(t, memory, quiet()), openPatient(t, memory.Memory, quiet())
				for id := range int64(5) {
					a.listen(t, id+1)
				}
				time.Sleep(10 * time.Second)
				for range 3 {
					if _, err := memory.BuryNodes(t.Context(), 0, 2); err != nil {
						t.Fatal(err)
					}
				}
				if lost {
					memory.set(func(ctx context.Context) error {
						memory.set(down) // the next one too
						_, err := memory.Memory.SavePresence(ctx, a.presence.node, nil)
						return errors.Join(err, errDown)
					})
				}
				time.Sleep(beatEvery + saveRetry + 2*savePause)
				memory.set(nil)
				time.Sleep(saveRetry)
				for id := range int64(5) {
					b.wantOnline(t, id+1, true, now())
				}
			})
		})
	}
}

// TestChangesDuringASave are in the next one.
func TestChangesDuringASave(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		memory := &presenceMemory{Memory: storetest.NewMemory()}
		a, b := openPatient(t, memory, quiet()), openPatient(t, memory.Memory, quiet())
		goes := a.listen(t, 1)
		time.Sleep(5 * time.Second)
		memory.set(func(context.Context) error { time.Sleep(5 * time.Second); return nil })
		comes := a.listen(t, 2)
		synctest.Wait() // it is being saved that 2 is here
		comes.leave()
		goes.leave()
		left := now()
		a.wantOnline(t, 2, false, left)
		time.Sleep(20 * time.Second)
		b.wantOnline(t, 1, false, left)
		b.wantOnline(t, 2, false, left)
	})
}
