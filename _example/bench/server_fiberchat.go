//go:build linux

package main

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"net"
	"path/filepath"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/prometheus/client_golang/prometheus"

	"fiberchat.example/fiberchat"
	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/sqlstore"
)

// maxUsers is how many users there are with valid tokens.
const maxUsers = 10_000 + warmConns

// ours is fiberchat as New makes it, but for the rate limits: a closed loop
// is one user sending as fast as it can.
type ours struct {
	app     *fiber.App
	store   *sqlstore.Store
	metrics *prometheus.Registry
	stored  int
}

func openFiberchat(dir string) (service, error) {
	return openOurs(dir, fiberchat.Limits{SendRate: -1, SendBytes: -1})
}

// openLimited counts bytes as well; 50 pairs stay below the default.
func openLimited(dir string) (service, error) {
	return openOurs(dir, fiberchat.Limits{SendRate: -1})
}

// openUnlimited counts neither bytes nor what a receiver has not confirmed.
func openUnlimited(dir string) (service, error) {
	return openOurs(dir, fiberchat.Limits{SendRate: -1, SendBytes: -1, Pending: -1})
}

func openOurs(dir string, limits fiberchat.Limits) (service, error) {
	path := filepath.Join(dir, "chat.db")
	store, err := sqlstore.Open(path)
	if err != nil {
		return nil, err
	}
	if err := signEverybodyIn(path); err != nil {
		return nil, err
	}
	app := fiber.New(fiber.Config{DisableStartupMessage: true, ReadBufferSize: 16 << 10})
	metrics := prometheus.NewRegistry()
	if _, err := fiberchat.New(app, fiberchat.Config{Store: store, Limits: limits, Registerer: metrics}); err != nil {
		return nil, err
	}
	return &ours{app: app, store: store, metrics: metrics}, nil
}

func (s *ours) Serve(ln net.Listener) error { return s.app.Listener(ln) }

// signEverybodyIn writes users and their tokens past the store: by sign-up,
// the passwords alone would take ten minutes to hash.
func signEverybodyIn(path string) error {
	db, err := sql.Open("sqlite3", "file:"+path)
	if err != nil {
		return fmt.Errorf("open database: %w", err)
	}
	defer db.Close()
	tx, err := db.Begin()
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer tx.Rollback()
	now := time.Now()
	for user := range maxUsers {
		name := nameOf(user)
		if _, err := tx.Exec(`INSERT INTO fiberchat_users (id, name, name_key, display_name, password, created_at) VALUES (?, ?, ?, ?, '', ?)`,
			userID(user), name, name, name, now.UnixMilli()); err != nil {
			return fmt.Errorf("insert user: %w", err)
		}
		hash := sha256.Sum256([]byte(tokenOf(user)))
		if _, err := tx.Exec(`INSERT INTO fiberchat_tokens (hash, user_id, expires_at) VALUES (?, ?, ?)`,
			hash[:], userID(user), now.Add(24*time.Hour).UnixMilli()); err != nil {
			return fmt.Errorf("insert token: %w", err)
		}
	}
	return tx.Commit()
}

// pendingTo is the user whom "pend" writes to.
const pendingTo = 1

// Do "fill" stores messages, confirmed ones, until there are arg; "pend"
// stores arg unconfirmed ones to one user; "cut" tells how many clients were
// too slow.
func (s *ours) Do(command string, arg int) (any, error) {
	switch command {
	case "fill":
		return nil, s.fill(arg)
	case "pend":
		return nil, s.pend(arg)
	case "cut":
		return s.counter("fiberchat_slow_clients_total")
	}
	return nil, fmt.Errorf("unknown command %q", command)
}

func (s *ours) counter(name string) (float64, error) {
	families, err := s.metrics.Gather()
	if err != nil {
		return 0, fmt.Errorf("gather metrics: %w", err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetCounter().GetValue(), nil
		}
	}
	return 0, fmt.Errorf("no metric %s", name)
}

// perApply is how many operations are given to the store at once.
const perApply = 500

func (s *ours) fill(messages int) error {
	for s.stored < messages {
		saved, err := s.save(min(perApply, messages-s.stored), func(n int) int { return n % growthPairs * 2 })
		if err != nil {
			return err
		}
		receipts := make([]chat.Op, len(saved))
		for i, result := range saved {
			m := &result.Message
			receipts[i].Confirm = &chat.Confirmation{ReceiverID: m.ReceiverID, ID: m.ID, Time: m.Time}
		}
		if _, err := s.store.Apply(context.Background(), receipts); err != nil {
			return fmt.Errorf("confirm: %w", err)
		}
	}
	return nil
}

func (s *ours) pend(messages int) error {
	for last := s.stored + messages; s.stored < last; {
		if _, err := s.save(min(perApply, last-s.stored), func(int) int { return pendingTo - 1 }); err != nil {
			return err
		}
	}
	return nil
}

// save stores n messages, each from a user to the next one.
func (s *ours) save(n int, from func(serial int) int) ([]chat.Result, error) {
	ops := make([]chat.Op, n)
	msgID, now := make([]byte, idSize), time.Now().UTC().Truncate(time.Millisecond)
	for i := range ops {
		writeID(msgID, uint64(s.stored))
		user := from(s.stored)
		s.stored++
		ops[i].Save = &chat.Message{
			ChatID: string(msgID), SenderID: int64(userID(user)), ReceiverID: int64(userID(user + 1)),
			SenderName: nameOf(user), ReceiverName: nameOf(user + 1), Content: benchContent, Time: now,
		}
	}
	results, err := s.store.Apply(context.Background(), ops)
	if err != nil {
		return nil, fmt.Errorf("save: %w", err)
	}
	for _, result := range results {
		if result.Err != nil {
			return nil, fmt.Errorf("save: %w", result.Err)
		}
	}
	return results, nil
}
