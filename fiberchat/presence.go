package fiberchat

import (
	"context"
	"errors"
	"fmt"
	"time"

	"fiberchat.example/fiberchat/chat"
)

// maxOnline is how many users one call of Online may ask about.
const maxOnline = 1000

var errNoPresence = errors.New("fiberchat: with several nodes Online needs a Store that is a chat.PresenceStore")

// Online returns the presence of each of ids, in their order: on any node, and
// since when a user is away. At most 1000 ids; one that nobody has is offline
// and was never seen.
//
// On this node it is exact; other nodes' users show within a second or two, and
// those of a node that was killed are offline within two minutes, last seen when
// it was. Users with a session here cost no query, all others together one.
//
// It needs a Store that is a chat.PresenceStore, as sqlstore's is. Without it and
// without a Bus it answers for this node, which then does not know when users
// were last seen; with a Bus that is an error. The others are ErrClosed and the
// Store's.
func (ch *Chat) Online(ctx context.Context, ids ...int64) ([]chat.Presence, error) {
	if ch.isClosing() {
		return nil, ErrClosed
	}
	if len(ids) > maxOnline {
		return nil, fmt.Errorf("fiberchat: Online takes at most %d ids, not %d", maxOnline, len(ids))
	}
	at, all := now(), make([]chat.Presence, len(ids))
	var elsewhere []int64
	for i, id := range ids {
		all[i] = chat.Presence{UserID: id}
		if len(ch.hub.Of(id)) > 0 {
			all[i].Online, all[i].LastSeen = true, at
		} else if validID(id) {
			elsewhere = append(elsewhere, id)
		}
	}
	if len(elsewhere) == 0 {
		return all, nil
	}
	known, err := ch.presence.read(ctx, elsewhere)
	if err != nil {
		return nil, err
	}
	for i, p := range all {
		if there, ok := known[p.UserID]; ok && !p.Online {
			all[i] = there
			if there.Online {
				all[i].LastSeen = at
			}
		}
	}
	return all, nil
}

// read asks the store about users who have no session here, as far as this
// node has not told it.
func (p *presence) read(ctx context.Context, ids []int64) (map[int64]chat.Presence, error) {
	switch {
	case p.store == nil && p.chat.node.alone():
		return nil, nil
	case p.store == nil:
		return nil, errNoPresence
	}
	// Before the store is asked: what is noted goes when it is stored.
	node, left := p.leftOf(ids)
	found, err := guard(func() ([]chat.Presence, error) { return p.store.Presence(ctx, node, nodeTimeout, ids) })
	if err != nil {
		return nil, fmt.Errorf("fiberchat: read presence: %w", err)
	}
	known := make(map[int64]chat.Presence, len(found))
	for _, f := range found {
		known[f.UserID] = f
	}
	for id, at := range left {
		k := known[id]
		if k.UserID = id; at.After(k.LastSeen) {
			k.LastSeen = at
		}
		known[id] = k
	}
	return known, nil
}

// leftOf returns when those of ids left this node that the store may not know
// of yet, and what the store calls this node.
func (p *presence) leftOf(ids []int64) (node int64, left map[int64]time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	left = make(map[int64]time.Time)
	for _, id := range ids {
		if change, ok := p.changes[id]; ok {
			left[id] = change.at.UTC().Truncate(time.Millisecond)
		}
	}
	return p.node, left
}
