package soak

import (
	"context"
	"sync/atomic"
	"time"

	"fiberchat.example/fiberchat/chattest"
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
	conn      *chattest.Conn
	transport string
	began     time.Time
	confirm   func(*letter) bool // whether to confirm what comes; nil for never

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
	if s.conn, err = w.open(ctx, addr, transport, u.currentToken()); err != nil {
		return nil, err
	}
	if err = s.send("CONNECT\naccept-version:1.2,1.1\nhost:x\nheart-beat:" + heartBeat + "\n\n"); err == nil {
		err = s.conn.Subscribe(chattest.SendStatus, chattest.ReceiveStatus, chattest.Failures)
	}
	if err != nil {
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
	s.conn.Leave()
}

func (s *session) send(frame string) error { return s.conn.Write(frame) }

func (s *session) beat() error { return s.conn.Raw("\n") }

// subscribe asks for messages under one of the user's two names.
func (s *session) subscribe(name string) error { return s.conn.Subscribe(chattest.Inbox(name)) }

// startInit asks for what is not confirmed; more is for one that is not the
// session's first, of which there is one at a time.
func (s *session) startInit(more bool) error {
	s.initing.Store(more)
	return s.conn.Init("init")
}

func (s *session) post(m *letter) error { return s.conn.Send(m.msgID, m.to.id, m.content()) }

func (s *session) postConfirmation(m *letter) error {
	id := s.ledger.asking(m)
	if !m.shared() && m.serial%2 == 0 {
		id = 0
	}
	return s.conn.Confirm(m.msgID, id)
}

// listen reads to the end of the session.
func (s *session) listen() error {
	for {
		f, err := s.conn.Read()
		if err != nil {
			return err
		}
		s.take(f)
	}
}

func (s *session) take(f chattest.Frame) {
	switch f.Command {
	case "CONNECTED":
		return
	case "RECEIPT":
		if id := f.Receipt(); id != "init" {
			s.receipts <- id
			return
		}
		s.initing.Store(false)
		for _, t := range s.tracks {
			t.anew = false
		}
		s.inits <- struct{}{}
		return
	case "MESSAGE":
	default:
		s.violated("%s is sent a frame %q", s.user.name, f.Command)
		return
	}
	if f.IsMessage() {
		s.takeMessage(f)
		return
	}
	body, err := f.Status()
	if err != nil {
		s.violated("%s is sent a status: %v", s.user.name, err)
		return
	}
	// Only once the ledger knows: who waits for the token looks there.
	defer func() {
		select {
		case s.answers <- struct{}{}:
		default:
		}
	}()
	switch {
	case f.On(chattest.SendStatus):
		s.ledger.answered(s.user, body)
	case f.On(chattest.ReceiveStatus):
		m := s.asked[body.MsgID]
		if m == nil || body.Code != 200 {
			s.violated("%s is told %+v of a confirmation it never sent", s.user.name, body)
			return
		}
		delete(s.asked, body.MsgID)
		s.ledger.confirmed(m)
	case f.On(chattest.Failures):
		s.ledger.failed(s.user, body)
		if body.Code == -300 {
			delete(s.asked, body.MsgID)
		}
	default:
		s.violated("%s is sent a message of no subscription: %v", s.user.name, f.Headers)
	}
}

func (s *session) takeMessage(f chattest.Frame) {
	sub := f.Headers["subscription"]
	in, err := f.Message()
	if err != nil {
		s.violated("%s is sent a message: %v", s.user.name, err)
		return
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
		return
	}
	s.asked[m.msgID] = m
	_ = s.postConfirmation(m) // why a write fails the next read says
}
