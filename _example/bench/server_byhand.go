//go:build linux

package main

import (
	"database/sql"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/gofiber/contrib/websocket"
	"github.com/gofiber/fiber/v2"
	_ "github.com/mattn/go-sqlite3"
)

// byHandSchema is the table of an afternoon's chat, with the two indexes its
// queries need.
const byHandSchema = `
CREATE TABLE IF NOT EXISTS messages (
	id          INTEGER PRIMARY KEY AUTOINCREMENT,
	msg_id      TEXT    NOT NULL,
	sender_id   INTEGER NOT NULL,
	receiver_id INTEGER NOT NULL,
	content     TEXT    NOT NULL,
	sent_at     INTEGER NOT NULL,
	received_at INTEGER,
	UNIQUE (sender_id, msg_id)
);
CREATE INDEX IF NOT EXISTS messages_receiver ON messages (receiver_id, msg_id);`

const (
	byHandInsert = `INSERT INTO messages (msg_id, sender_id, receiver_id, content, sent_at) VALUES (?, ?, ?, ?, ?)`
	byHandUpdate = `UPDATE messages SET received_at = ? WHERE receiver_id = ? AND msg_id = ? AND received_at IS NULL`
)

func openByHandDB(dir string) (*sql.DB, error) {
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(dir, "chat.db")+"?_journal_mode=WAL&_synchronous=FULL&_busy_timeout=5000")
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	// SQLite writes one at a time: with more connections they meet its busy
	// timer, and the p99 was four times as long.
	db.SetMaxOpenConns(1)
	if _, err := db.Exec(byHandSchema); err != nil {
		return nil, fmt.Errorf("create table: %w", err)
	}
	return db, nil
}

// byHand is chat as people write it on Fiber: JSON over contrib/websocket, a
// map of clients, and a statement for each thing that happens.
type byHand struct {
	db    *sql.DB
	mu    sync.RWMutex
	users map[int]*byHandClient
}

type byHandClient struct {
	mu sync.Mutex
	ws *websocket.Conn
}

// byHandFrame is everything that is said, in both directions.
type byHandFrame struct {
	Type     string `json:"type"`
	MsgID    string `json:"msgID,omitempty"`
	ID       int64  `json:"id,omitempty"`
	Sender   int    `json:"sender,omitempty"`
	Receiver int    `json:"receiver,omitempty"`
	Content  string `json:"content,omitempty"`
	Time     int64  `json:"time,omitempty"`
	Code     int    `json:"code,omitempty"`
}

func openByHand(dir string) (service, error) {
	db, err := openByHandDB(dir)
	if err != nil {
		return nil, err
	}
	return &byHand{db: db, users: map[int]*byHandClient{}}, nil
}

func (s *byHand) Do(command string, _ int) (any, error) {
	return nil, fmt.Errorf("unknown command %q", command)
}

func (s *byHand) Serve(ln net.Listener) error {
	app := fiber.New(fiber.Config{DisableStartupMessage: true})
	app.Get("/client", websocket.New(s.serve))
	return app.Listener(ln)
}

func (s *byHand) serve(ws *websocket.Conn) {
	user, err := strconv.Atoi(ws.Query("user"))
	if err != nil {
		return
	}
	me := &byHandClient{ws: ws}
	s.mu.Lock()
	s.users[user] = me
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.users, user)
		s.mu.Unlock()
	}()
	if me.write(byHandFrame{Type: "welcome"}) != nil {
		return
	}
	for {
		var in byHandFrame
		if err := ws.ReadJSON(&in); err != nil {
			return
		}
		answer := byHandFrame{Type: "status", MsgID: in.MsgID, Code: 200}
		switch in.Type {
		case "send":
			if err := s.send(user, in); err != nil {
				answer.Code = 500
			}
		case "confirm":
			answer.Type = "confirmed"
			if _, err := s.db.Exec(byHandUpdate, time.Now().UnixMilli(), user, in.MsgID); err != nil {
				answer.Code = 500
			}
		}
		if me.write(answer) != nil {
			return
		}
	}
}

// send stores a message and delivers it, if its receiver is here; one that
// leaves at this moment is no failure of the sender's.
func (s *byHand) send(sender int, in byHandFrame) error {
	now := time.Now().UnixMilli()
	result, err := s.db.Exec(byHandInsert, in.MsgID, sender, in.Receiver, in.Content, now)
	if err != nil {
		return err
	}
	id, err := result.LastInsertId()
	if err != nil {
		return err
	}
	s.mu.RLock()
	peer := s.users[in.Receiver]
	s.mu.RUnlock()
	if peer != nil {
		_ = peer.write(byHandFrame{
			Type: "message", ID: id, MsgID: in.MsgID, Sender: sender, Receiver: in.Receiver, Content: in.Content, Time: now,
		})
	}
	return nil
}

func (c *byHandClient) write(f byHandFrame) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ws.WriteJSON(f)
}
