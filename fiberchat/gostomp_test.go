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
