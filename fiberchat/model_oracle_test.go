package fiberchat

import (
	"encoding/json"
	"slices"

	"fiberchat.example/fiberchat/chat"
)

// This file is what PROTOCOL section 2 says, as checks of what a client sees.
// Moments are compared: when a client sent, when a client received, and when
// the store has committed. All of it is under the world's mu.

// modelSession is one connection as its client sees it.
type modelSession struct {
	w    *modelWorld
	n    int
	node int
	user chat.User
	conn *modelConn

	subs       map[string]*modelSub
	first      map[int64]int // when a message came first, by id
	seen       []int64       // in the order of coming
	ops        map[string][]*modelOp
	inits      []*modelInit
	receipts   map[string]int // 0 while it has not come
	failures   int            // of inits
	deliveries int
	leaving    string // the receipt of DISCONNECT
	over       bool   // closed, by whichever side
}

// modelSub is a subscription to messages.
type modelSub struct {
	id, destination    string
	sent, stands       int // when SUBSCRIBE was sent, and its RECEIPT came
	leaves, left       int // likewise UNSUBSCRIBE
	since              int // since when the session listens without a break
	last               int64
	newest             int64 // of what was stored since it stands
	init               int   // the init whose replay the last message may be of, -1 for none
	got                map[int64]int
	unsubscribeReceipt string
	ack                bool       // its messages are acknowledged one by one
	unacked            []modelAck // what it was sent, in the order of coming
}

// modelAck is a MESSAGE that can be acknowledged.
type modelAck struct {
	serial string // the ack header
	id     int64
}

// modelOp is a SEND with a msgID: a message, or a confirmation.
type modelOp struct {
	sent, answered int
	confirm        bool
	receiver       int64 // of a message
	content        string
	id             int64 // of a confirmation, 0 when it has none
	receipt        string
}

type modelInit struct {
	sent, done int
	receipt    string
	missed     bool
}

// receive takes frames of the server's.
func (s *modelSession) receive(msgs [][]byte) {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	if s.w.finished {
		return
	}
	for _, b := range msgs {
		if len(b) <= 1 {
			continue // a heart-beat
		}
		f := parseModelFrame(b)
		at := s.w.now()
		if f.command == "MESSAGE" {
			s.w.note(s, "< %s on %s", f.body, f.header("subscription"))
		} else {
			s.w.note(s, "< %s %v %s", f.command, f.headers, f.body)
		}
		switch f.command {
		case "RECEIPT":
			s.onReceipt(f.header("receipt-id"), at)
		case "MESSAGE":
			switch f.header("destination") {
			case "/user/queue/send/status", "/user/queue/recive/status", "/user/queue/status":
				s.onStatus(f, at)
			default:
				s.onMessage(f, at)
			}
		}
	}
}

func (s *modelSession) ended(code int, reason string) {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	s.over = true
	s.w.note(s, "< close %d %s", code, reason)
}

