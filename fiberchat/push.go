package fiberchat

import (
	"bytes"
	"context"
	"fmt"
)

const maxPush = 4 << 10 // bytes of JSON

// Push sends body, as JSON of at most 4 KiB, to all sessions of a user, on all
// nodes, that subscribed to /user/queue/app/{queue}. A queue's name is 1 to 64
// printable ASCII characters without space, such as "typing" or "room/7", which
// are compared byte by byte; clients may subscribe to any.
//
// It is live only: who is away, or has not subscribed, has missed it, and so
// have the users of other nodes while the bus is away. Push does not wait for
// clients nor for the bus, so nil does not mean that anybody has got it. What
// one goroutine pushes comes in its order. A client that reads too slowly is
// closed as beyond Limits.Queued always.
//
// The error is ErrClosed, ctx's when it has ended before, or says what is wrong
// with userID, queue or body.
func (ch *Chat) Push(ctx context.Context, userID int64, queue string, body any) error {
	if ch.isClosing() {
		return ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if !validID(userID) {
		return fmt.Errorf("fiberchat: push: no user has the id %d", userID)
	}
	data, err := encodeApp(queue, body, maxPush)
	if err != nil {
		return fmt.Errorf("fiberchat: push: %w", err)
	}
	ch.pushHere(userID, queue, data)
	ch.node.addPush(userID, queue, data)
	return nil
}

// pushHere sends to the sessions of this node.
func (ch *Chat) pushHere(userID int64, queue string, data []byte) {
	for _, c := range ch.hub.Of(userID) {
		c.notifyQueue(queue, data)
	}
}

// addPush publishes: no name of a queue has a space.
func (n *node) addPush(userID int64, queue string, data []byte) {
	n.add(entry{kind: entryPush, userID: userID, body: append([]byte(queue+" "), data...)})
	n.flush()
}

// handlePush takes the push of another node.
func (n *node) handlePush(e entry) {
	queue, data, _ := bytes.Cut(e.body, []byte(" "))
	n.chat.pushHere(e.userID, string(queue), data)
}

// validQueue reports whether a queue of the app can have that name.
func validQueue(name string) bool { return isPrintable(name, '!') }
