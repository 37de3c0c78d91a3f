package fiberchat_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fasthttp/websocket"
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
	app := fiber.New(fiber.Config{DisableStartupMessage: true})
	group := app.Group("/intranet",
		logger.New(logger.Config{Format: "LOG ${status} ${method} ${url} ${queryParams}\n"}),
		recover.New(), cors.New(), helmet.New(), compress.New(), etag.New(), limiter.New(limiter.Config{Max: 1000}))
	chats, err := fiberchat.New(group, fiberchat.Config{
		Store: store, Authenticator: users, Directory: users,
		CanSend: func(_ context.Context, from, to chat.User) error {
			if strings.HasPrefix(from.Name, "l") {
				return fmt.Errorf("%s may only listen", from.Name)
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

	zhang := dialIntranet(t, addr, "key-of-zhang", "/user/zhang/recive")
	li := dialIntranet(t, addr, "key-of-li", "/user/8/recive")
	zhang.write("SEND\ndestination:/socket/chat/send\n\n" + `{"msgID":"m1","reciverId":8,"content":"起来聊天"}` + "\x00")
	if got := zhang.body("/user/queue/send/status"); got["msgID"] != "m1" || got["code"] != 200.0 {
		t.Errorf("step 2: %v", got)
	}
	message := li.body("/user/8/recive")
	if message["content"] != "起来聊天" || message["sender"] != "zhang" || message["reciver"] != "li" || message["chatID"] != "m1" {
		t.Errorf("step 3: %v", message)
	}
	li.write("SEND\ndestination:/socket/chat/recive\n\n" + `{"msgID":"m1"}` + "\x00")
	if got := li.body("/user/queue/recive/status"); got["msgID"] != "m1" || got["code"] != 200.0 {
		t.Errorf("step 5: %v", got)
	}
	li.write("SEND\ndestination:/socket/chat/send\n\n" + `{"msgID":"m2","reciverId":7,"content":"x"}` + "\x00")
	if got := li.body("/user/queue/status"); got["msgID"] != "m2" || got["code"] != -303.0 {
		t.Errorf("CanSend: %v", got)
	}
	zhang.write("SEND\ndestination:/socket/chat/send\n\n" + `{"msgID":"m3","reciverId":9,"content":"x"}` + "\x00")
	if got := zhang.body("/user/queue/status"); got["msgID"] != "m3" || got["code"] != -404.0 {
		t.Errorf("Directory: %v", got)
	}
	if _, res, err := websocket.DefaultDialer.Dial("ws://"+addr+"/intranet/client?srect=key-of-wang", nil); err == nil || res == nil || res.StatusCode != 401 {
		t.Errorf("a wrong token: %v, %v", res, err)
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

// intranetUser is a raw STOMP connection.
type intranetUser struct {
	t  *testing.T
	ws *websocket.Conn
}

func dialIntranet(t *testing.T, addr, token, receiveOn string) intranetUser {
	t.Helper()
	ws, _, err := websocket.DefaultDialer.Dial("ws://"+addr+"/intranet/client?srect="+token, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ws.Close() })
	if err := ws.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	u := intranetUser{t, ws}
	u.write("CONNECT\naccept-version:1.2\nhost:h\n\n\x00")
	for i, destination := range []string{receiveOn, "/user/queue/send/status", "/user/queue/recive/status", "/user/queue/status"} {
		u.write(fmt.Sprintf("SUBSCRIBE\nid:%d\nreceipt:%d\ndestination:%s\n\n\x00", i, i, destination))
	}
	for range 5 { // CONNECTED and the receipts: what is sent to this user arrives from now on
		u.frame()
	}
	return u
}

func (u intranetUser) write(frame string) {
	u.t.Helper()
	if err := u.ws.WriteMessage(websocket.TextMessage, []byte(frame)); err != nil {
		u.t.Fatal(err)
	}
}

func (u intranetUser) frame() string {
	u.t.Helper()
	for {
		_, frame, err := u.ws.ReadMessage()
		if err != nil {
			u.t.Fatal(err)
		}
		if string(frame) != "\n" {
			return string(frame)
		}
	}
}

// body returns the next MESSAGE's, which must be on destination.
func (u intranetUser) body(destination string) map[string]any {
	u.t.Helper()
	frame := u.frame()
	headers, raw, _ := strings.Cut(strings.TrimSuffix(frame, "\x00"), "\n\n")
	if !strings.HasPrefix(headers, "MESSAGE\n") || !strings.Contains(headers+"\n", "\ndestination:"+destination+"\n") {
		u.t.Fatalf("got %q, want a MESSAGE on %s", frame, destination)
	}
	var body map[string]any
	if err := json.Unmarshal([]byte(raw), &body); err != nil {
		u.t.Fatalf("%q: %v", raw, err)
	}
	return body
}
