package chattest_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"go.uber.org/goleak"

	"fiberchat.example/fiberchat"
	"fiberchat.example/fiberchat/chattest"
	"fiberchat.example/fiberchat/storetest"
)

// TestMain finds goroutines that outlive their server or their client.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// fasthttp's own: for ever, and up to 10 s after its server has ended.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
	)
}

var transports = []string{"", "raw-websocket", "websocket", "xhr-streaming", "xhr-polling", "eventsource", "htmlfile", "jsonp-polling"}

func serve(t *testing.T) *chattest.Server {
	t.Helper()
	users := chattest.Users{"a": {ID: 1, Name: "alice"}, "b": {ID: 2, Name: "bob"}}
	app := fiber.New(fiber.Config{DisableStartupMessage: true, ReadBufferSize: 16 << 10})
	_, err := fiberchat.New(app, fiberchat.Config{
		Store: storetest.NewMemory(), Authenticator: users, Directory: users, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return chattest.Serve(t, app)
}

// TestTransports: the five steps, a failure, an init and a repetition through
// every door.
func TestTransports(t *testing.T) {
	t.Parallel()
	for _, transport := range transports {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			s := serve(t)
			a, b := s.Dial("a", chattest.SockJS(transport)), s.Dial("b", chattest.SockJS(transport))
			delivered := a.Subscribe(chattest.Delivered)
			begun := time.Now().Truncate(time.Millisecond)
			const text = "起来聊天 <&%\"\\\n\u2028😀>"
			first := a.Send(2, text)
			if again := a.Resend(first.MsgID, 2, text); first.Code != 200 || again != first {
				t.Errorf("sent: %+v, again: %+v", first, again)
			}
			second := a.Send(2, "second")
			want := chattest.Status{MsgID: "none", Code: -404, Error: "MessageNotFound"}
			m := b.Next()
			m.ChatID, want.Text = "none", ""
			got := b.Confirm(m)
			if got.Text == "" {
				t.Error("a failure without prose")
			}
			if got.Text = ""; got != want {
				t.Errorf("confirmed what is not there: %+v, want %+v", got, want)
			}
			b.Init() // brings both again, after the second
			for i, id := range []string{second.MsgID, first.MsgID, second.MsgID} {
				m := b.Next()
				if m.ChatID != id || m.SenderID != 1 || m.ReceiverID != 2 || m.SenderName != "alice" || m.ReceiverName != "bob" ||
					i == 1 && m.Content != text || m.Time.Before(begun) {
					t.Errorf("message %d: %+v", i, m)
				}
				if i > 0 {
					if s := b.Confirm(m); s != (chattest.Status{MsgID: id, Code: 200}) {
						t.Errorf("confirmed: %+v", s)
					}
				}
			}
			for range 2 {
				if notice := <-delivered; !strings.Contains(string(notice), `"code":200`) {
					t.Errorf("notice: %s", notice)
				}
			}
			a.Nothing()
			b.Nothing()
			a.Close()
			if _, open := <-delivered; open {
				t.Error("a notice after the end")
			}
		})
	}
}

func TestRefusedToken(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for _, transport := range transports {
		_, err := chattest.Open(t.Context(), s.Addr, "nobody's", chattest.SockJS(transport))
		if refused := (chattest.Refused{}); !errors.As(err, &refused) || refused.Status != 401 {
			t.Errorf("%s gave %v, want 401", transport, err)
		}
	}
	if _, err := chattest.Open(t.Context(), s.Addr, "a", chattest.SockJS("pigeon")); err == nil {
		t.Error("there is a transport by pigeon")
	}
}

// verdict is a test that notes its failure.
type verdict struct {
	testing.TB
	failure string
}

type failed struct{}

func (v *verdict) Fatal(args ...any) {
	v.failure = fmt.Sprintln(args...)
	panic(failed{})
}

func (v *verdict) Fatalf(format string, args ...any) { v.Fatal(fmt.Sprintf(format, args...)) }

