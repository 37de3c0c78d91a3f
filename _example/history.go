package main

import (
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
	found, err := a.chats.Conversation(c.UserContext(), me.ID, with, chat.Page{Before: before}, int(min(limit, 100)))
	if err != nil {
		return nil, err
	}
	messages := make([]message, len(found))
	for i, m := range found {
		messages[i] = message{m.ID, m.ChatID, m.SenderName, m.ReceiverName, m.Content, m.Time.UnixMilli(), m.SenderID, m.ReceiverID}
	}
	return messages, nil
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
