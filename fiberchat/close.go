package fiberchat

import (
	"context"
	"errors"
	"time"

	"github.com/gofiber/fiber/v2"

	"fiberchat.example/fiberchat/internal/stomp"
)

// shutdownTime is how long an app's shutdown may take for its clients.
const shutdownTime = 10 * time.Second

func (ch *Chat) closeWithin(d time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	return ch.Close(ctx)
}

// closeWith makes an app's Shutdown wait until chat is closed.
func (ch *Chat) closeWith(app *fiber.App) {
	app.Hooks().OnShutdown(func() error { return ch.closeWithin(shutdownTime) })
}

// Close refuses what comes, makes durable what was accepted, closes every
// session with 1001 and waits for them until ctx ends; then it cuts those
// that are left and returns ctx's error, and the rest ends in the background.
// A Store that Config named stays open. Further calls wait for the first.
func (ch *Chat) Close(ctx context.Context) error {
	ch.mu.Lock()
	first := !ch.isClosing()
	if first {
		close(ch.closing)
	}
	ch.mu.Unlock()
	if !first {
		select {
		case <-ch.closed:
			return nil
		case <-ctx.Done():
			select {
			case <-ch.closed: // both are so
				return nil
			default:
				return ctx.Err()
			}
		}
	}
	finished := make(chan error, 1)
	go func() { finished <- ch.finish() }() // ends when the sessions have, which the cut below forces
	select {
	case err := <-finished:
		return err
	case <-ctx.Done():
		ch.cancel()
		for _, c := range ch.hub.All() {
			c.session.Abort("going away")
		}
		return ctx.Err()
	}
}

// finish makes durable what was accepted, closes the sessions and waits for them.
func (ch *Chat) finish() error {
	defer close(ch.closed)
	ch.sockjs.Hurry()
	ch.committer.Close()
	for _, c := range ch.hub.All() {
		c.session.Close(stomp.CloseGoingAway, "going away")
	}
	ch.sessions.Wait()
	ch.presence.close()
	ch.hooks.close()
	ch.node.close()
	err := ch.sockjs.Close(ch.ctx)
	ch.cancel()
	return errors.Join(err, ch.closeOwned())
}

func (ch *Chat) closeOwned() error {
	if ch.owned == nil {
		return nil
	}
	return ch.owned.Close()
}

func (ch *Chat) isClosing() bool {
	select {
	case <-ch.closing:
		return true
	default:
		return false
	}
}