// TestFailures: what fails a test, and with which words.
func TestFailures(t *testing.T) {
	t.Parallel()
	short := chattest.Patience(2 * time.Second) // the connecting must be done within it, too
	for name, c := range map[string]struct {
		want string
		do   func(*chattest.Server)
	}{
		"a token that is not good": {"HTTP status 401", func(s *chattest.Server) { s.Dial("nobody's") }},
		"nothing comes":            {"within 2s there is no sign of a message", func(s *chattest.Server) { s.Dial("b", short).Next() }},
		"something came": {"want nothing, got MESSAGE", func(s *chattest.Server) {
			b := s.Dial("b")
			s.Dial("a").Send(2, "x")
			b.Init() // after which it has come
			b.Nothing()
		}},
		"an ERROR": {"waiting for a message: ERROR unknown-command", func(s *chattest.Server) {
			b := s.Dial("b")
			b.Raw("NONSENSE\n\n\x00")
			b.Next()
		}},
		"a forbidden destination": {"ERROR not-allowed", func(s *chattest.Server) { s.Dial("a").Subscribe(chattest.Inbox("bob")) }},
		"the connection ends":     {"closed with 1000", func(s *chattest.Server) { b := s.Dial("b"); b.Raw("DISCONNECT\n\n\x00"); b.Next() }},
		"it does not end":         {"does not end within 2s", func(s *chattest.Server) { s.Dial("b", short).Ended() }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := &verdict{TB: t}
			s := chattest.At(v, serve(t).Addr)
			func() {
				defer func() {
					if r := recover(); r != nil && r != (failed{}) {
						panic(r)
					}
				}()
				c.do(s)
			}()
			if !strings.Contains(v.failure, c.want) {
				t.Errorf("failed with %q, want %q", v.failure, c.want)
			}
		})
	}
}

// TestFrames: frames one by one, up to the close.
func TestFrames(t *testing.T) {
	t.Parallel()
	for _, transport := range transports {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			conn, err := chattest.Open(t.Context(), serve(t).Addr, "a", chattest.SockJS(transport))
			if err != nil {
				t.Fatal(err)
			}
			c := chattest.NewClient(t, conn)
			c.Raw("CONNECT\naccept-version:1.1\nhost:x\n\n\x00DISCONNECT\nreceipt:bye\n\n\x00")
			if f := c.Frame(); f.Command != "CONNECTED" || f.Headers["version"] != "1.1" {
				t.Error("got", f)
			}
			rest, err := c.Ended()
			if len(rest) != 1 || rest[0].Receipt() != "bye" {
				t.Error("got", rest)
			}
			var closed chattest.Closed
			if !errors.Is(err, chattest.ErrEnded) || !errors.As(err, &closed) || closed.Code != 1000 {
				t.Error("ended by", err)
			}
		})
	}
}

// TestPatience: a Conn with patience ends when nothing comes.
func TestPatience(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for _, transport := range transports {
		var conn *chattest.Conn
		err := errors.New("not tried")
		for d := 100 * time.Millisecond; err != nil; d *= 2 { // until it is enough for the opening
			conn, err = chattest.Open(context.Background(), s.Addr, "a", chattest.SockJS(transport), chattest.Patience(d))
			if err != nil && d > time.Minute {
				t.Fatal(err)
			}
		}
		for range 2 { // SockJS may greet
			_, err = conn.Read()
		}
		if !errors.Is(err, chattest.ErrEnded) {
			t.Errorf("%s: a read without end gave %v", transport, err)
		}
		conn.Leave()
	}
}

func TestParseFrame(t *testing.T) {
	t.Parallel()
	f := chattest.ParseFrame("MESSAGE\na:1\na:2\nb:x:y\n\nbody\n\nrest\x00")
	if got, want := fmt.Sprintf("%q", []any{f.Command, f.Headers, f.Body}), `["MESSAGE" map["a":"1" "b":"x:y"] "body\n\nrest"]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
