package fiberchat_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http/httptest"
	"time"

	"github.com/gofiber/fiber/v2"

	"fiberchat.example/fiberchat"
	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/storetest"
)

// The one call: messages, users and tokens are kept in fiberchat.db.
func ExampleNew() {
	app := fiber.New()
	if _, err := fiberchat.New(app); err != nil {
		log.Fatal(err)
	}
	log.Fatal(app.Listen("127.0.0.1:8080"))
}

// members are users that the app has already, by their tokens.
type members map[string]chat.User

// Authenticate implements chat.Authenticator.
func (m members) Authenticate(_ context.Context, token string) (chat.Identity, error) {
	user, ok := m[token]
	if !ok {
		return chat.Identity{}, chat.ErrUnauthorized
	}
	return chat.Identity{TokenID: "session of " + user.Name, User: user, ExpiresAt: time.Now().Add(time.Hour)}, nil
}

// UserByID implements chat.Directory.
func (m members) UserByID(_ context.Context, id int64) (chat.User, error) {
	for _, user := range m {
		if user.ID == id {
			return user, nil
		}
	}
	return chat.User{}, chat.ErrNotFound
}

var ourMembers = members{
	"token-of-wususu":    {ID: 1, Name: "wususu"},
	"token-of-liaojiekx": {ID: 2, Name: "liaojiekx"},
}

