package attack

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"fiberchat.example/_example/rig"
)

const (
	jsonType = "application/json"
	formType = "application/x-www-form-urlencoded"
)

// guess: passwords of accounts, from many addresses.
func guess(ctx context.Context, a *attackers) {
	a.requests(ctx, 32, func(i int) *http.Request {
		body := fmt.Sprintf(`{"uname":%q,"passwd":%q}`, a.Friends[i%friends].Name, nonsense())
		return a.request(http.MethodPost, "/api/user/login", "", jsonType, body)
	}, http.StatusUnauthorized)
}

// signIn: with the right password.
func signIn(ctx context.Context, a *attackers) {
	a.requests(ctx, 32, func(i int) *http.Request {
		body := fmt.Sprintf(`{"uname":%q,"passwd":%q}`, a.Friends[i%friends].Name, rig.Password)
		return a.request(http.MethodPost, "/api/user/login", "", jsonType, body)
	}, http.StatusOK)
}

// signUp: accounts, without the limit of the address.
func signUp(ctx context.Context, a *attackers) {
	a.requests(ctx, 32, func(int) *http.Request {
		body := fmt.Sprintf(`{"uname":"u%s","nname":"x","passwd":%q,"rpasswd":%[2]q}`, nonsense()[:16], rig.Password)
		return a.request(http.MethodPost, "/api/user/create", "", jsonType, body)
	}, http.StatusOK)
}

// readHistory: of large messages, by GET and by HEAD, which has no handler.
func readHistory(ctx context.Context, a *attackers) {
	a.requests(ctx, 32, func(i int) *http.Request {
		method := []string{http.MethodGet, http.MethodHead}[i%2]
		path := fmt.Sprintf("/api/chat/history?limit=100&with=%d", a.Friends[i%friends].ID)
		return a.request(method, path, a.Mallory.Token, jsonType, "")
	}, http.StatusOK)
}

// readNoHistory: it is asked for, and never read.
func readNoHistory(ctx context.Context, a *attackers) {
	request := fmt.Sprintf("GET /api/chat/history?limit=100&with=%d HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n", a.Friends[0].ID, a.Mallory.Token)
	a.hold(ctx, 100, strings.Repeat(request, 20), "")
}

// promise: bodies that come by an octet now and then, to an endpoint and to a
// session of SockJS.
func promise(ctx context.Context, a *attackers) {
	const head = " HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 4194304\r\n\r\n"
	a.hold(ctx, 250, "POST /api/user/create"+head, "x")
}

func promiseOverSockJS(ctx context.Context, a *attackers) {
	conn, err := a.connect(ctx, a.Mallory)
	if err != nil {
		return
	}
	defer conn.Cut()
	const head = " HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 1048576\r\n\r\n"
	a.hold(ctx, 250, "POST /socketServer/000/"+nonsense()+"/xhr_send?srect="+a.Mallory.Token+head, "x")
}

// trickle: heads that never end.
func trickle(ctx context.Context, a *attackers) {
	a.hold(ctx, 250, "GET /client?srect="+nonsense()+" HTTP/1.1\r\nHost: x\r\n", "X-Y: z\r\n")
}

// hold keeps n connections that have said begin, each says more of it ten times
// a second, and none reads. Those that were cut come back.
func (a *attackers) hold(ctx context.Context, n int, begin, more string) {
	crowd(ctx, n, func(int) {
		conn, err := a.away(ctx, "tcp", a.Addr)
		if err != nil {
			return
		}
		defer conn.Close()
		stop := context.AfterFunc(ctx, func() { conn.Close() })
		defer stop()
		_, err = conn.Write([]byte(begin))
		a.asked.Add(1)
		for err == nil {
			select {
			case <-time.After(100 * time.Millisecond):
			case <-ctx.Done():
				return
			}
			_, err = conn.Write([]byte(more))
		}
	})
}

// sendForms: of four MiB that are all separators, to whoever reads forms.
func sendForms(ctx context.Context, a *attackers) {
	form := strings.Repeat("a&", 2<<20)
	a.requests(ctx, 16, func(i int) *http.Request {
		path := []string{"/api/user/create", "/api/user/login", "/socketServer/000/" + nonsense() + "/jsonp_send?srect=" + a.Mallory.Token}[i%3]
		return a.request(http.MethodPost, path, "", formType, form)
	}, http.StatusRequestEntityTooLarge, http.StatusNotFound)
}
