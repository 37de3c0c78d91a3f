package main

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/gofiber/fiber/v2"

	"fiberchat.example/fiberchat/chat"
)

// message is a stored message, spelled as chat spells it on the wire.
type message struct {
	ID         int64  `json:"id"`
	ChatID     string `json:"chatID"`
	Sender     string `json:"sender"`
	Receiver   string `json:"reciver"`
	Content    string `json:"content"`
	Time       int64  `json:"time"`
	SenderID   int64  `json:"senderId"`
	ReceiverID int64  `json:"reciverId"`
}

// history answers the messages between the signed-in user and another, newest
// first; before is the id to go on from.
func (a accounts) history(c *fiber.Ctx) (any, error) {
	me, err := a.signedIn(c)
	if err != nil {
		return nil, err
	}
	if c.Query("with") == "" {
		return nil, missing("with")
	}
	with, err := number(c, "with", 0)
	if err != nil {
		return nil, err
	}
	before, err := number(c, "before", 0)
	if err != nil {
		return nil, err
	}
	limit, err := number(c, "limit", 50)
	if err != nil {
		return nil, err
	}
	read := func(before int64, limit int) ([]chat.Message, error) {
		return a.chats.Conversation(c.UserContext(), me.ID, with, chat.Page{Before: before}, limit)
	}
	return historyPage(read, before, int(min(limit, maxHistory)))
}

const (
	maxHistory   = 100
	historyRead  = 20        // messages read at once: at most so many in vain
	historyBytes = 256 << 10 // as JSON; the message that fills it up still comes
)

// historyPage ends a page where it has limit messages or is large enough.
func historyPage(read func(before int64, limit int) ([]chat.Message, error), before int64, limit int) ([]json.RawMessage, error) {
	page, size := []json.RawMessage{}, 0
	for len(page) < limit {
		want := min(limit-len(page), historyRead)
		found, err := read(before, want)
		if err != nil {
			return nil, err
		}
		for _, m := range found {
			raw, err := encodeJSON(message{m.ID, m.ChatID, m.SenderName, m.ReceiverName, m.Content, m.Time.UnixMilli(), m.SenderID, m.ReceiverID})
			if err != nil {
				return nil, fmt.Errorf("encode message: %w", err)
			}
			page, size, before = append(page, raw), size+len(raw), m.ID
			if size >= historyBytes {
				return page, nil
			}
		}
		if len(found) < want {
			break
		}
	}
	return page, nil
}

// number reads a query parameter that is a whole number, 0 or more.
func number(c *fiber.Ctx, name string, fallback int64) (int64, error) {
	value := c.Query(name)
	if value == "" {
		return fallback, nil
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || n < 0 {
		return 0, bad(name, "a whole number, 0 or more")
	}
	return n, nil
}
