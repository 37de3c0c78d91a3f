package sqlstore

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"fiberchat.example/fiberchat/chat"
)

// ErrWrongPassword: no user of this name has this password.
var ErrWrongPassword = errors.New("sqlstore: wrong name or password")

const (
	tokenBytes = 32
	// An expired token is kept this long, so that its owner is told
	// "expired" and not "unknown".
	keepExpired = 30 * 24 * time.Hour
	// A sign-in clears away at most this many, more than it adds.
	cleanTokens = 100
	userTokens  = 64 // that a user can have
)

// SignedIn is what a sign-in gives. Token is secret and not stored.
type SignedIn struct {
	Token string
	// TokenID names the token and is not secret: see chat.Identity.
	TokenID              string
	Account              Account
	CreatedAt, ExpiresAt time.Time // whole milliseconds UTC
}

// MySQL takes no LIMIT in the subquery of an IN, but in one below that.
const olderTokensSQL = `DELETE FROM {p}tokens WHERE hash IN (SELECT hash FROM
	(SELECT hash FROM {p}tokens WHERE user_id = ? ORDER BY expires_at DESC LIMIT ? OFFSET ?) AS older)`

// SignIn checks a password and gives a token for Authenticate. The error is
// ErrWrongPassword, also where there is no such user (and takes as long),
// ErrBusy, or the database's. The 64 tokens of a user that are valid longest
// are kept: with one more the first to expire is unknown from
// then on; sessions that began with it go on.
func (s *Store) SignIn(ctx context.Context, name, password string) (SignedIn, error) {
	var row struct {
		accountRow
		Password string
	}
	err := s.get(ctx, &row, "SELECT "+accountColumns+", password FROM {p}users WHERE name_key = ?", NameKey(name))
	unknown := errors.Is(err, sql.ErrNoRows)
	if unknown {
		row.Password = nobodysPassword
	} else if err != nil {
		return SignedIn{}, fmt.Errorf("read user: %w", err)
	}
	same, err := s.samePassword(ctx, password, row.Password)
	if err != nil {
		return SignedIn{}, fmt.Errorf("check password: %w", err)
	}
	if !same || unknown {
		return SignedIn{}, ErrWrongPassword
	}

	random := make([]byte, tokenBytes)
	rand.Read(random) // never fails
	token := base64.RawURLEncoding.EncodeToString(random)
	hash, id := hashToken(token)
	now := time.Now().UTC().Truncate(time.Millisecond)
	in := SignedIn{Token: token, TokenID: id, Account: row.account(), CreatedAt: now, ExpiresAt: now.Add(s.cfg.TokenLifetime).Truncate(time.Millisecond)}
	if _, err := s.exec(ctx, `DELETE FROM {p}tokens WHERE hash IN (SELECT hash FROM
		(SELECT hash FROM {p}tokens WHERE expires_at < ? ORDER BY expires_at LIMIT ?) AS old)`, now.Add(-keepExpired).UnixMilli(), cleanTokens); err != nil {
		return SignedIn{}, fmt.Errorf("clear old tokens: %w", err)
	}
	if _, err := s.exec(ctx, olderTokensSQL, row.ID, cleanTokens, userTokens-1); err != nil {
		return SignedIn{}, fmt.Errorf("clear the user's older tokens: %w", err)
	}
	// Only this token has this hash: a duplicate was stored by a try before. The
	// password may have been changed since it was read, and the user deleted.
	n, err := s.exec(ctx, "INSERT INTO {p}tokens (hash, user_id, expires_at) SELECT ?, id, ? FROM {p}users WHERE id = ? AND password = ?",
		hash, in.ExpiresAt.UnixMilli(), row.ID, row.Password)
	switch {
	case err != nil && !isDuplicate(err):
		return SignedIn{}, fmt.Errorf("insert token: %w", err)
	case err == nil && n == 0:
		return SignedIn{}, ErrWrongPassword
	}
	return in, nil
}

// SignOut ends a token and returns its id, for Chat.Revoke. An unknown token
// is no error: it is as good as ended.
func (s *Store) SignOut(ctx context.Context, token string) (tokenID string, err error) {
	hash, id := hashToken(token)
	if _, err := s.exec(ctx, "DELETE FROM {p}tokens WHERE hash = ?", hash); err != nil {
		return "", fmt.Errorf("delete token: %w", err)
	}
	return id, nil
}

// SignOutAll ends all tokens that a user has and returns their ids, for
// Chat.Revoke; also those that it ended before it failed. A user who has none, or is not there, is no error.
func (s *Store) SignOutAll(ctx context.Context, userID int64) (tokenIDs []string, err error) {
	hashes, err := list[[]byte](ctx, s, "SELECT hash FROM {p}tokens WHERE user_id = ?", userID)
	if err != nil {
		return nil, fmt.Errorf("read tokens: %w", err)
	}
	for _, hash := range hashes { // those of sign-ins that are under way stay
		if _, err := s.exec(ctx, "DELETE FROM {p}tokens WHERE hash = ?", hash); err != nil {
			return tokenIDs, fmt.Errorf("delete token: %w", err)
		}
		tokenIDs = append(tokenIDs, tokenID(hash))
	}
	return tokenIDs, nil
}

const tokenSQL = "SELECT u.id, u.name, t.expires_at FROM {p}tokens t JOIN {p}users u ON u.id = t.user_id WHERE t.hash = ?"

// Authenticate implements chat.Authenticator. The look-up is by the token's
// hash, so its time tells nothing about other tokens.
func (s *Store) Authenticate(ctx context.Context, token string) (chat.Identity, error) {
	if token == "" {
		return chat.Identity{}, chat.ErrUnauthorized
	}
	hash, id := hashToken(token)
	identity := chat.Identity{TokenID: id}
	var expires int64
	err := s.retry(ctx, func(ctx context.Context) error {
		return s.q.token.QueryRowContext(ctx, hash).Scan(&identity.User.ID, &identity.User.Name, &expires)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return chat.Identity{}, chat.ErrUnauthorized
	}
	if err != nil {
		return chat.Identity{}, fmt.Errorf("read token: %w", err)
	}
	identity.ExpiresAt = time.UnixMilli(expires).UTC()
	if !time.Now().Before(identity.ExpiresAt) {
		return chat.Identity{}, chat.ErrExpired
	}
	return identity, nil
}

// hashToken returns what is stored of a token, and its public id: a part of
// that, from which neither the token nor the rest can be found.
func hashToken(token string) (hash []byte, id string) {
	sum := sha256.Sum256([]byte(token))
	return sum[:], tokenID(sum[:])
}

func tokenID(hash []byte) string { return base64.RawURLEncoding.EncodeToString(hash[:12]) }
