package chattest

import (
	"context"

	"fiberchat.example/fiberchat/chat"
)

// Users are people in memory, each under the token that signs them in: a
// [chat.Authenticator] and a [chat.Directory]. A person may have several
// tokens, which never end; the TokenID of each is the token itself. Do not
// change the map once it is in use.
type Users map[string]chat.User

// Authenticate returns [chat.ErrUnauthorized] for a token that is not there.
func (u Users) Authenticate(_ context.Context, token string) (chat.Identity, error) {
	user, ok := u[token]
	if !ok {
		return chat.Identity{}, chat.ErrUnauthorized
	}
	return chat.Identity{TokenID: token, User: user}, nil
}

// UserByID returns [chat.ErrNotFound] for an id that nobody has.
func (u Users) UserByID(_ context.Context, id int64) (chat.User, error) {
	for _, user := range u {
		if user.ID == id {
			return user, nil
		}
	}
	return chat.User{}, chat.ErrNotFound
}
