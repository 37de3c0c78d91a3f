package fiberchat_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/logger"

	"fiberchat.example/fiberchat"
	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/chattest"
	"fiberchat.example/middleware"
)

var aliceByToken = chat.Identity{TokenID: "id-alice", User: chat.User{ID: 1, Name: "alice"}}

// ticket is a page's way to the door: it asks a route of the app, which knows
// who is signed in.
func (s *server) ticket(identity chat.Identity) string {
	s.t.Helper()
	ticket, err := s.chat.Ticket(s.t.Context(), identity)
	if err != nil {
		s.t.Fatal(err)
	}
	return ticket
}

// refused wants a 401 by that name at a door.
func refused(t *testing.T, addr, ticket, name string) {
	t.Helper()
	code := map[string]string{"Unauthorized": "-200", "TokenExpired": "-202"}[name]
	for _, path := range []string{"/socketServer/info", "/client", "/socketServer/000/another/eventsource"} {
		resp, body := get(t, addr, path+"?srect="+ticket, "https://page.example")
		if resp.StatusCode != http.StatusUnauthorized || !strings.Contains(body, `"code":`+code) || !strings.Contains(body, `"error":"`+name+`"`) {
			t.Errorf("%s: %s %s, want %s", path, resp.Status, body, name)
		}
		if resp.Header.Get("Access-Control-Allow-Origin") != "https://page.example" {
			t.Error(path, "has no CORS headers:", resp.Header)
		}
	}
}

// strict is people whose tokens nobody confuses with tickets.
type strict struct {
	*people
	t *testing.T
}

func (s strict) Authenticate(ctx context.Context, token string) (chat.Identity, error) {
	if !strings.HasPrefix(token, "t-") {
		s.t.Errorf("the Authenticator is asked for %.20q", token)
	}
	return s.people.Authenticate(ctx, token)
}

// TestTicket: one connection, through every door and transport, after as many
// infos as the client likes; and not a second one, whatever door it is.
func TestTicket(t *testing.T) {
	t.Parallel()
	p := newPeople("alice", "bob")
	s := serve(t, fiberchat.Config{Authenticator: strict{p, t}, Directory: p})
	b := online(t, s.addr, "bob")
	for i, transport := range []string{"", "raw-websocket", "websocket", "xhr-polling", "xhr-streaming", "eventsource", "htmlfile", "jsonp-polling"} {
		ticket := s.ticket(aliceByToken)
		if strings.Trim(ticket, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") != "" || len(ticket) > 200 {
			t.Error("a ticket for a URL is", ticket)
		}
		for range 2 {
			if resp, body := get(t, s.addr, "/socketServer/info?srect="+ticket, ""); resp.StatusCode != http.StatusOK {
				t.Fatal(transport, "info:", resp.Status, body)
			}
		}
		open := func(session string) (*chattest.Conn, error) {
			return chattest.Open(t.Context(), s.addr, ticket, chattest.SockJS(transport), chattest.Session(session), chattest.Patience(patience))
		}
		first := fmt.Sprint("session", i)
		conn, err := open(first)
		if err != nil {
			t.Fatal(transport, err)
		}
		a := newClient(t, conn)
		a.hello()
		a.subscribe("/user/alice/recive")
		a.subscribe(sendStatus)
		for j := range 3 { // several requests of a polling transport
			id := fmt.Sprint("m", i, ".", j)
			a.tell(id, 2, "x")
			b.message("/user/bob/recive")
			b.tell("b"+id, 1, "y")
			if got := a.message("/user/alice/recive").message(t); got.ChatID != "b"+id || got.SenderName != "bob" {
				t.Error(transport, got)
			}
		}
		refused(t, s.addr, ticket, "Unauthorized")
		for _, d := range []door{native, sockws, xhr} {
			if _, err := d.open(s.addr, "", ticket); !errors.Is(err, chattest.Refused{Status: 401}) {
				t.Error(transport, "a second connection by", d, "gave", err)
			}
		}
		if _, err := chattest.Open(t.Context(), s.addr, ticket, chattest.SockJS("websocket"), chattest.Session(first)); !errors.Is(err, chattest.Refused{Status: 401}) {
			t.Error(transport, "the same session by websocket gave", err)
		}
		a.tell(fmt.Sprint("m", i), 2, "still here")
		b.message("/user/bob/recive")

		s.chat.Disconnect(1)
		a.fails("disconnected", 1008)
		refused(t, s.addr, ticket, "Unauthorized")
	}
}

