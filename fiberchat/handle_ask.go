package fiberchat

import (
	"context"

	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/internal/stomp"
)

// askRows is how many rows are read at once for an answer: a store takes a
// number of rows and no size, and what is read is in memory.
const askRows = 32

// handleAsk carries out a SEND that asks for something. What was sent before it
// counts, and the reader waits, so answers come in the order asked.
func (c *client) handleAsk(f *stomp.Frame, ask func(body []byte) *failure) {
	if !c.chat.asks.take(c.identity.User.ID, 1, c.session.Done()) {
		return
	}
	c.drain()
	var fault *failure
	c.aside(func() { fault = ask(f.Body) })
	if fault != nil {
		c.refuse("", f.Receipt(), fault)
		return
	}
	c.session.Receipt(f.Receipt())
}

func (c *client) handleRead(body []byte) *failure {
	senderID, id, fault := parseRead(body)
	if fault != nil {
		return fault
	}
	if c.chat.conversations() == nil {
		return noSuchDestination()
	}
	ctx, cancel := context.WithTimeout(c.chat.ctx, c.chat.cfg.Timeouts.Store)
	defer cancel()
	return c.asked(c.chat.markRead(ctx, c.identity.User.ID, senderID, id, c))
}

func (c *client) handleConversations(body []byte) *failure {
	before, limit, fault := parseConversations(body)
	if fault != nil {
		return fault
	}
	store := c.chat.conversations()
	if store == nil {
		return noSuchDestination()
	}
	return c.answerWith(aboutConversations, func() ([]byte, error) {
		b, last, more, err := fill(c, []byte(`{"conversations":[`), limit, appendSummary,
			func(ctx context.Context, last *chat.Summary, rows int) ([]chat.Summary, error) {
				from := before
				if last != nil {
					from = last.Last.ID
				}
				return store.Conversations(ctx, c.identity.User.ID, from, rows)
			})
		if last != nil {
			before = last.Last.ID
		}
		return appendEnd(b, "before", before, more), err
	})
}

func (c *client) handleHistory(body []byte) *failure {
	otherID, page, limit, fault := parseHistory(body)
	if fault != nil {
		return fault
	}
	return c.answerWith(aboutHistory, func() ([]byte, error) {
		b, _, more, err := fill(c, appendHistoryHead(nil, otherID), limit, appendStored,
			func(ctx context.Context, last *chat.Message, rows int) ([]chat.Message, error) {
				from := page
				switch {
				case last == nil:
				case page.After != 0:
					from.After = last.ID
				default:
					from.Before = last.ID
				}
				return c.chat.cfg.Store.Conversation(ctx, c.identity.User.ID, otherID, from, rows)
			})
		return appendEnd(b, "", 0, more), err
	})
}

func (c *client) handleSync(body []byte) *failure {
	after, limit, fault := parseSync(body)
	if fault != nil {
		return fault
	}
	store := c.chat.conversations()
	if store == nil {
		return noSuchDestination()
	}
	return c.answerWith(aboutSync, func() ([]byte, error) {
		settled, err := c.settled(store) // before the page is read
		if err != nil {
			return nil, err
		}
		b, last, more, err := fill(c, []byte(`{"messages":[`), limit, appendStored,
			func(ctx context.Context, last *chat.Message, rows int) ([]chat.Message, error) {
				from := after
				if last != nil {
					from = last.ID
				}
				return store.Since(ctx, c.identity.User.ID, from, rows)
			})
		end := after
		if last != nil {
			end = last.ID
		}
		return appendEnd(b, "next", nextSync(after, end, settled, more), more), err
	})
}

func (c *client) settled(store chat.Conversations) (int64, error) {
	ctx, cancel := context.WithTimeout(c.chat.ctx, c.chat.cfg.Timeouts.Store)
	defer cancel()
	return guard(func() (int64, error) { return store.Settled(ctx) })
}

// nextSync is where the next sync begins after one from after that ended with
// end. Above settled something may yet appear, so the last page leads back to
// there, and with it all that follows: what was passed on the way comes again,
// and nothing is missed. Pages before it lead on, if need be beyond settled.
func nextSync(after, end, settled int64, more bool) int64 {
	if more && settled <= after {
		return end
	}
	return min(end, settled)
}

// answerWith sends what read returns to the session's subscriptions about a
// subject, when there is space for it.
func (c *client) answerWith(about subject, read func() ([]byte, error)) *failure {
	subs := c.subscriptions(about)
	if len(subs) == 0 {
		return nil
	}
	body, err := read()
	if err != nil {
		return c.asked(err)
	}
	for _, s := range subs {
		if !c.WaitSpace(len(body)) {
			break // the session is over
		}
		c.session.Message(s, 0, body)
	}
	return nil
}

// asked is what a client is answered whose question could not be answered.
func (c *client) asked(err error) *failure {
	if err == nil {
		return nil
	}
	c.logRead(err)
	return askAgain(c.chat.tryAgain(err))
}

// subscriptions returns those about a subject.
func (c *client) subscriptions(about subject) (subs []*stomp.Subscription) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.subs {
		if s.about == about {
			subs = append(subs, s.Subscription)
		}
	}
	return subs
}

// fill appends at most limit items to b, and no more than fit into a quarter of
// the session's queue, but one at least. read returns the rows that follow last,
// nil to begin with; fewer than asked for are the end. more reports whether
// there is something after the last item.
func fill[T any](c *client, b []byte, limit int, appendItem func([]byte, *T) []byte,
	read func(ctx context.Context, last *T, rows int) ([]T, error),
) (body []byte, last *T, more bool, err error) {
	for n := 0; ; {
		rows := min(askRows, limit-n+1)
		page, err := guard(func() ([]T, error) {
			ctx, cancel := context.WithTimeout(c.chat.ctx, c.chat.cfg.Timeouts.Store)
			defer cancel()
			return read(ctx, last, rows)
		})
		if err != nil {
			return nil, nil, false, err
		}
		for i := range page {
			end := len(b)
			if n > 0 {
				b = append(b, ',')
			}
			b = appendItem(b, &page[i])
			if n == limit || n > 0 && len(b) > c.chat.cfg.Limits.Queued/4 {
				return b[:end], last, true, nil
			}
			n++
			last = &page[i]
		}
		if len(page) < rows {
			return b, last, false, nil
		}
	}
}