// onMessage is step 3.
func (s *modelSession) onMessage(f modelFrame, at int) {
	sub := s.subs[f.header("subscription")]
	var body struct {
		ID                               int64
		ChatID, Sender, Reciver, Content string
		Time, SenderID, ReciverID        int64
	}
	if err := json.Unmarshal([]byte(f.body), &body); err != nil || sub == nil || sub.destination != f.header("destination") {
		s.w.violated("stray", s, "%v %v", f, err)
		return
	}
	m := s.w.store.messages[body.ID]
	switch {
	case sub.left != 0:
		s.w.violated("after-unsubscribe", s, "message %d on %s", body.ID, sub.id)
		return
	case m == nil || m.visible == 0:
		s.w.violated("not-stored", s, "message %d was not committed", body.ID)
		return
	case m.ReceiverID != s.user.ID:
		s.w.violated("wrong-person", s, "message %d is not for %d", m.ID, s.user.ID)
	case body.ChatID != m.ChatID || body.Sender != m.SenderName || body.Reciver != m.ReceiverName || body.Content != m.Content ||
		body.Time != m.Time.UnixMilli() || body.SenderID != m.SenderID || body.ReciverID != m.ReceiverID:
		s.w.violated("altered", s, "%s is not %+v", f.body, m.Message)
	}
	if m.ID <= sub.last {
		// Back to older ones, or the same again: an init that runs did it.
		next := s.running(sub.init+1, at)
		if next < 0 {
			s.w.violated("repeated", s, "message %d after %d on %s, and no init runs", m.ID, sub.last, sub.id)
		} else {
			sub.init = next
		}
	}
	_, again := sub.got[m.ID]
	live := !again && (m.visible > sub.since || m.confirmed == 0 || m.confirmed > sub.since)
	if i := s.running(max(sub.init, 0), at); !live && m.confirmed != 0 && (i < 0 || m.confirmed < s.inits[i].sent) {
		s.w.violated("confirmed-replayed", s, "message %d on %s was confirmed before", m.ID, sub.id)
	}
	if !again && m.visible > sub.stands && sub.stands != 0 {
		if m.ID < sub.newest {
			s.w.violated("order", s, "message %d comes after %d on %s", m.ID, sub.newest, sub.id)
		}
		sub.newest = m.ID
	}
	if serial := f.header("ack"); (serial != "") != sub.ack {
		s.w.violated("ack-header", s, "%v on %s", f, sub.id)
	} else if serial != "" {
		sub.unacked = append(sub.unacked, modelAck{serial, m.ID})
	}
	s.deliveries++
	sub.last, sub.got[m.ID] = m.ID, at
	if s.first[m.ID] == 0 {
		s.first[m.ID] = at
		s.seen = append(s.seen, m.ID)
	}
}

// running finds the earliest init, from one on, that was sent and not answered.
func (s *modelSession) running(from, at int) int {
	for i := from; i < len(s.inits); i++ {
		if s.inits[i].done == 0 {
			return i
		}
	}
	return -1
}

// onReceipt notes what was carried out.
func (s *modelSession) onReceipt(id string, at int) {
	if was, asked := s.receipts[id]; !asked || was != 0 {
		s.w.violated("receipt-twice", s, "receipt %s", id)
		return
	}
	s.receipts[id] = at
	for _, sub := range s.subs {
		switch id {
		case sub.id:
			sub.stands = at
		case sub.unsubscribeReceipt:
			sub.left = at
		}
	}
	for _, init := range s.inits {
		if init.receipt == id {
			init.done = at
			s.onInitDone(init, at)
		}
	}
	for chatID, ops := range s.ops {
		for _, op := range ops {
			switch {
			case op.receipt != id:
			case op.confirm && s.w.store.messages[op.id].confirmed == 0:
				s.w.violated("receipt-not-confirmed", s, "%s of message %s", id, chatID)
			case !op.confirm && !s.stored(op, chatID):
				s.w.violated("receipt-not-stored", s, "%s of message %s", id, chatID)
			}
		}
	}
	if id == s.leaving {
		s.checkGoodEnd()
	}
}

// onInitDone wants all that is unconfirmed before the RECEIPT of an init.
func (s *modelSession) onInitDone(init *modelInit, at int) {
	listened := false
	for _, sub := range s.subs {
		listened = listened || sub.sent < init.sent && (sub.left == 0 || sub.left > init.sent)
	}
	for _, sub := range s.subs {
		if sub.leaves != 0 && sub.leaves < at || listened && (sub.stands == 0 || sub.stands > init.sent) || !listened && s.firstAfter(init) != sub {
			continue
		}
		for _, m := range s.w.store.byReceiver[s.user.ID] {
			if m.answered == 0 || m.answered > init.sent || m.confirmed != 0 || sub.got[m.ID] > init.sent {
				continue
			}
			traced := len(s.w.trace)
			s.w.atEnd = append(s.w.atEnd, func() {
				class := "init-misses"
				if s.over || m.confirmed != 0 || sub.leaves != 0 || sub.got[m.ID] > at {
					class = "init-receipt-early" // it comes later, or might have
				}
				s.w.violatedThen(traced, class, s, "%s came without message %d on %s", init.receipt, m.ID, sub.id)
			})
		}
	}
}