// TestTicketEndsWithItsSession: the id of a session that is over opens no
// second one.
func TestTicketEndsWithItsSession(t *testing.T) {
	t.Parallel()
	s := serve(t, fiberchat.Config{SockJS: fiberchat.SockJS{DisconnectDelay: 50 * time.Millisecond}})
	ticket := s.ticket(aliceByToken)
	poll := func() (*http.Response, string) {
		r, err := http.NewRequest(http.MethodPost, "http://"+s.addr+"/socketServer/000/mine/xhr?srect="+ticket, nil)
		if err != nil {
			t.Fatal(err)
		}
		return answer(t, r)
	}
	if resp, body := poll(); body != "o\n" {
		t.Fatal(resp.Status, body)
	}
	for deadline := time.Now().Add(patience); ; { // the delay is over at some time, and no request has kept it up
		resp, body := get(t, s.addr, "/socketServer/000/mine/xhr_send?srect="+ticket, "") // 405 while it lives
		if resp.StatusCode == http.StatusUnauthorized {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the session lives on:", resp.Status, body)
		}
	}
	if resp, body := poll(); resp.StatusCode != http.StatusUnauthorized {
		t.Error("the session begins anew:", resp.Status, body)
	}
}

// TestTicketsSessionIsItsOwn: neither the user's token nor another ticket of
// the user's reaches it.
func TestTicketsSessionIsItsOwn(t *testing.T) {
	t.Parallel()
	s := serve(t, fiberchat.Config{})
	session := []chattest.Option{chattest.SockJS(string(xhr)), chattest.Session("one-session")}
	l, err := chattest.Open(t.Context(), s.addr, s.ticket(aliceByToken), session...)
	if err != nil {
		t.Fatal(err)
	}
	a := newClient(t, l)
	a.hello()
	for _, token := range []string{"t-alice", s.ticket(aliceByToken), s.ticket(chat.Identity{User: chat.User{ID: 2, Name: "bob"}})} {
		r, err := http.NewRequest(http.MethodPost, "http://"+s.addr+"/socketServer/000/one-session/xhr_send?srect="+token, bytes.NewReader([]byte(`["DISCONNECT\n\n\u0000"]`)))
		if err != nil {
			t.Fatal(err)
		}
		if resp, body := answer(t, r); resp.StatusCode != http.StatusNotFound {
			t.Error(resp.Status, body)
		}
		// Which has not used it up.
		other, err := chattest.Open(t.Context(), s.addr, token, session...)
		if err != nil {
			t.Fatal(err)
		}
		other.Cut()
	}
	a.nothing()
}

// TestTicketSurvivesWhatDoesNotConnect: SockJS clients try the next transport
// when a proxy has spoilt a WebSocket's handshake.
func TestTicketSurvivesWhatDoesNotConnect(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, d door) {
		s := serve(t, fiberchat.Config{AllowOrigins: []string{"https://good.example"}})
		ticket := s.ticket(aliceByToken)
		for path, want := range map[string]int{
			"/client": http.StatusUpgradeRequired, "/socketServer/websocket": http.StatusUpgradeRequired,
			"/socketServer/000/a/websocket": http.StatusBadRequest, "/socketServer/000/a/jsonp": http.StatusInternalServerError,
			"/socketServer/000/a/xhr": http.StatusMethodNotAllowed, "/socketServer/000/a/nonsense": http.StatusNotFound,
		} {
			if resp, body := get(t, s.addr, path+"?srect="+ticket, ""); resp.StatusCode != want {
				t.Error(path, resp.Status, body)
			}
		}
		for _, path := range []string{"/client", "/socketServer/000/a/eventsource"} {
			if resp, body := get(t, s.addr, path+"?srect="+ticket, "https://bad.example"); resp.StatusCode != http.StatusForbidden {
				t.Error(path, resp.Status, body)
			}
		}
		d.connect(t, s.addr, ticket).nothing()
	})
}

// TestTicketRace: of many handshakes with one ticket exactly one wins.
func TestTicketRace(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, d door) {
		s := serve(t, fiberchat.Config{})
		ticket := s.ticket(aliceByToken)
		const racers = 16
		outcomes := make(chan error, racers)
		var all sync.WaitGroup
		for range racers {
			all.Go(func() {
				conn, err := d.open(s.addr, "", ticket)
				if err == nil {
					defer conn.Cut()
				}
				outcomes <- err
			})
		}
		all.Wait()
		close(outcomes)
		won := 0
		for err := range outcomes {
			if err == nil {
				won++
			} else if !errors.Is(err, chattest.Refused{Status: 401}) {
				t.Error(err)
			}
		}
		if won != 1 {
			t.Error(won, "of", racers, "won")
		}
	})
}

// TestTicketEndsWithItsToken: unused and in use.
func TestTicketEndsWithItsToken(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, d door) {
		s := serve(t, fiberchat.Config{})
		other := d.connect(t, s.addr, s.ticket(chat.Identity{TokenID: "id-alice.2", User: aliceByToken.User}))
		unused, used := s.ticket(aliceByToken), s.ticket(aliceByToken)
		a := d.connect(t, s.addr, used)
		s.chat.Revoke("id-alice")
		a.fails("token-expired", 1008)
		refused(t, s.addr, unused, "Unauthorized")
		refused(t, s.addr, s.ticket(aliceByToken), "Unauthorized")
		other.nothing()

		unused = s.ticket(chat.Identity{User: aliceByToken.User}) // no name for the token
		s.chat.Disconnect(1)
		other.fails("disconnected", 1008)
		refused(t, s.addr, unused, "Unauthorized")
		again := d.connect(t, s.addr, s.ticket(chat.Identity{User: aliceByToken.User}))
		again.nothing()

		soon := chat.Identity{User: aliceByToken.User, ExpiresAt: time.Now().Add(1500 * time.Millisecond)}
		unused = s.ticket(soon)
		a = d.connect(t, s.addr, s.ticket(soon))
		a.fails("token-expired", 1008)
		refused(t, s.addr, unused, "TokenExpired")
		again.nothing()
	})
}

