package soak

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// message is the body of step 3.
type message struct {
	ID         int64  `json:"id"`
	ChatID     string `json:"chatID"`
	Sender     string `json:"sender"`
	Receiver   string `json:"reciver"`
	SenderID   int64  `json:"senderId"`
	ReceiverID int64  `json:"reciverId"`
	Content    string `json:"content"`
}

// status is the body of steps 2 and 5 and of a failure.
type status struct {
	MsgID   string
	Code    int
	Content reason
}

// reason is the content of a failure; that of a success is some text.
type reason struct{ Error string }

func (r *reason) UnmarshalJSON(b []byte) error {
	type plain reason
	if b[0] == '{' {
		return json.Unmarshal(b, (*plain)(r))
	}
	return nil
}

// frame is what a server sends.
type frame struct {
	command string
	headers map[string]string
	body    string
}

func parseFrame(s string) frame {
	head, body, _ := strings.Cut(s, "\n\n")
	lines := strings.Split(head, "\n")
	f := frame{command: lines[0], headers: map[string]string{}, body: strings.TrimSuffix(body, "\x00")}
	for _, l := range lines[1:] {
		name, value, _ := strings.Cut(l, ":")
		f.headers[name] = value
	}
	return f
}

// failure is an ERROR frame.
type failure struct{ token string }

func (f failure) Error() string { return "ERROR " + f.token }

// The ids of the subscriptions say what they are about.
const (
	onStatus    = "status"
	onConfirmed = "confirmed"
	onFailure   = "failure"
)

// track is what one subscription was sent since the last init.
type track struct {
	last int64
	anew bool // the init that is under way has begun anew
}

// session is one session of a user. Its reader goroutine calls listen; any
// may send.
type session struct {
	*ledger
	user      *user
	wire      *wire
	link      link
	transport string
	began     time.Time
	confirm   func(*letter) bool // whether to confirm what comes; nil for never

	writing sync.Mutex
	initing atomic.Bool // one more init is under way: ids may begin anew once

	// The reader's own.
	tracks map[string]*track
	asked  map[string]*letter // by msgID: one confirmation of it at a time

	answers  chan struct{} // one token: a letter was answered
	inits    chan struct{} // a token for each init that is done
	receipts chan string   // of other frames
	failed   chan error    // why the session ended, once
}

// dial opens a session of a user and connects with STOMP.
func (l *ledger) dial(ctx context.Context, addr, transport string, u *user, w *wire, heartBeat string) (*session, error) {
	s := &session{
		ledger: l, user: u, wire: w, transport: transport, began: time.Now(),
		tracks: map[string]*track{}, asked: map[string]*letter{},
		answers: make(chan struct{}, 1),
		inits:   make(chan struct{}, 100), receipts: make(chan string, 100), failed: make(chan error, 1),
	}
	var err error
	if s.link, err = w.open(ctx, addr, transport, u.currentToken()); err != nil {
		return nil, err
	}
	hello := []string{"CONNECT\naccept-version:1.2,1.1\nhost:x\nheart-beat:" + heartBeat + "\n\n"}
	for _, sub := range [][2]string{{onStatus, "/user/queue/send/status"}, {onConfirmed, "/user/queue/recive/status"}, {onFailure, "/user/queue/status"}} {
		hello = append(hello, "SUBSCRIBE\nid:"+sub[0]+"\ndestination:"+sub[1]+"\n\n")
	}
	if err := s.send(hello...); err != nil {
		s.cut(false)
		return nil, err
	}
	return s, nil
}

// follow reads until the session ends; join waits for it.
func (s *session) follow() { go func() { s.failed <- s.listen() }() }

func (s *session) join() error { return <-s.failed }

func (s *session) cut(reset bool) {
	s.wire.cut(reset)
	s.link.leave()
}

func (s *session) send(frames ...string) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	for _, f := range frames {
		if err := s.link.write(f + "\x00"); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) beat() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	return s.link.write("\n")
}

