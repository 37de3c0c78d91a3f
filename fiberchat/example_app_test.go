package fiberchat_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net"
	"time"

	"github.com/gofiber/fiber/v2"

	"fiberchat.example/fiberchat"
	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/chattest"
	"fiberchat.example/fiberchat/storetest"
)

// serveExample has chat listen for the examples below; end ends it.
func serveExample() (chats *fiberchat.Chat, addr string, end func()) {
	app := fiber.New(fiber.Config{DisableStartupMessage: true, ReadBufferSize: 16 << 10})
	chats, err := fiberchat.New(app, fiberchat.Config{Store: storetest.NewMemory(), Authenticator: ourMembers, Directory: ourMembers})
	if err != nil {
		log.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- app.Listener(ln) }() // waited for by end
	return chats, ln.Addr().String(), func() {
		if err := app.Shutdown(); err != nil {
			log.Fatal(err)
		}
		<-served
	}
}

// dialExample connects a client that subscribes to destinations, and returns
// when that is carried out.
func dialExample(addr, token string, destinations ...string) *chattest.Conn {
	conn, err := chattest.Open(context.Background(), addr, token, chattest.Patience(10*time.Second))
	if err != nil {
		log.Fatal(err)
	}
	if err := conn.Connect(destinations...); err != nil {
		log.Fatal(err)
	}
	if err := conn.Write("UNSUBSCRIBE\nid:none\nreceipt:subscribed\n\n"); err != nil {
		log.Fatal(err)
	}
	if _, err := conn.Until(func(f chattest.Frame) bool { return f.Receipt() == "subscribed" }); err != nil {
		log.Fatal(err)
	}
	return conn
}

// Clients ask the app over the connection that they have.
func ExampleChat_Handle() {
	chats, addr, end := serveExample()
	defer end()
	chats.Handle("/app/price", func(_ context.Context, r *fiberchat.Request) error {
		var question struct{ Article string }
		if err := json.Unmarshal(r.Body, &question); err != nil || question.Article == "" {
			return chat.Refuse("WhichArticle", "name an article")
		}
		return r.Reply("price", map[string]any{"article": question.Article, "cents": 420})
	})

	client := dialExample(addr, "token-of-wususu", "/user/queue/app/price", chattest.Failures)
	defer client.Leave()
	for _, body := range []string{`{"article":"tea"}`, `{}`} {
		if err := client.Write("SEND\ndestination:/app/price\n\n" + body); err != nil {
			log.Fatal(err)
		}
		answer, err := client.Read()
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(answer.Body)
	}
	// Output:
	// {"article":"tea","cents":420}
	// {"msgID":null,"code":-303,"status":"失败","content":{"error":"WhichArticle","message":"name an article"}}
}

// Somebody is typing: not stored, and only for those who may be written to.
func ExampleChat_Push() {
	chats, addr, end := serveExample()
	defer end()
	friends := map[[2]int64]bool{{1, 2}: true}
	chats.Handle("/app/typing", func(ctx context.Context, r *fiberchat.Request) error {
		var to struct{ UID int64 }
		if err := json.Unmarshal(r.Body, &to); err != nil {
			return chat.Refuse("BadJSON", "send the uid of whom you are writing to")
		}
		if !friends[[2]int64{r.From.ID, to.UID}] {
			return chat.ErrForbidden
		}
		return chats.Push(ctx, to.UID, "typing", map[string]int64{"uid": r.From.ID})
	})

	wususu := dialExample(addr, "token-of-wususu")
	defer wususu.Leave()
	liaojiekx := dialExample(addr, "token-of-liaojiekx", "/user/queue/app/typing")
	defer liaojiekx.Leave()
	if err := wususu.Write("SEND\ndestination:/app/typing\n\n" + `{"uid":2}`); err != nil {
		log.Fatal(err)
	}
	pushed, err := liaojiekx.Read()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(pushed.Body)
	// Output: {"uid":1}
}

// A green dot, or when somebody was here last.
func ExampleChat_Online() {
	chats, addr, end := serveExample()
	defer end()
	client := dialExample(addr, "token-of-wususu")
	defer client.Leave()

	all, err := chats.Online(context.Background(), 1, 2)
	if err != nil {
		log.Fatal(err)
	}
	for _, p := range all {
		switch {
		case p.Online:
			fmt.Println(p.UserID, "is online")
		case p.LastSeen.IsZero():
			fmt.Println(p.UserID, "was never here")
		default:
			fmt.Println(p.UserID, "left at", p.LastSeen)
		}
	}
	// Output:
	// 1 is online
	// 2 was never here
}

// Where am I signed in? Revoke ends one of them.
func ExampleChat_Sessions() {
	chats, addr, end := serveExample()
	defer end()
	client := dialExample(addr, "token-of-wususu")
	defer client.Leave()

	for _, s := range chats.Sessions(1) {
		fmt.Println(s.TokenID, s.Transport, s.IP, time.Since(s.Since) < time.Minute)
	}
	// Output: session of wususu native 127.0.0.1 true
}
