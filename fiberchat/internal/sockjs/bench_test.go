package sockjs

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/fasthttp/websocket"
	contrib "github.com/gofiber/contrib/websocket"
)

// BenchmarkIdle reports what one waiting client costs: bytes that the heap
// and the stacks hold, and goroutines. The clients are bare sockets, so that
// nearly all of it is the server's.
func BenchmarkIdle(b *testing.B) {
	const clients = 500
	const upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\n"
	for _, c := range []struct{ name, method, path, header string }{
		{"xhr_streaming", http.MethodPost, "/xhr_streaming", ""},
		{"eventsource", http.MethodGet, "/eventsource", ""},
		{"xhr", http.MethodPost, "/xhr", ""},
		{"websocket", http.MethodGet, "/websocket", upgrade},
	} {
		b.Run(c.name, func(b *testing.B) {
			s := start(b, Config{Open: serving(wait), MaxSessionsPerUser: clients, DisconnectDelay: time.Second})
			get(b, s.addr, "/echo") // what is made once is made
			for b.Loop() {
				before, goroutines := footprint(), runtime.NumGoroutine()
				conns := make([]net.Conn, clients)
				for i := range conns {
					id := newID()
					if c.name == "xhr" {
						polled(b, s.addr, "/echo/0/"+id+"/xhr")
					}
					conns[i] = dial(b, s.addr)
					if _, err := fmt.Fprintf(conns[i], "%s /echo/0/%s%s HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n%s\r\n", c.method, id, c.path, c.header); err != nil {
						b.Fatal(err)
					}
					if c.name == "websocket" {
						if _, err := io.ReadFull(conns[i], make([]byte, 130)); err != nil {
							b.Fatal(err)
						}
						continue
					}
					waitForReceiver(b, s.Server, sessionKey{id: id})
				}
				after := footprint()
				b.ReportMetric(float64(after-before)/clients, "B/client")
				b.ReportMetric(float64(runtime.NumGoroutine()-goroutines)/clients, "goroutines/client")
				for _, conn := range conns {
					conn.Close()
				}
				eventually(b, patience, "all are forgotten", func() bool {
					s.mu.Lock()
					defer s.mu.Unlock()
					return len(s.sessions)+len(s.sockets) == 0
				})
			}
		})
	}
}

// footprint is what heap and stacks hold after a collection.
func footprint() int64 {
	runtime.GC()
	runtime.GC() // the first one only empties pools into their victims
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}

// BenchmarkEcho sends a message of 200 bytes and waits for it to come back.
func BenchmarkEcho(b *testing.B) {
	message := strings.Repeat("x", 200)
	array := `["` + message + `"]`
	b.Run("websocket", func(b *testing.B) {
		s := start(b, Config{})
		ws := dialWS(b, s.addr, "/echo"+newSessionPath()+"/websocket")
		wsWant(b, ws, "o")
		for b.Loop() {
			wsSend(b, ws, array)
			wsWant(b, ws, "a"+array)
		}
	})
	for _, c := range streamCases {
		b.Run(c.name, func(b *testing.B) {
			s := start(b, Config{StreamLimit: 1 << 30})
			path := "/echo" + newSessionPath()
			stream := c.open(b, s.addr, path)
			stream.want(c.frame("o"))
			sender := dialHTTP(b, s.addr)
			for b.Loop() {
				sender.ask(http.MethodPost, path+"/xhr_send", array)
				sender.answer(http.MethodPost)
				stream.want(c.frame("a" + array))
			}
		})
	}
	b.Run("xhr", func(b *testing.B) {
		s := start(b, Config{})
		path := "/echo" + newSessionPath()
		polled(b, s.addr, path+"/xhr")
		poll, sender := dialHTTP(b, s.addr), dialHTTP(b, s.addr)
		for b.Loop() {
			poll.ask(http.MethodPost, path+"/xhr", "")
			sender.ask(http.MethodPost, path+"/xhr_send", array)
			sender.answer(http.MethodPost)
			equal(b, "echo", poll.answer(http.MethodPost).body, "a"+array+"\n")
		}
	})
	b.Run("raw websocket", func(b *testing.B) {
		app := startConformance(b)
		ws := dialWS(b, app.addr, "/echo/websocket")
		for b.Loop() {
			wsSend(b, ws, message)
			wsWant(b, ws, message)
		}
	})
}

