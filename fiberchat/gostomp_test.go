package fiberchat_test

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/fasthttp/websocket"
	"github.com/go-stomp/stomp/v3"

	"fiberchat.example/fiberchat"
)

// stream gives go-stomp, which wants a stream, the WebSocket of a door.
type stream struct {
	*websocket.Conn
	door           wsDoor
	unread, unsent string
}

func (s *stream) Read(p []byte) (int, error) {
	for s.unread == "" {
		_, payload, err := s.ReadMessage()
		if err != nil {
			return 0, err
		}
		if !s.door.sockJS || payload[0] == 'a' { // no frame of SockJS's own
			s.unread = strings.Join(s.door.frames(string(payload)), "")
		}
	}
	n := copy(p, s.unread)
	s.unread = s.unread[n:]
	return n, nil
}

func (s *stream) Write(p []byte) (int, error) {
	if !s.door.sockJS {
		return len(p), s.WriteMessage(websocket.BinaryMessage, p)
	}
	s.unsent += string(p)
	if !utf8.ValidString(s.unsent) { // cut within a character, which JSON cannot carry
		return len(p), nil
	}
	message := s.door.spell(s.unsent)
	s.unsent = ""
	return len(p), s.WriteMessage(websocket.TextMessage, []byte(message))
}

// eachGoStomp runs a test in every version over every WebSocket.
func eachGoStomp(t *testing.T, test func(t *testing.T, addr string, connect func(token string) *stomp.Conn)) {
	t.Helper()
	for _, d := range wsDoors {
		for _, version := range []stomp.Version{stomp.V10, stomp.V11, stomp.V12} {
			t.Run(d.name+"/"+version.String(), func(t *testing.T) {
				t.Parallel()
				s := serve(t, fiberchat.Config{})
				test(t, s.addr, func(token string) *stomp.Conn {
					ws, _, err := websocket.DefaultDialer.Dial("ws://"+s.addr+d.path+"?srect="+token, nil)
					if err != nil {
						t.Fatal(err)
					}
					t.Cleanup(func() { _ = ws.Close() })
					c, err := stomp.Connect(&stream{Conn: ws, door: d}, stomp.ConnOpt.AcceptVersion(version), stomp.ConnOpt.HeartBeat(time.Minute, time.Minute))
					if err != nil {
						t.Fatal(err)
					}
					if c.Version() != version {
						t.Errorf("speaks %s, want %s", c.Version(), version)
					}
					return c
				})
			})
		}
	}
}

// nextOf waits for the next message of a subscription.
func nextOf(t *testing.T, sub *stomp.Subscription) *stomp.Message {
	t.Helper()
	select {
	case m, up := <-sub.C:
		if !up || m.Err != nil {
			t.Fatal("ended with", m)
		}
		return m
	case <-time.After(patience):
		t.Fatal("no message")
		return nil
	}
}

// go-stomp, a client with a codec of its own.
func TestGoStomp(t *testing.T) {
	t.Parallel()
	eachGoStomp(t, func(t *testing.T, addr string, connect func(token string) *stomp.Conn) {
		a, b := connect("t-alice"), online(t, addr, "bob")
		status, err := a.Subscribe(sendStatus, stomp.AckAuto)
		if err != nil {
			t.Fatal(err)
		}
		content := strings.Repeat("起来聊天😀", 2000)
		err = a.Send("/socket/chat/send", "application/json",
			[]byte(`{"msgID":"m1","reciverId":"2","content":"`+content+`"}`), stomp.SendOpt.Receipt)
		if err != nil {
			t.Fatal(err)
		}
		if m := nextOf(t, status); string(m.Body) != success("m1") {
			t.Errorf("status %s", m.Body)
		}
		if got := b.message("/user/bob/recive").message(t); got.ChatID != "m1" || got.Content != content {
			t.Errorf("bob got %s, %d bytes", got.ChatID, len(got.Content))
		}
		if err := a.Disconnect(); err != nil { // waits for the receipt
			t.Error(err)
		}
	})
}

// go-stomp's own acknowledgements are step 4.
func TestGoStompAck(t *testing.T) {
	t.Parallel()
	for mode, left := range map[stomp.AckMode][]string{stomp.AckClient: {"m3"}, stomp.AckClientIndividual: {"m1", "m3"}} {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			eachGoStomp(t, func(t *testing.T, addr string, connect func(token string) *stomp.Conn) {
				a, watch, b := online(t, addr, "alice"), online(t, addr, "bob"), connect("t-bob")
				inbox, err := b.Subscribe("/user/bob/recive", mode)
				if err != nil {
					t.Fatal(err)
				}
				if err := b.Send("/socket/chat/init", "", nil, stomp.SendOpt.Receipt); err != nil { // so that it listens
					t.Fatal(err)
				}
				for _, id := range []string{"m1", "m2", "m3"} {
					a.tell(id, 2, "x")
					watch.message("/user/bob/recive")
				}
				nextOf(t, inbox)
				if err := b.Ack(nextOf(t, inbox)); err != nil {
					t.Fatal(err)
				}
				if err := b.Disconnect(); err != nil { // what was sent before it is carried out
					t.Error(err)
				}
				watch.wantPending(left...)
			})
		})
	}
}
