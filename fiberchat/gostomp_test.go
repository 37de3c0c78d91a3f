package fiberchat_test

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/fasthttp/websocket"
	"github.com/go-stomp/stomp/v3"

	"fiberchat.example/fiberchat"
)

// stream gives go-stomp, which wants a stream, a WebSocket.
type stream struct {
	io.Reader
	*websocket.Conn
}

func (s stream) Read(p []byte) (int, error) { return s.Reader.Read(p) }

func (s stream) Write(p []byte) (int, error) {
	return len(p), s.WriteMessage(websocket.BinaryMessage, p)
}

// go-stomp, a client with a codec of its own, in every version.
func TestGoStomp(t *testing.T) {
	t.Parallel()
	s := serve(t, fiberchat.Config{})
	b := online(t, s.addr, "bob")
	for _, version := range []stomp.Version{stomp.V10, stomp.V11, stomp.V12} {
		ws, _, err := websocket.DefaultDialer.Dial("ws://"+s.addr+"/client?srect=t-alice", nil)
		if err != nil {
			t.Fatal(err)
		}
		a, err := stomp.Connect(stream{websocket.JoinMessages(ws, ""), ws},
			stomp.ConnOpt.AcceptVersion(version), stomp.ConnOpt.HeartBeat(time.Minute, time.Minute))
		if err != nil {
			t.Fatal(version, err)
		}
		if a.Version() != version {
			t.Errorf("speaks %s, want %s", a.Version(), version)
		}
		status, err := a.Subscribe(sendStatus, stomp.AckAuto)
		if err != nil {
			t.Fatal(version, err)
		}
		id := "v" + string(version)
		content := strings.Repeat("起来聊天😀", 2000)
		err = a.Send("/socket/chat/send", "application/json",
			[]byte(`{"msgID":"`+id+`","reciverId":"2","content":"`+content+`"}`), stomp.SendOpt.Receipt)
		if err != nil {
			t.Fatal(version, err)
		}
		select {
		case m := <-status.C:
			if m.Err != nil || string(m.Body) != success(id) {
				t.Errorf("%s: status %s, %v", version, m.Body, m.Err)
			}
		case <-time.After(patience):
			t.Fatal(version, "no status")
		}
		if got := b.message("/user/bob/recive").message(t); got.ChatID != id || got.Content != content {
			t.Errorf("%s: bob got %s, %d bytes", version, got.ChatID, len(got.Content))
		}
		if err := a.Disconnect(); err != nil { // waits for the receipt
			t.Error(version, err)
		}
	}
}

// go-stomp's own acknowledgements are step 4.
func TestGoStompAck(t *testing.T) {
	t.Parallel()
	for _, version := range []stomp.Version{stomp.V10, stomp.V11, stomp.V12} {
		for _, mode := range []stomp.AckMode{stomp.AckClient, stomp.AckClientIndividual} {
			s := serve(t, fiberchat.Config{})
			a, watch := online(t, s.addr, "alice"), online(t, s.addr, "bob")
			ws, _, err := websocket.DefaultDialer.Dial("ws://"+s.addr+"/client?srect=t-bob", nil)
			if err != nil {
				t.Fatal(err)
			}
			b, err := stomp.Connect(stream{websocket.JoinMessages(ws, ""), ws},
				stomp.ConnOpt.AcceptVersion(version), stomp.ConnOpt.HeartBeat(time.Minute, time.Minute))
			if err != nil {
				t.Fatal(version, err)
			}
			inbox, err := b.Subscribe("/user/bob/recive", mode)
			if err != nil {
				t.Fatal(version, err)
			}
			if err := b.Send("/socket/chat/init", "", nil, stomp.SendOpt.Receipt); err != nil { // so that it listens
				t.Fatal(version, err)
			}
			for _, id := range []string{"m1", "m2", "m3"} {
				a.tell(id, 2, "x")
				watch.message("/user/bob/recive")
			}
			var last *stomp.Message
			for range 2 {
				select {
				case last = <-inbox.C:
				case <-time.After(patience):
					t.Fatal(version, "no message")
				}
			}
			if err := b.Ack(last); err != nil {
				t.Fatal(version, err)
			}
			if err := b.Disconnect(); err != nil { // what was sent before it is carried out
				t.Error(version, err)
			}
			if mode == stomp.AckClient {
				watch.wantPending("m3")
			} else {
				watch.wantPending("m1", "m3")
			}
		}
	}
}