// BenchmarkPush writes messages of 200 bytes to one client as fast as it
// takes them: what a burst of deliveries costs.
func BenchmarkPush(b *testing.B) {
	message := [][]byte{bytes.Repeat([]byte("x"), 200)}
	for _, name := range []string{"native", "websocket", "xhr_streaming", "eventsource", "htmlfile", "xhr", "jsonp"} {
		b.Run(name, func(b *testing.B) {
			begin := make(chan int)
			raw := contrib.New(func(conn *contrib.Conn) { // WebSocket without SockJS, for comparison
				for range <-begin {
					if conn.WriteMessage(websocket.TextMessage, message[0]) != nil {
						return
					}
				}
			})
			s := start(b, Config{StreamLimit: 1 << 40, Raw: raw, Open: serving(func(conn Conn) {
				for range <-begin {
					if conn.WriteMessages(message) != nil {
						return
					}
				}
			})})
			path := "/echo" + newSessionPath()
			var in io.Reader
			switch name {
			case "native":
				in = wsReader{dialWS(b, s.addr, "/echo/websocket")}
			case "websocket":
				ws := dialWS(b, s.addr, path+"/websocket")
				wsWant(b, ws, "o")
				in = wsReader{ws}
			case "xhr":
				polled(b, s.addr, path+"/xhr")
				in = &pollReader{conn: dialHTTP(b, s.addr), method: http.MethodPost, path: path + "/xhr"}
			case "jsonp":
				get(b, s.addr, path+"/jsonp?c=c")
				in = &pollReader{conn: dialHTTP(b, s.addr), method: http.MethodGet, path: path + "/jsonp?c=c"}
			default:
				for _, c := range streamCases {
					if c.name == name {
						in = c.open(b, s.addr, path).r
					}
				}
			}
			b.ReportAllocs()
			b.ResetTimer()
			begin <- b.N
			buf := make([]byte, 64<<10)
			for left := b.N * 200; left > 0; {
				n, err := in.Read(buf)
				if err != nil {
					b.Fatal(err)
				}
				left -= bytes.Count(buf[:n], []byte{'x'})
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
		})
	}
}

type wsReader struct{ *websocket.Conn }

func (r wsReader) Read(p []byte) (int, error) {
	_, data, err := r.ReadMessage()
	return copy(p, data), err
}

// pollReader polls again whenever it has read an answer.
type pollReader struct {
	conn         *httpConn
	method, path string
	rest         io.Reader
}

func (r *pollReader) Read(p []byte) (int, error) {
	if r.rest != nil {
		if n, err := r.rest.Read(p); err == nil {
			return n, nil
		}
	}
	r.conn.ask(r.method, r.path, "")
	r.rest = strings.NewReader(r.conn.answer(r.method).body)
	return r.rest.Read(p)
}

// The numbers of BenchmarkIdle have a limit that holds in every run.
func TestIdleStreamIsSmall(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector multiplies memory: run without -race")
	}
	const clients, limit = 200, 32 << 10
	s := start(t, Config{Open: serving(wait), MaxSessionsPerUser: clients})
	get(t, s.addr, "/echo")
	before := footprint()
	for range clients {
		id := newID()
		conn := dial(t, s.addr)
		if _, err := io.WriteString(conn, "POST /echo/0/"+id+"/xhr_streaming HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		waitForReceiver(t, s.Server, sessionKey{id: id})
	}
	each := (footprint() - before) / clients
	t.Logf("%d bytes an idle stream", each)
	if each > limit {
		t.Errorf("an idle stream holds %d bytes, more than %d", each, limit)
	}
}