// firstAfter is the subscription that an init waited for.
func (s *modelSession) firstAfter(init *modelInit) (first *modelSub) {
	for _, sub := range s.subs {
		if sub.sent > init.sent && (first == nil || sub.sent < first.sent) {
			first = sub
		}
	}
	return first
}

// onStatus is steps 2 and 5, and failures. A session's operations with one
// msgID are answered in the order sent.
func (s *modelSession) onStatus(f modelFrame, at int) {
	var body struct {
		MsgID   *string
		Code    int
		Content json.RawMessage
	}
	if err := json.Unmarshal([]byte(f.body), &body); err != nil {
		s.w.violated("stray", s, "%v", f)
		return
	}
	if body.MsgID == nil {
		if body.Code != codeTryAgain {
			s.w.violated("stray", s, "%v", f)
		}
		s.failures++
		return
	}
	id := *body.MsgID
	i := slices.IndexFunc(s.ops[id], func(o *modelOp) bool { return o.answered == 0 })
	if i < 0 {
		s.w.violated("answered-twice", s, "%s", f.body)
		return
	}
	op := s.ops[id][i]
	op.answered = at
	switch {
	case body.Code == codeTryAgain:
		s.w.onTryAgain(s, modelKey{op.confirm, s.user.ID, id})
	case op.confirm:
		s.onConfirmed(op, id, f.header("destination"), body.Code, at)
	default:
		s.onSent(op, id, f.header("destination"), body.Code, at)
	}
}

func (w *modelWorld) onTryAgain(s *modelSession, key modelKey) {
	if w.store.failed[key]--; w.store.failed[key] < 0 {
		w.violated("false-300", s, "%v is known", key)
	}
}

// stored reports whether a message is in the store as it was sent.
func (s *modelSession) stored(op *modelOp, id string) bool {
	m := s.w.store.byKey[modelKey{false, s.user.ID, id}]
	return m != nil && m.visible != 0 && m.ReceiverID == op.receiver && m.Content == op.content
}

func (s *modelSession) onSent(op *modelOp, id, destination string, code, at int) {
	m, same := s.w.store.byKey[modelKey{false, s.user.ID, id}], s.stored(op, id)
	switch {
	case code == 200 && destination == "/user/queue/send/status":
		if !same {
			s.w.violated("false-200", s, "message %s is not in the store", id)
		} else if m.answered == 0 {
			m.answered = at
		}
	case code == codeBadBody:
		if m == nil || m.visible == 0 || same {
			s.w.violated("false-401", s, "message %s is in the store as it is", id)
		}
	default:
		s.w.violated("answer", s, "message %s: %d on %s", id, code, destination)
	}
}

func (s *modelSession) onConfirmed(op *modelOp, id, destination string, code, at int) {
	confirmed, had := false, false
	for _, m := range s.w.store.byReceiver[s.user.ID] {
		if m.ChatID == id && (op.id == 0 || op.id == m.ID) {
			confirmed = confirmed || m.confirmed != 0
			had = had || s.first[m.ID] != 0 && s.first[m.ID] < op.sent
		}
	}
	switch {
	case code == 200 && destination == "/user/queue/recive/status":
		if !confirmed {
			s.w.violated("false-confirmation", s, "%s (%d) is not confirmed in the store", id, op.id)
		}
	case code == codeNotFound:
		if had {
			s.w.violated("false-404", s, "%s (%d) came before it was confirmed", id, op.id)
		}
	default:
		s.w.violated("answer", s, "confirmation %s: %d on %s", id, code, destination)
	}
}
