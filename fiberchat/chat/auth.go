package chat

import (
	"context"
	"time"
)

// Identity is what a valid token stands for.
type Identity struct {
	// TokenID names the token without being it (a hash, a row id, a jti), so
	// that the token's sessions can be ended. Empty: they cannot be told apart.
	TokenID string
	User    User
	// ExpiresAt is when the token ends; the zero time means never.
	ExpiresAt time.Time
}

// Authenticator turns a token into an Identity. It returns ErrUnauthorized
// for a token it does not know and ErrExpired for one that has ended; any
// other error means that it could not find out. Safe for concurrent use.
type Authenticator interface {
	Authenticate(ctx context.Context, token string) (Identity, error)
}

// AuthenticatorFunc is a function as an Authenticator.
type AuthenticatorFunc func(ctx context.Context, token string) (Identity, error)

// Authenticate calls f.
func (f AuthenticatorFunc) Authenticate(ctx context.Context, token string) (Identity, error) {
	return f(ctx, token)
}

// Directory finds the user a message is addressed to. It returns ErrNotFound
// when there is none, and else the user of that id. Safe for concurrent use.
type Directory interface {
	UserByID(ctx context.Context, id int64) (User, error)
}

// DirectoryFunc is a function as a Directory.
type DirectoryFunc func(ctx context.Context, id int64) (User, error)

// UserByID calls f.
func (f DirectoryFunc) UserByID(ctx context.Context, id int64) (User, error) { return f(ctx, id) }
