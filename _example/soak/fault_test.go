package soak

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	_ "github.com/mattn/go-sqlite3"

	"fiberchat.example/fiberchat/chattest"
)

// faults are what goes wrong, and how often in a short run; in a long one not
// less often than every half minute.
var faults = []struct {
	share  int // of the run
	inject func(*world, context.Context, *rand.Rand)
}{
	{8, (*world).lockDatabase},
	{6, (*world).stopServer},
	{12, (*world).signOutSomebody},
	{12, (*world).cutMany},
	{20, (*world).malform},
	{20, (*world).speakBadHTTP},
	{8, (*world).neverConnect},
	{10, (*world).stickReader},
	{12, (*world).fallSilent},
	{12, (*world).halfOpen},
}

// misbehave injects faults until ctx ends, and waits for those under way.
func (w *world) misbehave(ctx context.Context, d time.Duration, seed uint64) {
	var group sync.WaitGroup
	for i, f := range faults {
		every := min(d/time.Duration(f.share), 30*time.Second)
		group.Go(func() {
			r := rand.New(rand.NewPCG(seed, uint64(i)))
			for pause(ctx, between(r, every/2, every*3/2)) {
				f.inject(w, ctx, r)
			}
		})
	}
	group.Wait()
}

func (w *world) anybody(r *rand.Rand) *user { return w.users[r.IntN(len(w.users))] }

// guest opens a session beside the user's own.
func (w *world) guest(ctx context.Context, u *user, r *rand.Rand, wire *wire, heartBeat string) *session {
	s, err := w.dial(ctx, w.server.Addr, transports[r.IntN(len(transports))], u, wire, heartBeat)
	if err != nil {
		w.noteDial(ctx, u, err)
		return nil
	}
	return s
}

// lockDatabase has another process, which is this one, hold the write lock:
// now and then longer than SQLite waits for it.
func (w *world) lockDatabase(ctx context.Context, r *rand.Rand) {
	db, err := sql.Open("sqlite3", "file:"+w.db+"?_txlock=immediate&_busy_timeout=20000")
	if err != nil {
		w.violated("lock the database: %v", err)
		return
	}
	defer db.Close()
	tx, err := db.Begin()
	if err != nil {
		w.violated("lock the database: %v", err)
		return
	}
	w.setSick(true)
	w.count("fault: the database locked")
	pause(ctx, between(r, time.Second, 8*time.Second))
	if err := tx.Rollback(); err != nil {
		w.violated("unlock the database: %v", err)
	}
	pause(ctx, time.Second) // what failed is answered by then
	w.setSick(false)
}

func (w *world) stopServer(ctx context.Context, r *rand.Rand) {
	w.count("fault: the server stopped for a second")
	if err := w.server.Signal(syscall.SIGSTOP); err != nil {
		w.violated("stop the server: %v", err)
	}
	pause(context.WithoutCancel(ctx), time.Second)
	if err := w.server.Signal(syscall.SIGCONT); err != nil {
		w.violated("continue the server: %v", err)
	}
}

// signOutSomebody ends a token, and wants its sessions to end.
func (w *world) signOutSomebody(ctx context.Context, r *rand.Rand) {
	u := w.anybody(r)
	s := w.guest(ctx, u, r, newWire(), "0,0")
	if s == nil {
		return
	}
	defer s.cut(false)
	s.follow()
	if err := w.retry(ctx, func() error { return w.server.signOut(u.account) }); err != nil {
		s.cut(false)
		s.join()
		return
	}
	w.count("fault: a token signed out")
	var err error
	select {
	case err = <-s.failed:
	case <-time.After(patience):
		w.violated("%s over %s signs out, and the session goes on", u.name, s.transport)
		s.cut(false)
		err = s.join()
	}
	if token := (chattest.ServerError{}); errors.As(err, &token) && token.Token != "token-expired" {
		w.violated("%s over %s signs out and is sent ERROR %s", u.name, s.transport, token.Token)
	}
	if again := w.guest(ctx, u, r, newWire(), "0,0"); again != nil {
		w.violated("%s over %s opens a session with a token that was signed out", u.name, again.transport)
		again.cut(false)
	}
	w.retry(context.WithoutCancel(ctx), func() error { return w.server.signIn(u.account) }) //nolint:errcheck // it goes on until there is none
}