// Users and tokens of the app's own, below a group.
func ExampleNew_ownUsers() {
	app := fiber.New()
	chats, err := fiberchat.New(app.Group("/chat"), fiberchat.Config{
		Store:         storetest.NewMemory(), // your own, or one of package sqlstore
		Authenticator: ourMembers,
		Directory:     ourMembers,
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, token := range []string{"token-of-wususu", "nonsense"} {
		resp, err := app.Test(httptest.NewRequest("GET", "/chat/socketServer/info?srect="+token, nil))
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(resp.StatusCode)
	}
	if err := chats.Close(context.Background()); err != nil {
		log.Fatal(err)
	}
	// Output:
	// 200
	// 401
}

// Only friends may write to each other: others are answered -303
// NotFriends. An error of the database would be another: the client sends again.
func ExampleConfig_canSend() {
	friends := map[[2]int64]bool{{1, 2}: true, {2, 1}: true}
	_, err := fiberchat.New(fiber.New(), fiberchat.Config{
		Store: storetest.NewMemory(), Authenticator: ourMembers, Directory: ourMembers,
		CanSend: func(_ context.Context, from, to chat.User) error {
			if !friends[[2]int64{from.ID, to.ID}] {
				return chat.Refuse("NotFriends", "you are not friends yet")
			}
			return nil
		},
	})
	if err != nil {
		log.Fatal(err)
	}
}

// Strangers may write to each other here: short texts, slowly, and no more than
// a hundred to somebody who is away. What is left out has its default.
func ExampleConfig_limits() {
	chats, err := fiberchat.New(fiber.New(), fiberchat.Config{
		Store: storetest.NewMemory(), Authenticator: ourMembers, Directory: ourMembers,
		Limits: fiberchat.Limits{
			Content:      2 << 10,
			SendRate:     5,
			SendBytes:    4 << 10,
			Pending:      100,
			UserSessions: -1, // no limit
		},
		Timeouts: fiberchat.Timeouts{Store: 3 * time.Second},
		SockJS:   fiberchat.SockJS{Cookie: true}, // the load balancer sticks to it
	})
	if err != nil {
		log.Fatal(err)
	}
	defer chats.Close(context.Background())

	_, err = fiberchat.New(fiber.New(), fiberchat.Config{
		Store: storetest.NewMemory(), Authenticator: ourMembers, Directory: ourMembers,
		Limits: fiberchat.Limits{Frame: 64 << 10},
	})
	fmt.Println(err)
	// Output: fiberchat: Config.Limits.Frame must be at least 303104: 6 x Content, for JSON may spell a byte with six, and HeaderBytes
}

// newExample is chat for the examples below.
func newExample() *fiberchat.Chat {
	chats, err := fiberchat.New(fiber.New(), fiberchat.Config{
		Store: storetest.NewMemory(), Authenticator: ourMembers, Directory: ourMembers,
	})
	if err != nil {
		log.Fatal(err)
	}
	return chats
}

// Server code writes to a user, who gets it now or with the next init.
func ExampleChat_Send() {
	chats := newExample()
	defer chats.Close(context.Background())

	m, err := chats.Send(context.Background(), 1, 2, "起来聊天")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(m.ID, m.SenderName, m.ReceiverName, m.Content)

	_, err = chats.Send(context.Background(), 1, 99, "is anybody there?")
	fmt.Println(errors.Is(err, chat.ErrNotFound))
	// Output:
	// 1 wususu liaojiekx 起来聊天
	// true
}

// Somebody has commented: the user is told now, or with the next init, until he
// has confirmed it. Its client gets
// {"ntcType":"Cmmnt","ntcBody":{"id":1,"by":"wususu","post":7}}.
func ExampleChat_Notify() {
	chats := newExample()
	defer chats.Close(context.Background())

	id, err := chats.Notify(context.Background(), 2, "Cmmnt", map[string]any{"post": 7, "by": "wususu"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(id)

	_, err = chats.Notify(context.Background(), 99, "Cmmnt", struct{}{})
	fmt.Println(errors.Is(err, chat.ErrNotFound))
	// Output:
	// 1
	// true
}

// The history of two users, a page at a time, the newest first.
func ExampleChat_Conversation() {
	ctx := context.Background()
	chats := newExample()
	defer chats.Close(ctx)
	for _, text := range []string{"one", "two", "three"} {
		if _, err := chats.Send(ctx, 1, 2, text); err != nil {
			log.Fatal(err)
		}
	}
	before := int64(0)
	for {
		page, err := chats.Conversation(ctx, 1, 2, chat.Page{Before: before}, 2)
		if err != nil {
			log.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, m := range page {
			fmt.Println(m.Content)
			before = m.ID
		}
	}
	// Output:
	// three
	// two
	// one
}

// The conversations of a user, and what there is to read in them.
func ExampleChat_Conversations() {
	ctx := context.Background()
	chats := newExample()
	defer chats.Close(ctx)
	for _, text := range []string{"are you there?", "起来聊天"} {
		if _, err := chats.Send(ctx, 1, 2, text); err != nil {
			log.Fatal(err)
		}
	}
	for range 2 {
		page, err := chats.Conversations(ctx, 2, 0, 50) // of user 2, from the newest
		if err != nil {
			log.Fatal(err)
		}
		for _, c := range page {
			fmt.Println(c.Other.Name, c.Last.Content, c.Unread)
			if err := chats.MarkRead(ctx, 2, c.Other.ID, c.Last.ID); err != nil {
				log.Fatal(err)
			}
		}
	}
	// Output:
	// wususu 起来聊天 2
	// wususu 起来聊天 0
}

// The app notes what its user has read on a page of its own. Only forward, and
// never what is yet to come.
func ExampleChat_MarkRead() {
	ctx := context.Background()
	chats := newExample()
	defer chats.Close(ctx)
	m, err := chats.Send(ctx, 1, 2, "起来聊天")
	if err != nil {
		log.Fatal(err)
	}
	if err := chats.MarkRead(ctx, 2, 1, m.ID+1000); err != nil {
		log.Fatal(err)
	}
	page, err := chats.Conversations(ctx, 1, 0, 1)
	fmt.Println(page[0].ReadByThem == m.ID, err)
	// Output: true <nil>
}

// Signing out ends the sessions of that token; the user's others stay.
func ExampleChat_Revoke() {
	chats := newExample()
	defer chats.Close(context.Background())

	delete(ourTokens, "token-of-wususu") // first, so that nobody comes back with it
	chats.Revoke("session of wususu")
	_, err := ourTokens.Authenticate(context.Background(), "token-of-wususu")
	fmt.Println(errors.Is(err, chat.ErrUnauthorized))
	// Output: true
}

// A user who is banned goes at once, on all devices.
func ExampleChat_Disconnect() {
	chats := newExample()
	defer chats.Close(context.Background())

	chats.Disconnect(1) // whoever is to stay away must be refused by the Authenticator too
	fmt.Println("user 1 is gone")
	// Output: user 1 is gone
}

var ourTokens = members{"token-of-wususu": {ID: 1, Name: "wususu"}}

// Close waits for the clients, but no longer than its context lasts. It is
// begun by itself when the app shuts down.
func ExampleChat_Close() {
	chats := newExample()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	fmt.Println(chats.Close(ctx))
	// Output: <nil>
}
