package fiberchat_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"fiberchat.example/fiberchat/chattest"
)

// consumerMain is an app of somebody else's: its own users and token check,
// and every middleware of Fiber's in front that could get in the way.
const consumerMain = `package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"os"
	"strings"

	"fiberchat.example/fiberchat"
	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/middleware"
	"fiberchat.example/sqlstore"
	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/compress"
	"github.com/gofiber/fiber/v2/middleware/cors"
	"github.com/gofiber/fiber/v2/middleware/etag"
	"github.com/gofiber/fiber/v2/middleware/helmet"
	"github.com/gofiber/fiber/v2/middleware/limiter"
	"github.com/gofiber/fiber/v2/middleware/logger"
	"github.com/gofiber/fiber/v2/middleware/recover"
)

// staff is who may chat: a token is "key-of-" and the name.
type staff map[int64]string

func (s staff) Authenticate(_ context.Context, token string) (chat.Identity, error) {
	for id, name := range s {
		if token == "key-of-"+name {
			return chat.Identity{TokenID: name, User: chat.User{ID: id, Name: name}}, nil
		}
	}
	return chat.Identity{}, chat.ErrUnauthorized
}

func (s staff) UserByID(_ context.Context, id int64) (chat.User, error) {
	name, ok := s[id]
	if !ok {
		return chat.User{}, chat.ErrNotFound
	}
	return chat.User{ID: id, Name: name}, nil
}

func main() {
	users := staff{7: "zhang", 8: "li"}
	store, err := sqlstore.Open(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	app := fiber.New(fiber.Config{DisableStartupMessage: true, ReadBufferSize: 16 << 10})
	group := app.Group("/intranet",
		logger.New(logger.Config{Format: "LOG ${status} ${method} ${url} ${queryParams}\n"}),
		recover.New(), cors.New(), helmet.New(), compress.New(), etag.New(), limiter.New(limiter.Config{Max: 1000}))
	chats, err := fiberchat.New(group, fiberchat.Config{
		Store: store, Authenticator: users, Directory: users,
		CanSend: func(_ context.Context, from, to chat.User) error {
			if strings.HasPrefix(from.Name, "l") {
				return chat.Refuse("OnlyListens", from.Name+" may only listen")
			}
			return nil
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	group.Get("/whoami", middleware.New(middleware.Config{Authenticator: users}), func(c *fiber.Ctx) error {
		return c.SendString(middleware.User(c).Name)
	})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("READY", ln.Addr())
	// It ends when its standard input does, so that it cannot outlive the test.
	go func() {
		os.Stdin.Read(make([]byte, 1))
		if err := app.Shutdown(); err != nil {
			log.Fatal(err)
		}
	}()
	if err := app.Listener(ln); err != nil {
		log.Fatal(err)
	}
	if err := chats.Close(context.Background()); err != nil {
		log.Fatal(err)
	}
	if err := store.Close(); err != nil {
		log.Fatal(err)
	}
	fmt.Println("BYE")
}
`

// TestConsumer builds an app in a module of its own against this checkout, as
// a reader of the README would, and makes an exchange with it.
func TestConsumer(t *testing.T) {
	t.Parallel()
	checkout, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	goMod, err := os.ReadFile(filepath.Join(checkout, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	// The versions of our go.mod, so that nothing has to be looked up.
	_, requires, _ := strings.Cut(string(goMod), "\n")
	write := func(name, content string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("go.mod", "module intranet.test\n"+requires+
		"\nrequire fiberchat.example v0.0.0\n\nreplace fiberchat.example => "+checkout+"\n")
	goSum, err := os.ReadFile(filepath.Join(checkout, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	write("go.sum", string(goSum))
	write("main.go", consumerMain)

	build := exec.Command("go", "build", "-o", "intranet", ".")
	build.Dir = dir
	build.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}

	app := exec.Command(filepath.Join(dir, "intranet"), filepath.Join(dir, "chat.db"))
	var stderr bytes.Buffer
	app.Stderr = &stderr
	stdin, err := app.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := app.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := app.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { app.Process.Kill() }) // an error when it has ended
	lines := bufio.NewScanner(stdout)
	if !lines.Scan() || !strings.HasPrefix(lines.Text(), "READY ") {
		t.Fatalf("got %q, %s", lines.Text(), &stderr)
	}
	addr := strings.TrimPrefix(lines.Text(), "READY ")

	open := func(token, receiveOn string) *client {
		conn, err := native.open(addr, "/intranet", token)
		if err != nil {
			t.Fatal(err)
		}
		c := newClient(t, conn)
		c.hello()
		for _, destination := range []string{receiveOn, sendStatus, receiveStatus, failures} {
			c.subscribe(destination)
		}
		return c
	}
	zhang, li := open("key-of-zhang", "/user/zhang/recive"), open("key-of-li", "/user/8/recive")
	zhang.tell("m1", 8, "起来聊天")
	message := li.message("/user/8/recive").message(t)
	if message.Content != "起来聊天" || message.SenderName != "zhang" || message.ReceiverName != "li" || message.ChatID != "m1" {
		t.Errorf("step 3: %v", message)
	}
	li.confirmed("m1", 0)
	li.say("m2", 7, "x")
	li.refused("m2", -303, "OnlyListens")
	zhang.say("m3", 9, "x")
	zhang.refused("m3", -404, "ReceiverNotFound")
	if _, err := native.open(addr, "/intranet", "key-of-wang"); !errors.Is(err, chattest.Refused{Status: 401}) {
		t.Errorf("a wrong token: %v", err)
	}
	res, err := http.Post("http://"+addr+"/intranet/socketServer/000/a-session/xhr?srect=key-of-li", "text/plain", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if opened, err := io.ReadAll(res.Body); err != nil || string(opened) != "o\n" {
		t.Errorf("SockJS opened with %d %q, %v", res.StatusCode, opened, err)
	}

	if err := stdin.Close(); err != nil {
		t.Fatal(err)
	}
	var rest []string
	for lines.Scan() {
		rest = append(rest, lines.Text())
	}
	if err := app.Wait(); err != nil {
		t.Errorf("ended with %v: %s", err, &stderr)
	}
	log := strings.Join(rest, "\n")
	if len(rest) == 0 || rest[len(rest)-1] != "BYE" {
		t.Errorf("it did not end in good order: %s", log)
	}
	if !strings.Contains(log, "LOG 401 GET /intranet/client?srect=xxx") || strings.Contains(log, "key-of-") {
		t.Errorf("the access log: %s", log)
	}
}
