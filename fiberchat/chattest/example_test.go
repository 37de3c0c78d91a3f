package chattest_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"fiberchat.example/fiberchat"
	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/chattest"
	"fiberchat.example/fiberchat/storetest"
)

// newApp is the app to test: nobody may write to carol but alice.
func newApp() (*fiber.App, error) {
	users := chattest.Users{"alice's": {ID: 1, Name: "alice"}, "bob's": {ID: 2, Name: "bob"}, "carol's": {ID: 3, Name: "carol"}}
	app := fiber.New(fiber.Config{DisableStartupMessage: true, ReadBufferSize: 16 << 10})
	_, err := fiberchat.New(app.Group("/api"), fiberchat.Config{
		Store: storetest.NewMemory(), Authenticator: users, Directory: users,
		CanSend: func(_ context.Context, from, to chat.User) error {
			if to.Name == "carol" && from.Name != "alice" {
				return chat.Refuse("NotAlice", "carol takes messages of alice only")
			}
			return nil
		},
		Logger: slog.New(slog.DiscardHandler),
	})
	return app, err
}

// A whole test of an app: a message, its confirmation, and a refusal.
func TestApp(t *testing.T) {
	t.Parallel()
	app, err := newApp()
	if err != nil {
		t.Fatal(err)
	}
	server := chattest.Serve(t, app)
	alice := server.Dial("alice's", chattest.Prefix("/api"))
	bob := server.Dial("bob's", chattest.Prefix("/api"), chattest.SockJS("xhr-streaming"))

	if s := alice.Send(2, "起来聊天"); s.Code != 200 {
		t.Fatal("step 2:", s)
	}
	m := bob.Next()
	if m.Content != "起来聊天" || m.SenderName != "alice" {
		t.Error("step 3:", m)
	}
	if s := bob.Confirm(m); s.Code != 200 {
		t.Error("step 5:", s)
	}
	if s := bob.Send(3, "hello"); s.Code != -303 || s.Error != "NotAlice" {
		t.Error("bob wrote to carol:", s)
	}
	bob.Init() // everything is confirmed
	bob.Nothing()
}

func ExampleUsers() {
	users := chattest.Users{"t1": {ID: 1, Name: "wususu"}, "t2": {ID: 2, Name: "liaojiekx"}}
	identity, err := users.Authenticate(context.Background(), "t2")
	fmt.Println(identity.User, err)
	_, err = users.Authenticate(context.Background(), "t3")
	fmt.Println(err)
	// Output:
	// {2 liaojiekx} <nil>
	// chat: token not valid
}

// Beside a test, or where a client is to misbehave, a Conn moves the frames.
func ExampleOpen() {
	app, err := newApp()
	if err != nil {
		log.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- app.Listener(ln) }() // waited for below

	options := []chattest.Option{chattest.Prefix("/api"), chattest.Patience(10 * time.Second)}
	_, err = chattest.Open(context.Background(), ln.Addr().String(), "mallory's", options...)
	fmt.Println(err)

	alice, err := chattest.Open(context.Background(), ln.Addr().String(), "alice's", options...)
	if err != nil {
		log.Fatal(err)
	}
	defer alice.Leave()
	if err := alice.Connect(chattest.SendStatus); err != nil {
		log.Fatal(err)
	}
	if err := alice.Send("m1", 2, "起来聊天"); err != nil {
		log.Fatal(err)
	}
	status, err := alice.Until(func(f chattest.Frame) bool { return f.On(chattest.SendStatus) })
	fmt.Println(status.Body, err)

	if err := alice.Write("NONSENSE\n\n"); err != nil {
		log.Fatal(err)
	}
	_, err = alice.Read()
	var refused chattest.ServerError
	fmt.Println(errors.As(err, &refused), refused.Token)
	_, err = alice.Read()
	fmt.Println(err)

	if err := errors.Join(app.Shutdown(), <-served); err != nil {
		log.Fatal(err)
	}
	// Output:
	// open a door: refused with HTTP status 401
	// {"msgID":"m1","code":200,"status":"成功","content":"(=ↀωↀ=)"} <nil>
	// true unknown-command
	// chattest: the connection has ended: read: closed with 1002
}