// retry tries again what may fail while the database is locked.
func (w *world) retry(ctx context.Context, try func() error) error {
	for {
		err := try()
		if err == nil || !pause(ctx, 500*time.Millisecond) {
			return err
		}
	}
}

// cutMany is a router that restarts.
func (w *world) cutMany(ctx context.Context, r *rand.Rand) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for wire := range w.wires {
		if r.IntN(5) == 0 {
			wire.cut(r.IntN(2) == 0)
			w.count("fault: cut with many others")
		}
	}
}

// malformed are frames that each end a session.
var malformed = []string{
	"NONSENSE\n\n",
	"SEND\ndestination\n\n",
	"SEND\ndestination:/user/1/recive\n\nforged",
	"SUBSCRIBE\nid:x\ndestination:/user/nobody/recive\n\n",
	"SEND\ndestination:/socket/chat/send\ncontent-length:-1\n\n",
	"SEND\ndestination:/socket/chat/send\ncontent-length:99999999999999999999\n\n",
	"SEND\ndestination:/socket/chat/send\ncontent-length:1000000\n\n",
	"CONNECT\naccept-version:1.2\n\n",
	"BEGIN\ntransaction:1\n\n",
	"SEND\ndestination:/x\\q\n\n",
	"SEND\ndestination:/socket/chat/send\n\n" + strings.Repeat("x", 310_000),
	"SEND\n" + strings.Repeat("a:b\n", 100) + "\n",
	"MESSAGE\n\n",
}

func (w *world) malform(ctx context.Context, r *rand.Rand) {
	s := w.guest(ctx, w.anybody(r), r, newWire(), "0,0")
	if s == nil {
		return
	}
	defer s.cut(false)
	s.follow()
	f := malformed[r.IntN(len(malformed))]
	w.count("fault: a malformed frame")
	if s.send(f) != nil {
		s.cut(false)
	}
	stop := time.AfterFunc(patience, func() {
		w.violated("over %s the frame %.100q does not end the session", s.transport, f)
		s.cut(false)
	})
	defer stop.Stop()
	if token := (chattest.ServerError{}); errors.As(s.join(), &token) {
		w.count("end: ERROR after a malformed frame")
	}
}

// speakBadHTTP sends what is no request, with a token in it.
func (w *world) speakBadHTTP(ctx context.Context, r *rand.Rand) {
	token := url.QueryEscape(w.anybody(r).currentToken())
	requests := []string{
		"GET /client?srect=" + token + " HTTP/9.9\r\n\r\n",
		"GET /client?srect=" + token + "\r\n\r\n",
		"GET /client?srect=" + token + " HTTP/1.1\r\nHost: x\r\nbroken header " + token + "\r\n\r\n",
		"GET /client?srect=" + token + " HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
		"GET /client?srect=" + token + "&x=" + strings.Repeat("y", 100_000) + " HTTP/1.1\r\nHost: x\r\n\r\n",
		"POST /socketServer/0/0/xhr_send?srect=" + token + " HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
		"POST /socketServer/0/0/xhr_send?srect=" + token + " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
		"POST /api/user/login HTTP/1.1\r\nHost: x\r\nReferer: http://x/?srect=" + token + "\r\nContent-Length: 5\r\n\r\n{\"a\":",
		"GET /nowhere/" + token + "?srect=" + token + " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + token + "\r\n\r\n",
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + token,
	}
	conn, err := net.DialTimeout("tcp", w.server.Addr, time.Minute)
	if err != nil {
		w.noteDial(ctx, nil, err)
		return
	}
	defer conn.Close()
	w.count("fault: broken HTTP")
	io.WriteString(conn, requests[r.IntN(len(requests))]) //nolint:errcheck // whether it is taken is not the question
	conn.SetReadDeadline(time.Now().Add(time.Second))     //nolint:errcheck // as above
	io.Copy(io.Discard, conn)                             //nolint:errcheck // as above
}

