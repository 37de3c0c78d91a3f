package attack

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync"

	"fiberchat.example/_example/rig"
	"fiberchat.example/fiberchat/chattest"
)

// slowReaders: every account has all sessions that it may have, and none reads:
// a backlog for some, 400 KiB of receipts for all.
func slowReaders(ctx context.Context, a *attackers) {
	narrow := chattest.Through(func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return conn, conn.(*net.TCPConn).SetReadBuffer(4 << 10)
	})
	receipts := strings.Repeat("UNSUBSCRIBE\nid:x\nreceipt:"+strings.Repeat("r", 1000)+"\n\n\x00", 400)
	var accounts sync.WaitGroup
	for _, who := range a.all() {
		accounts.Go(func() {
			for range userSessions {
				conn, err := a.connect(ctx, who, narrow)
				if err == nil && errors.Join(conn.Connect(chattest.Inbox(who.ID)), conn.Init("all"), conn.Raw(receipts)) == nil {
					a.asked.Add(1)
				}
			}
		})
	}
	accounts.Wait()
	<-ctx.Done()
}

// connectOften: sessions that say who they are, and leave.
func connectOften(ctx context.Context, a *attackers) {
	crowd(ctx, 32, func(i int) {
		a.asked.Add(1)
		conn, err := a.connect(ctx, a.two(2)[i%2], chattest.SockJS(doors[i%len(doors)]))
		if err != nil {
			return
		}
		defer conn.Cut()
		if conn.Connect(chattest.Failures) == nil {
			if f, err := conn.Read(); err == nil && f.Command == "CONNECTED" {
				a.answered.Add(1)
			}
		}
	})
}

// connectWithout: a token that is good.
func connectWithout(ctx context.Context, a *attackers) {
	crowd(ctx, 32, func(i int) {
		a.asked.Add(1)
		_, err := a.connect(ctx, rig.Account{Token: nonsense()}, chattest.SockJS(doors[i%len(doors)]))
		if refused := (chattest.Refused{}); errors.As(err, &refused) && refused.Status == http.StatusUnauthorized {
			a.answered.Add(1)
		}
	})
}

// poll: every session that two accounts may have polls, and is always answered.
func poll(ctx context.Context, a *attackers) {
	a.sessions(ctx, userSessions, a.two(0), func(rig.Account) flood {
		return flood{
			transport: "xhr-polling", answer: isReceipt, count: 1,
			frames: func() string { return "UNSUBSCRIBE\nid:x\nreceipt:r\n\n\x00" },
		}
	})
}

// openSockJS: sessions under ids of which each is another.
func openSockJS(ctx context.Context, a *attackers) {
	a.requests(ctx, 64, func(int) *http.Request {
		return a.request(http.MethodPost, "/socketServer/000/"+nonsense()+"/xhr?srect="+a.two(3)[0].Token, "", "text/plain", "")
	}, http.StatusOK)
}

// sendLargeOverHTTP: as much as one request may have, for a session that is
// there.
func sendLargeOverHTTP(ctx context.Context, a *attackers) {
	a.sessions(ctx, 8, a.two(1), func(rig.Account) flood {
		body := confirm(strings.Repeat("x", 280<<10)) + "\x00"
		return flood{
			transport: "xhr-streaming", subscribed: []string{chattest.Failures}, answer: on(chattest.Failures), count: 3,
			frames: func() string { return strings.Repeat(body, 3) },
		}
	})
}
