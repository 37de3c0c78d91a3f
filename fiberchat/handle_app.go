package fiberchat

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/internal/stomp"
)

// Handle has handler take what clients SEND to destination, which begins with
// "/app/" and is compared byte by byte. It panics when destination does not,
// when it has a handler already, or when handler is nil. Call it before the app
// listens; later it is safe too, and whoever was faster is answered -404.
//
// Limits.SendRate and Limits.SendBytes count these frames with the user's
// messages, and a body beyond Limits.Content is refused with -400 TooLarge. The
// frames of a session stay in order: one handler of it runs at a time, when
// the messages and confirmations sent before are stored or refused, and the
// session's next frame waits for it. Sessions do not wait for each other, so
// handler is called by many goroutines at once.
//
// nil sends the RECEIPT, if the client asked for one. An error is answered on
// /user/queue/status with msgID null: chat.ErrForbidden and chat.Refuse with -303,
// any other, a panic and the end of ctx with -300, which is logged.
//
// ctx ends after Timeouts.Store, with the session, and with Close. A handler
// that does not heed it keeps its session's goroutine, no more than
// Limits.Sessions in all: the client is closed by Revoke, Disconnect and Close all the
// same, but Close waits for the handler as long as its own context lasts. So a
// handler must not call Close.
func (ch *Chat) Handle(destination string, handler func(ctx context.Context, r *Request) error) {
	if !strings.HasPrefix(destination, toApp) || destination == toApp {
		panic(fmt.Sprintf("fiberchat: Handle: destination %q must begin with %s and go on", destination, toApp))
	}
	if handler == nil {
		panic(fmt.Sprintf("fiberchat: Handle: the handler of %s is nil", destination))
	}
	if _, taken := ch.handlers.LoadOrStore(destination, appHandler(handler)); taken {
		panic(fmt.Sprintf("fiberchat: Handle: %s has a handler already", destination))
	}
}

type appHandler func(ctx context.Context, r *Request) error

// Request is what a client has sent to a destination of the app.
type Request struct {
	// From is the signed-in user.
	From chat.User
	// Body is as it was sent, whatever it holds; it is the handler's own.
	Body []byte

	client *client
}

// Reply sends body, as JSON of at most Limits.Content bytes, to those
// subscriptions of the asking session that are to /user/queue/app/{queue}, which
// Push describes; none is no error. It does not wait for the client, and may
// be called again and later, by any goroutine: to a session that is over
// nothing is sent. The error is that of queue or body.
func (r *Request) Reply(queue string, body any) error {
	if r.client == nil {
		return errors.New("fiberchat: reply: the Request is not from a client")
	}
	data, err := encodeApp(queue, body, r.client.chat.cfg.Limits.Content)
	if err != nil {
		return fmt.Errorf("fiberchat: reply: %w", err)
	}
	r.client.notifyQueue(queue, data)
	return nil
}

// encodeApp checks the name of a queue and encodes what goes there.
func encodeApp(queue string, body any, limit int) ([]byte, error) {
	if !validQueue(queue) {
		return nil, fmt.Errorf("queue %.80q: want 1 to %d printable ASCII characters without space", queue, maxName)
	}
	data, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("encode body: %w", err)
	}
	if len(data) > limit {
		return nil, fmt.Errorf("the body has %d bytes of JSON, at most %d are sent", len(data), limit)
	}
	return data, nil
}

// notifyQueue sends body to the session's subscriptions to a queue of the app.
func (c *client) notifyQueue(queue string, body []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.subs {
		if s.about == aboutApp && s.Destination[len(appQueue):] == queue {
			c.session.Message(s.Subscription, 0, body)
		}
	}
}

// handleApp has the app take a SEND to a destination of its own.
func (c *client) handleApp(f *stomp.Frame) {
	user, outcomes := c.identity.User, &c.chat.metrics.App
	if !c.chat.sends.take(user.ID, 1, c.session.Done()) {
		return
	}
	receipt := f.Receipt()
	handler, known := c.chat.handlers.Load(string(f.Destination()))
	limit := c.chat.cfg.Limits.Content
	switch {
	case !known:
		outcomes.Refused.Inc()
		c.refuse("", receipt, noSuchDestination())
		return
	case len(f.Body) > limit:
		outcomes.Refused.Inc()
		c.refuse("", receipt, bodyTooLarge(limit))
		return
	}
	if !c.chat.sendBytes.take(user.ID, len(f.Body), c.session.Done()) {
		return
	}
	c.drain() // what was sent before is carried out
	err := c.call(handler.(appHandler), &Request{From: user, Body: bytes.Clone(f.Body), client: c})
	if err == nil {
		outcomes.Done.Inc()
		c.session.Receipt(receipt)
		return
	}
	if c.session.Over() && errors.Is(err, context.Canceled) {
		outcomes.Failed.Inc()
		return // there is nobody to answer
	}
	fault := c.chat.handlerFailure(err, string(f.Destination()), user.ID)
	if fault.code == codeTryAgain {
		outcomes.Failed.Inc()
	} else {
		outcomes.Refused.Inc()
	}
	c.fail("", receipt, fault)
}

var errNoReturn = errors.New("the handler ended its goroutine")

// call has a handler run beside the reader, which waits for it: so ctx ends
// with the session, and the reader's stack, which an idle connection keeps,
// does not grow.
func (c *client) call(handler appHandler, r *Request) error {
	ctx, cancel := context.WithTimeout(c.chat.ctx, c.chat.cfg.Timeouts.Store)
	defer cancel()
	err := errNoReturn
	done := make(chan struct{})
	go func() { // waited for below
		defer close(done)
		_, err = guard(func() (struct{}, error) { return struct{}{}, handler(ctx, r) })
	}()
	select {
	case <-done:
	case <-c.session.Done():
		cancel()
		<-done
	}
	return err
}
