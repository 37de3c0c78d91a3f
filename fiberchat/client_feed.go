package fiberchat

import (
	"context"

	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/internal/feed"
	"fiberchat.example/fiberchat/internal/stomp"
)

// What a client's feed needs of it: the user's logs, and a way to the session.
var (
	_ feed.Log    = (*client)(nil)
	_ feed.Outlet = (*client)(nil)
)

// Pending implements feed.Log. Only replays ask for it.
func (c *client) Pending(of feed.Kind, after int64, limit int) ([]feed.Entry, error) {
	if of == feed.Notices {
		return c.noticePage(c.chat.notices.PendingNotices, after, limit)
	}
	if after == 0 {
		c.chat.metrics.Replays.Inc()
	}
	page, err := c.page(c.chat.cfg.Store.Pending, after, limit)
	c.chat.metrics.Replayed.Add(float64(len(page)))
	return entries(page), err
}

// Inbox implements feed.Log.
func (c *client) Inbox(of feed.Kind, after int64, limit int) ([]feed.Entry, error) {
	if of == feed.Notices {
		return c.noticePage(c.chat.notices.InboxNotices, after, limit)
	}
	page, err := c.page(c.chat.cfg.Store.Inbox, after, limit)
	return entries(page), err
}

// entries are messages as they are sent.
func entries(page []chat.Message) []feed.Entry {
	entries := make([]feed.Entry, len(page))
	for i := range page {
		entries[i] = feed.Entry{ID: page[i].ID, Body: appendMessage(nil, &page[i])}
	}
	return entries
}

// Last implements feed.Log.
func (c *client) Last(of feed.Kind) (id int64, err error) {
	c.aside(func() {
		if of == feed.Notices {
			id, err = c.chat.lastNotice(c.identity.User.ID)
		} else {
			id, err = c.chat.last(c.identity.User.ID)
		}
		c.logRead(err)
	})
	return id, err
}

// aside has the reader wait for a call into the database: from its own depth
// that would double its stack, which an idle connection keeps.
func (c *client) aside(call func()) {
	done := make(chan struct{})
	go func() { // waited for below
		defer close(done)
		call()
	}()
	<-done
}

func (c *client) page(read func(ctx context.Context, receiverID, afterID int64, limit int) ([]chat.Message, error), after int64, limit int) ([]chat.Message, error) {
	ctx, cancel := context.WithTimeout(c.chat.ctx, c.chat.cfg.Timeouts.Store)
	defer cancel()
	page, err := guard(func() ([]chat.Message, error) { return read(ctx, c.identity.User.ID, after, limit) })
	c.logRead(err)
	return page, err
}

func (c *client) logRead(err error) {
	if err != nil && c.chat.ctx.Err() == nil {
		c.log().Error("read messages or notices", "error", err)
	}
}

// Message implements feed.Outlet.
func (c *client) Message(s *stomp.Subscription, id int64, body []byte) {
	c.session.Message(s, id, body)
}

// WaitSpace implements feed.Outlet. What is read from the store, unlike what
// comes live, a client can have as often as it asks, so it is paced: by user,
// whose sessions share the pace.
func (c *client) WaitSpace(n int) bool {
	return c.chat.replays.take(c.identity.User.ID, n, c.session.Done()) && c.session.WaitSpace(n)
}

// Receipt implements feed.Outlet.
func (c *client) Receipt(id string) { c.session.Receipt(id) }

// InitFailed implements feed.Outlet.
func (c *client) InitFailed(receipts []string, err error) {
	for _, receipt := range receipts {
		c.fail("", receipt, c.chat.failureOf(err, failUnavailable))
	}
}
