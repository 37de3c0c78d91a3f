package sqlstore

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"

	"fiberchat.example/fiberchat/chat"
)

// forgetful passes bytes on between clients and a server. When a client sends
// what is in lose, the server gets it, and the client is cut off in place of
// the answer.
type forgetful struct {
	server string
	lose   atomic.Pointer[string]
	lost   atomic.Int64
	all    sync.WaitGroup
}

func (f *forgetful) serve(t *testing.T) (address string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f.all.Go(func() { // ends when the listener is closed; awaited below
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			f.all.Go(func() { f.connect(client) }) // ends with either side; awaited below
		}
	})
	t.Cleanup(func() {
		l.Close()
		f.all.Wait()
	})
	return l.Addr().String()
}

func (f *forgetful) connect(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", f.server)
	if err != nil {
		return
	}
	defer server.Close()
	var losing atomic.Bool
	f.all.Go(func() { // ends when server is closed
		defer client.Close()
		buffer := make([]byte, 1<<16)
		for {
			n, err := server.Read(buffer)
			if err != nil || losing.Load() {
				return
			}
			if _, err := client.Write(buffer[:n]); err != nil {
				return
			}
		}
	})
	buffer := make([]byte, 1<<16)
	for {
		n, err := client.Read(buffer)
		if err != nil {
			return
		}
		if lose := f.lose.Load(); lose != nil && bytes.Contains(buffer[:n], []byte(*lose)) {
			f.lose.Store(nil)
			f.lost.Add(1)
			losing.Store(true)
		}
		if _, err := server.Write(buffer[:n]); err != nil {
			return
		}
		if losing.Load() {
			_, _ = io.Copy(io.Discard, client) // until the answer has come, which closes it
			return
		}
	}
}

// Where the answer to a commit is lost, Apply says that it does not know, and
// nothing is carried out twice: not by the store, not by database/sql, not by
// the driver.
func TestServerAnswerLost(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, kind string) {
		dsn := scratch(t, kind)
		u, err := url.Parse(dsn)
		if err != nil {
			t.Fatal(err)
		}
		between := &forgetful{server: u.Host}
		u.Host = between.serve(t)
		if query := u.Query(); kind == "postgres" {
			query.Set("sslmode", "disable")
			u.RawQuery = query.Encode()
		}
		s, direct := openAt(t, u.String()), openAt(t, dsn)
		first := mustApply(t, s, saveOp("1"))[0].Message

		lost := saveOp("2")
		lost.Save.Content = "the answer to this is lost"
		// PostgreSQL's one call has the content, MySQL's last statement is this.
		trigger := map[string]string{"postgres": lost.Save.Content, "mysql": "\x03COMMIT"}[kind]
		between.lose.Store(&trigger)
		if _, err := s.Apply(t.Context(), []chat.Op{lost, confirmOp("1")}); !errors.Is(err, errUnknownOutcome) {
			t.Errorf("Apply: %v, want that the outcome is not known", err)
		}
		if n := between.lost.Load(); n != 1 {
			t.Fatalf("%d answers were lost, want 1", n)
		}
		wantPending(t, direct, "2")
		r := mustApply(t, s, lost, confirmOp("1"))
		if r[0].Err != nil || r[0].Changed || r[0].Message.ID != first.ID+1 || r[1].Err != nil || r[1].Changed {
			t.Errorf("sent again: %+v", r)
		}
		// A second call would have taken an id too.
		if id := mustApply(t, direct, saveOp("3"))[0].Message.ID; kind == "postgres" && id > first.ID+3 || id > first.ID+4 {
			t.Errorf("ids %d and then %d: it was carried out more than once", first.ID, id)
		}
	})
}
