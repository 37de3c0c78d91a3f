package fiberchat

import (
	"context"
	"errors"
	"strconv"

	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/internal/feed"
	"fiberchat.example/fiberchat/internal/stomp"
)

// handleNotice is the confirmation of a notice. They are rare, so the reader
// waits for the store.
func (c *client) handleNotice(f *stomp.Frame) {
	receipt := f.Receipt()
	if c.chat.notices == nil {
		c.refuse("", receipt, noSuchDestination())
		return
	}
	id, kind, fault := parseNoticeConfirm(f.Body)
	if fault != nil {
		c.chat.metrics.NoticeConfirmations.Refused.Inc()
		c.refuseConfirm(noticeMsgID(id), receipt, fault)
		return
	}
	if c.mayConfirm() && c.confirmNotice(id, kind, receipt) {
		c.session.Receipt(receipt)
	}
}

// noticeMsgID is the msgID of what is answered about a notice; id is 0 where it
// could not be read.
func noticeMsgID(id int64) string {
	if id == 0 {
		return ""
	}
	return strconv.FormatInt(id, 10)
}

// confirmNotice confirms a notice and reports it to the session; false when that
// failed, and was answered with the receipt.
func (c *client) confirmNotice(id int64, kind, receipt string) bool {
	var changed bool
	var err error
	c.aside(func() {
		ctx, cancel := context.WithTimeout(c.chat.ctx, c.chat.cfg.Timeouts.Store)
		defer cancel()
		changed, err = guard(func() (bool, error) {
			return c.chat.notices.ConfirmNotice(ctx, c.identity.User.ID, id, kind, now())
		})
	})
	if errors.Is(err, chat.ErrNotFound) || err == nil && !changed {
		c.chat.unknownConfirms.charge(c.identity.User.ID, 1)
	}
	c.chat.count(&c.chat.metrics.NoticeConfirmations, &chat.Result{Changed: changed}, err)
	if err != nil {
		if !errors.Is(err, chat.ErrNotFound) && c.chat.ctx.Err() == nil {
			c.log().Error("store confirmation of a notice", "error", err)
		}
		c.refuse(noticeMsgID(id), receipt, c.chat.failureOf(err, failNoNotice))
		return false
	}
	c.notify(aboutNoticeStatus, appendSuccess(nil, noticeMsgID(id)))
	return true
}

// ackNotice is OnAck for a subscription to notices.
func (c *client) ackNotice(sub *stomp.Subscription, id int64, receipt string) {
	sent := chat.Confirmation{Sent: c.feed.SentTo(sub)}
	if !sent.WasSent(id) {
		c.session.Receipt(receipt)
		return
	}
	if !c.mayConfirm() {
		return
	}
	err := c.confirmNotices(id, &sent, sub.Ack == stomp.AckClient, receipt)
	switch {
	case errors.Is(err, errAnswered):
		return
	case errors.Is(err, chat.ErrNotFound): // the id of somebody else's, between two that were sent
		c.chat.unknownConfirms.charge(c.identity.User.ID, 1)
	case err != nil:
		c.refuse("", receipt, c.chat.failureOf(err, nil))
		return
	}
	c.session.Receipt(receipt)
}

var errAnswered = errors.New("fiberchat: failed, and answered")

// confirmNotices confirms the notice with this id and before it, if all is true,
// those that are not confirmed among those that were sent.
func (c *client) confirmNotices(id int64, sent *chat.Confirmation, all bool, receipt string) error {
	page, err := c.noticesAside(c.chat.notices.InboxNotices, id-1, 1)
	if err == nil && (len(page) == 0 || page[0].ID != id) {
		err = chat.ErrNotFound
	}
	for after, more := sent.Sent[0].After, all; more && err == nil && !c.session.Over(); {
		page, err = c.noticesAside(c.chat.notices.PendingNotices, after, ackPage)
		more = len(page) == ackPage
		for i := range page {
			if after = page[i].ID; after >= id {
				more = false
			} else if sent.WasSent(after) && !c.confirmNotice(after, "", receipt) {
				return errAnswered
			}
		}
	}
	if err == nil && !c.confirmNotice(id, "", receipt) {
		return errAnswered
	}
	return err
}

func (c *client) noticesAside(read noticeReader, after int64, limit int) (page []chat.Notice, err error) {
	c.aside(func() { page, err = c.notices(read, after, limit) })
	return page, err
}

type noticeReader func(ctx context.Context, userID, afterID int64, limit int) ([]chat.Notice, error)

// notices reads a page of the user's notices.
func (c *client) notices(read noticeReader, after int64, limit int) ([]chat.Notice, error) {
	ctx, cancel := context.WithTimeout(c.chat.ctx, c.chat.cfg.Timeouts.Store)
	defer cancel()
	page, err := guard(func() ([]chat.Notice, error) { return read(ctx, c.identity.User.ID, after, limit) })
	c.logRead(err)
	return page, err
}

// noticePage is a page as it is sent.
func (c *client) noticePage(read noticeReader, after int64, limit int) ([]feed.Entry, error) {
	page, err := c.notices(read, after, limit)
	entries := make([]feed.Entry, len(page))
	for i := range page {
		entries[i] = feed.Entry{ID: page[i].ID, Body: appendNotice(nil, &page[i])}
	}
	return entries, err
}
