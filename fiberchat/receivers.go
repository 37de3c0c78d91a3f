package fiberchat

import (
	"context"
	"fmt"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"fiberchat.example/fiberchat/chat"
)

const (
	maxReceivers  = 10_000
	keepReceivers = time.Minute
)

// receivers finds the users that messages are addressed to: those with a
// session here by it, others in the Directory, which is asked once a minute
// for each. Who is not found is asked for again, so that somebody who has just
// signed up can be written to. Safe for concurrent use.
type receivers struct {
	chat  *Chat
	known *lru.Cache[int64, knownUser]
}

type knownUser struct {
	user  chat.User
	until time.Time
}

func newReceivers(ch *Chat) *receivers {
	known, err := lru.New[int64, knownUser](maxReceivers)
	if err != nil {
		panic(err) // only for a size of 0
	}
	return &receivers{ch, known}
}

// remembered finds a user without asking anybody.
func (rs *receivers) remembered(id int64) (chat.User, bool) {
	if up := rs.chat.hub.Of(id); len(up) > 0 {
		return up[0].identity.User, true
	}
	k, ok := rs.known.Get(id)
	return k.user, ok && time.Now().Before(k.until)
}

// validID reports whether a user can have that id.
func validID(id int64) bool { return id > 0 && id <= chat.MaxUserID }

// find finds a user, and asks the Directory where need be.
func (rs *receivers) find(ctx context.Context, id int64) (chat.User, error) {
	if u, ok := rs.remembered(id); ok {
		return u, nil
	}
	if !validID(id) {
		return chat.User{}, chat.ErrNotFound
	}
	u, err := guard(func() (chat.User, error) { return rs.chat.cfg.Directory.UserByID(ctx, id) })
	if err == nil && u.ID != id {
		err = fmt.Errorf("the Directory gave user %d for id %d", u.ID, id)
	}
	if err == nil {
		rs.known.Add(id, knownUser{u, time.Now().Add(keepReceivers)})
	}
	return u, err
}
