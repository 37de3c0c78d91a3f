package attack

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"fiberchat.example/_example/rig"
	"fiberchat.example/fiberchat/chattest"
)

const (
	maxContent   = 48 << 10 // the defaults of fiberchat.Limits
	userSessions = 16
	friends      = 20 // accounts beside mallory's and trudy's
	// same is the msgID under which each friend has written to mallory.
	same = "same"
)

// attackers are accounts, and what they got done.
type attackers struct {
	Addr           string
	Mallory, Trudy rig.Account // who have a backlog
	Friends        []rig.Account

	asked    atomic.Int64 // frames, connections or requests
	answered atomic.Int64 // in the way that the attack is about
	serial   atomic.Int64 // of addresses and receivers
}

// signUpAttackers makes the accounts, and a backlog of 9 MiB each for mallory
// and trudy. Mallory has confirmed what came under the same msgID.
func signUpAttackers(t *testing.T, server *rig.Process) *attackers {
	t.Helper()
	a := &attackers{Addr: server.Addr, Mallory: server.SignUp(t, "mallory"), Trudy: server.SignUp(t, "trudy")}
	for n := range friends {
		a.Friends = append(a.Friends, server.SignUp(t, fmt.Sprint("friend", n)))
	}
	connect := func(who rig.Account, destinations ...string) *chattest.Conn {
		conn, err := a.connect(t.Context(), who, chattest.Patience(patience))
		if err == nil {
			err = conn.Connect(destinations...)
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(conn.Cut)
		return conn
	}
	const each = 19 // a burst of Limits.SendBytes
	for _, friend := range a.Friends {
		conn := connect(friend, chattest.SendStatus, chattest.Failures)
		for n := range each {
			msgID, to := nonsense(), a.Trudy.ID
			switch {
			case n == 0:
				msgID, to = same, a.Mallory.ID
			case n%2 == 0:
				to = a.Mallory.ID
			}
			if err := conn.Send(msgID, to, strings.Repeat("<", maxContent)); err != nil {
				t.Fatal(err)
			}
			if f, err := conn.Until(isMessage); err != nil || !f.On(chattest.SendStatus) {
				t.Fatal(f, err)
			}
		}
	}
	conn := connect(a.Mallory, chattest.ReceiveStatus, chattest.Inbox(a.Mallory.ID))
	if err := conn.Init("all"); err != nil {
		t.Fatal(err)
	}
	ids := make([]int64, 0, friends)
	for len(ids) < friends {
		f, err := conn.Until(chattest.Frame.IsMessage)
		if err != nil {
			t.Fatal(err)
		}
		m, err := f.Message()
		if err != nil {
			t.Fatal(err)
		}
		if m.ChatID == same {
			ids = append(ids, m.ID)
		}
	}
	for _, id := range ids {
		if err := conn.Confirm(same, id); err != nil {
			t.Fatal(err)
		}
		if f, err := conn.Until(on(chattest.ReceiveStatus)); err != nil || !strings.Contains(f.Body, `"code":200`) {
			t.Fatal(f, err)
		}
	}
	return a
}

// connect opens a door until ctx ends.
func (a *attackers) connect(ctx context.Context, who rig.Account, options ...chattest.Option) (*chattest.Conn, error) {
	conn, err := chattest.Open(ctx, a.Addr, who.Token, options...)
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, conn.Cut)
	return conn, nil
}

// all are the accounts, mallory's and trudy's at the end.
func (a *attackers) all() []rig.Account {
	return append(a.Friends[:friends:friends], a.Mallory, a.Trudy)
}

// two is the n-th two of the friends: what an attack leaves behind, such as
// SockJS sessions that wait for their client, must not be in another's way.
func (a *attackers) two(n int) []rig.Account { return a.Friends[2*n : 2*n+2] }

// friend is each of them in turn.
func (a *attackers) friend() rig.Account { return a.Friends[a.serial.Add(1)%friends] }

func isMessage(f chattest.Frame) bool { return f.Command == "MESSAGE" }

func isReceipt(f chattest.Frame) bool { return f.Command == "RECEIPT" }

func on(destination string) func(chattest.Frame) bool {
	return func(f chattest.Frame) bool { return f.On(destination) }
}

// crowd lets n act, each again and again, until ctx ends. What fails is done
// again.
func crowd(ctx context.Context, n int, act func(i int)) {
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() {
			for ctx.Err() == nil {
				act(i)
			}
		})
	}
	group.Wait()
}

// flood is what a session writes as fast as the server takes it, while it
// reads all that comes.
type flood struct {
	transport  string // "" for /client
	subscribed []string
	frames     func() string // some, each with its NUL, as one message
	count      int64         // how many they are
	answer     func(chattest.Frame) bool
}

// session is one of them, to its end.
func (a *attackers) session(ctx context.Context, who rig.Account, f flood) {
	conn, err := a.connect(ctx, who, chattest.SockJS(f.transport))
	if err != nil {
		return
	}
	var reader sync.WaitGroup
	reader.Go(func() {
		for {
			frame, err := conn.Read()
			if err != nil {
				conn.Cut()
				return
			}
			if f.answer(frame) {
				a.answered.Add(1)
			}
		}
	})
	for err = conn.Connect(f.subscribed...); err == nil; err = conn.Raw(f.frames()) {
		a.asked.Add(f.count)
	}
	conn.Cut()
	reader.Wait()
}

// sessions floods by n sessions of each account.
func (a *attackers) sessions(ctx context.Context, n int, who []rig.Account, f func(rig.Account) flood) {
	crowd(ctx, n*len(who), func(i int) {
		one := who[i%len(who)]
		a.session(ctx, one, f(one))
	})
}

// away dials from an address of its own, of some hundred: what is limited by
// address does not hold who has many.
func (a *attackers) away(ctx context.Context, network, addr string) (net.Conn, error) {
	n := a.serial.Add(1)
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(1+n%200))}}
	return dialer.DialContext(ctx, network, addr)
}

// requests lets n make requests until ctx ends, and waits for their answers,
// for which the server works anyway. One with one of these statuses counts.
func (a *attackers) requests(ctx context.Context, n int, request func(i int) *http.Request, statuses ...int) {
	client := http.Client{Timeout: patience, Transport: &http.Transport{DialContext: a.away, MaxIdleConnsPerHost: n}}
	defer client.CloseIdleConnections()
	crowd(ctx, n, func(i int) {
		a.asked.Add(1)
		answer, err := client.Do(request(i))
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close()
		if slices.Contains(statuses, answer.StatusCode) {
			a.answered.Add(1)
		}
	})
}

// request makes one, with a token unless it is empty.
func (a *attackers) request(method, path, token, contentType, body string) *http.Request {
	r, err := http.NewRequest(method, "http://"+a.Addr+path, strings.NewReader(body))
	if err != nil {
		panic(err) // a mistake of the test's
	}
	r.Header.Set("Content-Type", contentType)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return r
}

// nonsense is a token, a session or a password that nobody has.
func nonsense() string { return rand.Text() }