// subscribe asks for messages under one of the user's two names.
func (s *session) subscribe(name string) error {
	return s.send("SUBSCRIBE\nid:in-" + name + "\ndestination:/user/" + name + "/recive\n\n")
}

// startInit asks for what is not confirmed; more is for one that is not the
// session's first, of which there is one at a time.
func (s *session) startInit(more bool) error {
	s.initing.Store(more)
	return s.send("SEND\ndestination:/socket/chat/init\nreceipt:init\n\n")
}

func (s *session) post(m *letter) error {
	body, err := json.Marshal(map[string]any{"msgID": m.msgID, "reciverId": m.to.id, "content": m.content()})
	if err != nil {
		return err
	}
	return s.send("SEND\ndestination:/socket/chat/send\n\n" + string(body))
}

func (s *session) postConfirmation(m *letter) error {
	body := fmt.Sprintf(`{"msgID":%q,"id":%d}`, m.msgID, s.ledger.asking(m))
	if !m.shared() && m.serial%2 == 0 {
		body = fmt.Sprintf(`{"msgID":%q}`, m.msgID)
	}
	return s.send("SEND\ndestination:/socket/chat/recive\n\n" + body)
}

// listen reads to the end of the session.
func (s *session) listen() error {
	for {
		frames, err := s.link.read()
		if err != nil {
			return err
		}
		for _, text := range frames {
			if text == "\n" {
				continue
			}
			if err := s.take(parseFrame(text)); err != nil {
				return err
			}
		}
	}
}

func (s *session) take(f frame) error {
	switch f.command {
	case "CONNECTED":
		return nil
	case "ERROR":
		return failure{f.headers["message"]}
	case "RECEIPT":
		if id := f.headers["receipt-id"]; id != "init" {
			s.receipts <- id
			return nil
		}
		s.initing.Store(false)
		for _, t := range s.tracks {
			t.anew = false
		}
		s.inits <- struct{}{}
		return nil
	case "MESSAGE":
	default:
		s.violated("%s is sent a frame %q", s.user.name, f.command)
		return nil
	}
	if sub, ok := strings.CutPrefix(f.headers["subscription"], "in-"); ok {
		return s.takeMessage(sub, f)
	}
	var body status
	if err := json.Unmarshal([]byte(f.body), &body); err != nil {
		s.violated("%s is sent a status %.200q: %v", s.user.name, f.body, err)
		return nil
	}
	select {
	case s.answers <- struct{}{}:
	default:
	}
	switch f.headers["subscription"] {
	case onStatus:
		s.ledger.answered(s.user, body)
	case onConfirmed:
		m := s.asked[body.MsgID]
		if m == nil || body.Code != 200 {
			s.violated("%s is told %+v of a confirmation it never sent", s.user.name, body)
			return nil
		}
		delete(s.asked, body.MsgID)
		s.ledger.confirmed(m)
	case onFailure:
		s.ledger.failed(s.user, body)
		if body.Code == -300 {
			delete(s.asked, body.MsgID)
		}
	default:
		s.violated("%s is sent a message of no subscription: %v", s.user.name, f.headers)
	}
	return nil
}

func (s *session) takeMessage(sub string, f frame) error {
	var in message
	if err := json.Unmarshal([]byte(f.body), &in); err != nil {
		s.violated("%s is sent a message %.200q: %v", s.user.name, f.body, err)
		return nil
	}
	t := s.tracks[sub]
	if t == nil {
		t = &track{}
		s.tracks[sub] = t
	}
	if in.ID <= t.last {
		if t.anew || !s.initing.Load() {
			s.violated("%s over %s is sent id %d after id %d without an init", s.user.name, s.transport, in.ID, t.last)
		}
		t.anew = true
	}
	t.last = in.ID
	m := s.ledger.received(s.user, s.began, in)
	if m == nil || s.confirm == nil || !s.confirm(m) || s.asked[m.msgID] != nil {
		return nil
	}
	s.asked[m.msgID] = m
	_ = s.postConfirmation(m) // why a write fails the next read says
	return nil
}