// neverConnect upgrades and says nothing; it need not be waited for.
func (w *world) neverConnect(ctx context.Context, r *rand.Rand) {
	if w.late.Err() != nil {
		return
	}
	wire := newWire()
	u := w.anybody(r)
	conn, err := wire.open(ctx, w.server.Addr, "native", u.currentToken())
	if err != nil {
		w.noteDial(ctx, u, err)
		return
	}
	w.count("fault: a client that never connects")
	w.frozen.Go(func() {
		defer wire.cut(false)
		stop := time.AfterFunc(patience, func() {
			w.violated("a client that never connects is not dropped")
			wire.cut(false)
		})
		defer stop.Stop()
		f, err := conn.Read()
		if token := (chattest.ServerError{}); err == nil || errors.As(err, &token) && token.Token != "connect-timeout" && token.Token != "token-expired" {
			w.violated("a client that never connects is sent %v", f)
		}
	})
}

// stickReader has somebody get much and read nothing, for a while.
func (w *world) stickReader(ctx context.Context, r *rand.Rand) {
	wire := newWire()
	wire.narrow = true
	s := w.guest(ctx, w.anybody(r), r, wire, "0,0")
	if s == nil {
		return
	}
	defer s.cut(false)
	if s.startInit(false) != nil || s.subscribe(s.user.name) != nil {
		return
	}
	w.count("fault: a reader that is stuck")
	w.hot <- s.user
	pause(ctx, between(r, 3*time.Second, 12*time.Second))
	<-w.hot
	s.follow()
	select { // what was queued is read to the end, or to a close
	case err := <-s.failed:
		w.noteEnd(ctx, s, err)
		return
	case <-time.After(2 * time.Second):
	}
	s.cut(true)
	s.join()
}

// fallSilent promises heart-beats and sends none, nor pongs.
func (w *world) fallSilent(ctx context.Context, r *rand.Rand) {
	if w.late.Err() != nil {
		return
	}
	wire := newWire()
	wire.mute = true
	s := w.guest(ctx, w.anybody(r), r, wire, "10000,0")
	if s == nil {
		return
	}
	w.count("fault: a client that falls silent")
	s.follow()
	w.frozen.Go(func() {
		defer s.cut(false)
		stop := time.AfterFunc(patience, func() {
			w.violated("over %s a client that falls silent is not dropped", s.transport)
			s.cut(false)
		})
		defer stop.Stop()
		err := s.join()
		if token := (chattest.ServerError{}); errors.As(err, &token) && token.Token != "no-heart-beat" && token.Token != "token-expired" && token.Token != "replaced" {
			w.violated("over %s a client that falls silent is sent ERROR %s", s.transport, token.Token)
		}
		w.count("end: fell silent, " + kind(err))
	})
}

// halfOpen stops to read and to write, and leaves it to the server to notice:
// the socket is closed here when the server has no sessions any more.
func (w *world) halfOpen(ctx context.Context, r *rand.Rand) {
	if w.late.Err() != nil {
		return
	}
	transport, heartBeat := transports[r.IntN(len(transports))], "0,0"
	switch transport {
	case "xhr-streaming", "eventsource", "htmlfile":
		// Nothing but heart-beats tells of a peer whose kernel still answers.
		heartBeat = "10000,0"
	}
	u := w.anybody(r)
	s, err := w.dial(ctx, w.server.Addr, transport, u, newWire(), heartBeat)
	if err != nil {
		w.noteDial(ctx, u, err)
		return
	}
	w.count("fault: a half-open peer")
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dead = append(w.dead, s)
}

// noTokens wants no token in what the server has said.
func noTokens(t *testing.T, where, text string, users []*user) {
	t.Helper()
	tokens := 0
	for _, u := range users {
		for _, token := range u.tokens {
			tokens++
			for _, form := range []string{token, url.QueryEscape(token)} {
				if i := strings.Index(text, form); i >= 0 {
					t.Errorf("%s has a token of %s: ...%.200q", where, u.name, text[max(0, i-80):])
					return
				}
			}
		}
	}
	t.Logf("none of %d tokens is in %s, %d octets", tokens, where, len(text))
}