func TestTicketsOfNobody(t *testing.T) {
	t.Parallel()
	s := serve(t, fiberchat.Config{})
	for name, c := range map[string]struct {
		identity chat.Identity
		want     string
	}{
		"nobody":   {chat.Identity{}, "user id 0"},
		"too high": {chat.Identity{User: chat.User{ID: chat.MaxUserID + 1}}, "user id"},
		"ended":    {chat.Identity{User: aliceByToken.User, ExpiresAt: time.Now()}, chat.ErrExpired.Error()},
		"too long": {chat.Identity{User: aliceByToken.User, TokenID: strings.Repeat("x", 4<<10)}, "longer than 4096 bytes"},
	} {
		if ticket, err := s.chat.Ticket(t.Context(), c.identity); err == nil || !strings.Contains(err.Error(), c.want) || ticket != "" {
			t.Errorf("%s: %.30q, %v", name, ticket, err)
		}
	}
	long := chat.Identity{TokenID: strings.Repeat("i", 2<<10), User: chat.User{ID: chat.MaxUserID, Name: strings.Repeat("名", 64)}}
	connect(t, s.addr, s.ticket(long)).nothing()
	if err := s.chat.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.chat.Ticket(t.Context(), aliceByToken); !errors.Is(err, fiberchat.ErrClosed) {
		t.Error("after Close:", err)
	}
}

// TestForgedTickets: no octet of one can be another.
func TestForgedTickets(t *testing.T) {
	t.Parallel()
	s, stranger := serve(t, fiberchat.Config{}), serve(t, fiberchat.Config{})
	ticket := s.ticket(aliceByToken)
	for i := range len(ticket) - 1 { // the last one has unused bits
		forged := []byte(ticket)
		if forged[i]++; i < len("fiberchat-ticket.") {
			forged[i] = 'x' // a token of the app's, then
		} else if strings.IndexByte("{[:.`@", forged[i]) >= 0 {
			forged[i] = '0'
		}
		if resp, body := get(t, s.addr, "/socketServer/info?srect="+string(forged), ""); resp.StatusCode != http.StatusUnauthorized || !strings.Contains(body, "-200") {
			t.Fatalf("octet %d is %c: %s %s", i, forged[i], resp.Status, body)
		}
	}
	for _, forged := range []string{"fiberchat-ticket.", "fiberchat-ticket.%00", "fiberchat-ticket.AAAA", "fiberchat-ticket." + strings.Repeat("A", 43), ticket + "A", ticket + "AAAA", ticket[:len(ticket)-4], stranger.ticket(aliceByToken)} {
		refused(t, s.addr, forged, "Unauthorized")
	}
	connect(t, s.addr, ticket).nothing()
}

// TestTicketsAreForTheDoors: a check of the app's own does not know them.
func TestTicketsAreForTheDoors(t *testing.T) {
	t.Parallel()
	cfg, _ := configFor(t, fiberchat.Config{})
	app := newApp()
	app.Get("/private", middleware.New(middleware.Config{Authenticator: cfg.Authenticator}), func(c *fiber.Ctx) error { return c.SendString("in") })
	ch, err := fiberchat.New(app, cfg)
	if err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, chat: ch, addr: listen(t, app)}
	ticket := s.ticket(aliceByToken)
	if resp, body := get(t, s.addr, "/private?srect="+ticket, ""); resp.StatusCode != http.StatusUnauthorized {
		t.Error(resp.Status, body)
	}
	connect(t, s.addr, ticket).nothing()
}

func TestTicketsStayOutOfLogs(t *testing.T) {
	t.Parallel()
	cfg, logs := configFor(t, fiberchat.Config{})
	access := new(syncBuffer)
	app := newApp()
	app.Use(logger.New(logger.Config{Output: access, Format: "${method} ${url} ${queryParams} ${reqHeaders} ${referer} ${status} ${error}\n"}))
	ch, err := fiberchat.New(app, cfg)
	if err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, chat: ch, addr: listen(t, app)}
	for _, d := range []door{native, sockws, xhr} {
		ticket := s.ticket(aliceByToken)
		a := d.connect(t, s.addr, ticket)
		a.raw("SUBSCRIBE\nid:1\ndestination:/user/2/recive\n\n\x00")
		a.fails("not-allowed", 1008)
		refused(t, s.addr, ticket, "Unauthorized")
	}
	for i, log := range []*syncBuffer{access, logs} {
		if log.String() == "" || strings.Contains(log.String(), "fiberchat-ticket") {
			t.Error("log", i, "is", log)
		}
	}
}
