package fiberchat_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"fiberchat.example/fiberchat"
	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/storetest"
)

// hooked is chat with hooks for the examples below.
func hooked(cfg fiberchat.Config) *fiberchat.Chat {
	cfg.Store, cfg.Authenticator, cfg.Directory = storetest.NewMemory(), ourMembers, ourMembers
	chats, err := fiberchat.New(fiber.New(), cfg)
	if err != nil {
		log.Fatal(err)
	}
	return chats
}

// Moderation: what must not be written is refused, and telephone numbers are
// made unreadable. A client that repeats a message hears what became of the first.
func ExampleConfig_beforeSave() {
	chats := hooked(fiberchat.Config{
		BeforeSave: func(_ context.Context, m *chat.Message) error {
			if strings.Contains(m.Content, "free money") {
				return chat.Refuse("Spam", "this looks like spam")
			}
			m.Content = strings.ReplaceAll(m.Content, "555-0123", "***")
			return nil
		},
	})
	defer chats.Close(context.Background())
	fmt.Println("messages of clients are looked at")
	// Output: messages of clients are looked at
}

// A search index hears of each message once it is stored. What it misses when
// the process dies, it reads from the store when it starts.
func ExampleConfig_afterSave() {
	index := map[string]int64{}
	chats := hooked(fiberchat.Config{
		AfterSave: func(_ context.Context, m chat.Message) { index[m.Content] = m.ID },
	})
	if _, err := chats.Send(context.Background(), 1, 2, "起来聊天"); err != nil {
		log.Fatal(err)
	}
	if err := chats.Close(context.Background()); err != nil { // waits for the hook
		log.Fatal(err)
	}
	fmt.Println(index)
	// Output: map[起来聊天:1]
}

// How long messages take until they are read.
func ExampleConfig_afterConfirm() {
	chats := hooked(fiberchat.Config{
		AfterConfirm: func(_ context.Context, m chat.Message) {
			log.Println(m.ReceiverName, "took", m.ConfirmedAt.Sub(m.Time))
		},
	})
	defer chats.Close(context.Background())
	fmt.Println("confirmations are measured")
	// Output: confirmations are measured
}

// A push for whoever is away. An error means that it is called again, also
// after a restart: so push services may be down, and nothing is forgotten.
func ExampleConfig_overdue() {
	pushed := make(chan string, 1)
	push := func(to int64, badge int, text string) error {
		pushed <- fmt.Sprintf("to %d, badge %d: %s", to, badge, text)
		return nil // or what the push service says
	}
	chats := hooked(fiberchat.Config{
		OverdueAfter: 100 * time.Millisecond, // leave the default, except in tests
		Overdue: func(_ context.Context, to chat.User, unconfirmed []chat.Message) error {
			last := unconfirmed[len(unconfirmed)-1]
			return push(to.ID, len(unconfirmed), last.SenderName+": "+last.Content)
		},
	})
	defer chats.Close(context.Background())
	for _, text := range []string{"起来聊天", "在吗？"} {
		if _, err := chats.Send(context.Background(), 1, 2, text); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println(<-pushed)
	// Output: to 2, badge 2: wususu: 在吗？
}

// Who is online on this node.
func ExampleConfig_onConnect() {
	chats := hooked(fiberchat.Config{
		OnConnect:    func(_ context.Context, user chat.User) { log.Println(user.Name, "is here") },
		OnDisconnect: func(_ context.Context, user chat.User) { log.Println(user.Name, "has gone") },
	})
	defer chats.Close(context.Background())
	fmt.Println("users are watched")
	// Output: users are watched
}

// What is sent with a msgID of one's own may be repeated until it succeeds.
func ExampleChat_SendAs() {
	chats := newExample()
	defer chats.Close(context.Background())

	for range 2 { // say, after a time-out
		m, err := chats.SendAs(context.Background(), 1, 2, "order-7-shipped", "it is on its way")
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(m.ID, m.Content)
	}
	_, err := chats.SendAs(context.Background(), 1, 2, "order-7-shipped", "something else")
	fmt.Println(errors.Is(err, chat.ErrConflict))
	// Output:
	// 1 it is on its way
	// 1 it is on its way
	// true
}

// CanSend holds for the app's own routes too.
func ExampleChat_MayWrite() {
	chats := hooked(fiberchat.Config{
		CanSend: func(_ context.Context, from, _ chat.User) error {
			if from.ID != 1 {
				return chat.Refuse("NotFriends", "you are not friends yet")
			}
			return nil
		},
	})
	defer chats.Close(context.Background())

	fmt.Println(chats.MayWrite(context.Background(), 1, 2))
	err := chats.MayWrite(context.Background(), 2, 1)
	fmt.Println(errors.Is(err, chat.ErrForbidden))
	// Output:
	// <nil>
	// true
}
