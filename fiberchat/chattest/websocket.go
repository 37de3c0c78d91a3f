package chattest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/fasthttp/websocket"
)

// wsLink is a WebSocket, with SockJS's frames in it or without.
type wsLink struct {
	ws     *websocket.Conn
	sockJS bool
}

func openWebSocket(ctx context.Context, o *options, url string) (link, error) {
	dialer := websocket.Dialer{NetDialContext: o.dial}
	ws, answer, err := dialer.DialContext(ctx, url, nil)
	switch {
	case err != nil && answer != nil:
		return nil, Refused{answer.StatusCode}
	case err != nil:
		return nil, err
	}
	if o.mute {
		ws.SetPingHandler(func(string) error { return nil })
	}
	return &wsLink{ws: ws, sockJS: o.transport == "websocket"}, nil
}

func (l *wsLink) write(text string) error {
	if l.sockJS {
		text = quoted(text)
	}
	return l.ws.WriteMessage(websocket.TextMessage, []byte(text))
}

func (l *wsLink) binary(message []byte) error {
	return l.ws.WriteMessage(websocket.BinaryMessage, message)
}

func (l *wsLink) read() ([]string, error) {
	kind, data, err := l.ws.ReadMessage()
	if e := (*websocket.CloseError)(nil); errors.As(err, &e) {
		return nil, Closed{e.Code}
	}
	switch {
	case err != nil:
		return nil, err
	case kind != websocket.TextMessage:
		return nil, fmt.Errorf("a message of kind %d came", kind)
	case l.sockJS:
		return unframe(string(data))
	}
	return []string{string(data)}, nil
}

func (l *wsLink) leave() {
	bye := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
	_ = l.ws.WriteControl(websocket.CloseMessage, bye, time.Now().Add(time.Second)) // it is closed next
	l.cut()
}

func (l *wsLink) cut() { _ = l.ws.Close() }

// quoted is a message as a SockJS client sends it.
func quoted(text string) string {
	b, err := json.Marshal([]string{text})
	if err != nil {
		panic(err) // strings always marshal
	}
	return string(b)
}

// unframe reads what SockJS calls a frame.
func unframe(s string) (messages []string, err error) {
	switch {
	case s == "o" || s == "h":
		return nil, nil
	case s == "":
	case s[0] == 'a':
		if err := json.Unmarshal([]byte(s[1:]), &messages); err != nil {
			return nil, fmt.Errorf("SockJS frame %.100q: %w", s, err)
		}
		return messages, nil
	case s[0] == 'c':
		var c []any
		if json.Unmarshal([]byte(s[1:]), &c) != nil || len(c) == 0 {
			return nil, fmt.Errorf("no SockJS close frame: %.100q", s)
		}
		code, _ := c[0].(float64)
		return nil, Closed{int(code)}
	}
	return nil, fmt.Errorf("no SockJS frame: %.100q", s)
}
