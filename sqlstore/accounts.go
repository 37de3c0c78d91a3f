package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"fiberchat.example/fiberchat/chat"
)

// ErrNameTaken: there is a user whose name reads the same.
var ErrNameTaken = errors.New("sqlstore: name taken")

// Account is a user as the store keeps one.
type Account struct {
	chat.User
	// DisplayName is what others are shown.
	DisplayName string
	// CreatedAt is in whole milliseconds UTC.
	CreatedAt time.Time
}

const accountColumns = "id, name, display_name, created_at"

// accountRow is a row of accountColumns.
type accountRow struct {
	ID          int64
	Name        string
	DisplayName string `db:"display_name"`
	CreatedAt   int64  `db:"created_at"`
}

func (r accountRow) account() Account {
	return Account{chat.User{ID: r.ID, Name: r.Name}, r.DisplayName, time.UnixMilli(r.CreatedAt).UTC()}
}

// CreateUser makes an account. A name has 1 to 64 characters, all of them
// visible, inner spaces or joiners, none of / \ and :. An empty displayName
// means name. The error is ErrBadName, ErrBadPassword, ErrNameTaken (case, width,
// Unicode form and joiners make no difference), ErrBusy, or the database's.
func (s *Store) CreateUser(ctx context.Context, name, displayName, password string) (Account, error) {
	if displayName == "" {
		displayName = name
	}
	if err := errors.Join(checkName(name), checkPassword(password)); err != nil {
		return Account{}, err
	}
	if err := checkShown(displayName); err != nil {
		return Account{}, fmt.Errorf("display name: %w", err)
	}
	// Most names that are taken are found here, without the cost of a hash.
	if _, err := s.AccountByName(ctx, name); err == nil {
		return Account{}, ErrNameTaken
	} else if !errors.Is(err, chat.ErrNotFound) {
		return Account{}, err
	}
	hash, err := s.hashPassword(ctx, password)
	if err != nil {
		return Account{}, fmt.Errorf("hash password: %w", err)
	}
	return s.insertUser(ctx, name, displayName, hash)
}

func (s *Store) insertUser(ctx context.Context, name, displayName, hash string) (Account, error) {
	key := NameKey(name)
	_, err := s.exec(ctx, "INSERT INTO {p}users (name, name_key, display_name, password, created_at) VALUES (?, ?, ?, ?, ?)",
		name, key, displayName, hash, time.Now().UnixMilli())
	if err != nil && !isDuplicate(err) {
		return Account{}, fmt.Errorf("insert user: %w", err)
	}
	// A second try meets the row of the first, whose answer was lost: the
	// salted hash tells it from another's.
	account, err := s.accountBy(ctx, "name_key = ? AND password = ?", key, hash)
	if errors.Is(err, chat.ErrNotFound) {
		return Account{}, ErrNameTaken
	}
	return account, err
}

// SetPassword changes the password of a user. It ends no token and no session:
// SignOutAll and Chat.Revoke do. The error is chat.ErrNotFound, ErrBadPassword,
// ErrBusy, as many are hashed at once as of sign-ups, or the database's. Whether the user may do so, by the
// old password or by a mail, is the app's to know.
func (s *Store) SetPassword(ctx context.Context, userID int64, password string) error {
	if err := checkPassword(password); err != nil {
		return err
	}
	if _, err := s.UserByID(ctx, userID); err != nil { // without the cost of a hash
		return err
	}
	hash, err := s.hashPassword(ctx, password)
	if err != nil {
		return fmt.Errorf("hash password: %w", err)
	}
	n, err := s.exec(ctx, "UPDATE {p}users SET password = ? WHERE id = ?", hash, userID)
	if err != nil {
		return fmt.Errorf("update password: %w", err)
	}
	if n == 0 { // gone, or the second try of MySQL, which counts what it changes
		_, err = s.UserByID(ctx, userID)
	}
	return err
}

// AccountByName finds the account whose name reads like name; chat.ErrNotFound.
func (s *Store) AccountByName(ctx context.Context, name string) (Account, error) {
	return s.accountBy(ctx, "name_key = ?", NameKey(name))
}

func (s *Store) accountBy(ctx context.Context, condition string, values ...any) (Account, error) {
	var row accountRow
	if err := s.get(ctx, &row, "SELECT "+accountColumns+" FROM {p}users WHERE "+condition, values...); err != nil {
		return Account{}, fmt.Errorf("read account: %w", notFound(err))
	}
	return row.account(), nil
}

// Accounts returns accounts with an id above afterID, ascending, at most limit.
func (s *Store) Accounts(ctx context.Context, afterID int64, limit int) ([]Account, error) {
	if limit <= 0 {
		return nil, nil
	}
	rows, err := list[accountRow](ctx, s, "SELECT "+accountColumns+" FROM {p}users WHERE id > ? ORDER BY id LIMIT ?", afterID, limit)
	if err != nil {
		return nil, fmt.Errorf("read accounts: %w", err)
	}
	accounts := make([]Account, len(rows))
	for i, row := range rows {
		accounts[i] = row.account()
	}
	return accounts, nil
}

const userSQL = "SELECT id, name FROM {p}users WHERE id = ?"

// UserByID implements chat.Directory.
func (s *Store) UserByID(ctx context.Context, id int64) (chat.User, error) {
	var u chat.User
	if err := s.retry(ctx, func(ctx context.Context) error {
		return s.q.user.QueryRowContext(ctx, id).Scan(&u.ID, &u.Name)
	}); err != nil {
		return chat.User{}, fmt.Errorf("read user: %w", notFound(err))
	}
	return u, nil
}

func notFound(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return chat.ErrNotFound
	}
	return err
}
