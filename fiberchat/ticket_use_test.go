package fiberchat

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/chattest"
	"fiberchat.example/fiberchat/storetest"
)

// TestTicketsAreBounded: by a minute and in number, and forgotten after it.
func TestTicketsAreBounded(t *testing.T) {
	t.Parallel()
	app := fiber.New()
	users := chattest.Users{"a": {ID: 1, Name: "alice"}}
	ch, err := New(app, Config{Store: storetest.NewMemory(), Authenticator: users, Directory: users, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := ch.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	ask := func(issued time.Time) string {
		t.Helper()
		token := ch.tickets.sign(&ticket{identity: chat.Identity{User: users["a"]}, issued: issued})
		resp, err := app.Test(httptest.NewRequest("GET", "/socketServer/info?srect="+token, nil), -1)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.Status + " " + string(body)
	}
	const taken, late, full = "200 OK", `401 Unauthorized {"code":-202,`, `503 Service Unavailable {"code":-300,`
	want := func(what, got, want string) {
		t.Helper()
		if !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s, want %s", what, got, want)
		}
	}
	now := time.Now()
	want("of now", ask(now), taken)
	want("from before the start", ask(ch.tickets.since.Add(-1)), late)
	ch.tickets.since = now.Add(-time.Hour)
	want("a minute old", ask(now.Add(-ticketLife)), late)
	want("not yet", ask(now.Add(-ticketLife/2)), taken)

	for i := range uint64(maxUsedTickets) {
		var id ticketID
		binary.BigEndian.PutUint64(id[:], i+1)
		if !ch.tickets.use(id, now.Add(time.Duration(1+i%2)*time.Hour)) {
			t.Fatal("not used:", i)
		}
	}
	want("one more", ask(now), full)
	ch.tickets.hear(binary.AppendVarint(bytes.Repeat([]byte("x"), 16), now.Add(time.Hour).UnixNano()))
	if n := len(ch.tickets.used); n > maxUsedTickets {
		t.Error(n, "are remembered")
	}
	ch.tickets.prune(now.Add(time.Hour + time.Second))
	if n := len(ch.tickets.used); n != maxUsedTickets/2 {
		t.Error(n, "are remembered after their ends")
	}
	want("then", ask(now), taken)
}

// FuzzTicket: what sign writes is read back, and nothing else is.
func FuzzTicket(f *testing.F) {
	f.Add(int64(1), "id", "wususu", int64(1504712402000), int64(0), "x")
	f.Add(int64(chat.MaxUserID), "", "", int64(0), int64(-5), "fiberchat-ticket.AAAA")
	ts := newTickets(new(Config))
	f.Fuzz(func(t *testing.T, id int64, tokenID, name string, expires, issued int64, other string) {
		want := ticket{issued: time.Unix(0, issued), identity: chat.Identity{TokenID: tokenID, User: chat.User{ID: id, Name: name}}, id: ticketID{1, 2, 15: 3}}
		if expires = expires % (1 << 50); expires != 0 {
			want.identity.ExpiresAt = time.UnixMilli(expires).UTC()
		}
		token := ts.sign(&want)
		if got := ts.parse(token); got == nil || *got != want {
			t.Errorf("%+v became %+v", want, got)
		}
		if got := ts.parse(other); got != nil {
			t.Errorf("%q is %+v", other, got)
		}
	})
}

// FuzzUsedTicket: whatever another node says.
func FuzzUsedTicket(f *testing.F) {
	f.Add([]byte{})
	f.Add(make([]byte, 15))
	f.Add(make([]byte, 17))
	f.Fuzz(func(_ *testing.T, body []byte) { newTickets(new(Config)).hear(body) })
}
