package fiberchat_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"fiberchat.example/fiberchat"
	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/chattest"
	"fiberchat.example/middleware"
	"fiberchat.example/sqlstore"
)

// What apps compile against. A line here that must change breaks them.
var (
	_ int64                      = chat.MaxUserID
	_ error                      = chat.ErrForbidden
	_ func(string, string) error = chat.Refuse
	_                            = chat.Message{ConfirmedAt: time.Time{}}
	_                            = chat.Notice{ID: int64(0), UserID: int64(0), Kind: "", Body: json.RawMessage(nil), Time: time.Time{}, ConfirmedAt: time.Time{}}
	_                            = chat.Summary{Other: chat.User{}, Last: chat.Message{}, Unread: int(0), ReadByMe: int64(0), ReadByThem: int64(0)}
	_                            = chat.Presence{UserID: int64(0), Online: false, LastSeen: time.Time{}}
	_                            = fiberchat.SessionInfo{TokenID: "", Transport: "", IP: "", Since: time.Time{}}
	_                            = fiberchat.Request{From: chat.User{}, Body: []byte(nil)}
	_                            = middleware.Config{Header: ""}

	_ chat.Authenticator = chat.AuthenticatorFunc(func(context.Context, string) (chat.Identity, error) { return chat.Identity{}, nil })
	_ chat.Directory     = chat.DirectoryFunc(func(context.Context, int64) (chat.User, error) { return chat.User{}, nil })

	_ = fiberchat.Config{
		CanSend:      func(context.Context, chat.User, chat.User) error { return nil },
		BeforeSave:   func(context.Context, *chat.Message) error { return nil },
		AfterSave:    func(context.Context, chat.Message) {},
		AfterConfirm: func(context.Context, chat.Message) {},
		Overdue:      func(context.Context, chat.User, []chat.Message) error { return nil },
		OverdueAfter: time.Second,
		OnConnect:    func(context.Context, chat.User) {},
		OnDisconnect: func(context.Context, chat.User) {},
		TicketKey:    []byte(nil),
	}

	_ interface {
		Handle(destination string, handler func(ctx context.Context, r *fiberchat.Request) error)
		Push(ctx context.Context, userID int64, queue string, body any) error
		Notify(ctx context.Context, userID int64, kind string, body any) (id int64, err error)
		SendAs(ctx context.Context, from, to int64, msgID, content string) (chat.Message, error)
		MayWrite(ctx context.Context, from, to int64) error
		MarkRead(ctx context.Context, readerID, senderID, upTo int64) error
		Conversations(ctx context.Context, userID, before int64, limit int) ([]chat.Summary, error)
		Conversation(ctx context.Context, userID, otherID int64, page chat.Page, limit int) ([]chat.Message, error)
		Online(ctx context.Context, ids ...int64) ([]chat.Presence, error)
		Sessions(userID int64) []fiberchat.SessionInfo
		Ticket(ctx context.Context, identity chat.Identity) (string, error)
	} = (*fiberchat.Chat)(nil)
	_ interface {
		Reply(queue string, body any) error
	} = (*fiberchat.Request)(nil)

	_ interface {
		Backup(ctx context.Context, path string) error
		Export(ctx context.Context, userID int64, each func(chat.Message) error) error
		Forget(ctx context.Context, userID int64) (messages int64, err error)
		PurgeUnconfirmed(ctx context.Context, before time.Time) (int64, error)
		SetPassword(ctx context.Context, userID int64, password string) error
		SignOutAll(ctx context.Context, userID int64) (tokenIDs []string, err error)
	} = (*sqlstore.Store)(nil)

	_ func(testing.TB, *fiber.App) *chattest.Server = chattest.Serve
	_ func(string) chattest.Option                  = chattest.SockJS
	_ map[string]chat.User                          = chattest.Users(nil)
	_ interface {
		Dial(token string, options ...chattest.Option) *chattest.Client
	} = (*chattest.Server)(nil)
	_ interface {
		Send(to int64, content string) chattest.Status
		Next() chat.Message
		Confirm(m chat.Message) chattest.Status
		Init()
		Subscribe(destination string) <-chan []byte
	} = (*chattest.Client)(nil)
	_ interface {
		chat.Authenticator
		chat.Directory
	} = chattest.Users(nil)
)
