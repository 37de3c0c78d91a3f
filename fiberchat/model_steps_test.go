package fiberchat

import (
	"fmt"
	"slices"
	"testing/synctest"
	"time"

	"fiberchat.example/fiberchat/chat"
)

// step does one thing at random.
func (w *modelWorld) step() {
	r := w.rand
	var up []*modelSession
	w.mu.Lock()
	for _, s := range w.sessions {
		if !s.over && s.leaving == "" {
			up = append(up, s)
		}
	}
	w.mu.Unlock()
	if len(up) < 2 || len(up) < 8 && r.IntN(30) == 0 {
		w.connect()
		return
	}
	s := up[r.IntN(len(up))]
	switch w.draw() {
	case stepSay:
		s.say()
	case stepConfirm:
		s.confirm()
	case stepAck:
		s.ack()
	case stepInit:
		s.init()
	case stepSubscribe:
		s.subscribe()
	case stepUnsubscribe:
		s.unsubscribe()
	case stepSlow:
		s.note("is slow")
		s.conn.pause(true)
	case stepQuick:
		for _, s := range up {
			s.conn.pause(false)
		}
	case stepLeave:
		s.note("leaves")
		w.mu.Lock()
		s.over = true
		w.mu.Unlock()
		s.conn.leave()
	case stepDisconnect:
		s.disconnect()
	case stepCut:
		if len(w.ends) > 0 {
			w.ends[r.IntN(len(w.ends))].cut(r.IntN(2) == 0)
		}
	case stepQuiet:
		synctest.Wait()
	case stepSleep:
		time.Sleep(time.Duration(r.IntN(int(50 * time.Millisecond))))
	case stepSleepLong:
		time.Sleep(time.Duration(r.IntN(int(5 * time.Second))))
	}
}

// The kinds of steps.
const (
	stepSay = iota
	stepConfirm
	stepAck
	stepInit
	stepSubscribe
	stepUnsubscribe
	stepSlow
	stepQuick
	stepLeave
	stepDisconnect
	stepCut
	stepQuiet
	stepSleep
	stepSleepLong
)

// modelWeights is how often each kind of step is taken, in most worlds.
var modelWeights = [...]int{stepSay: 30, 18, 6, 10, 7, 3, 4, 7, 1, 1, 1, 8, 9, 1}

// draw chooses a kind of step.
func (w *modelWorld) draw() int {
	sum := 0
	for _, weight := range w.weights {
		sum += weight
	}
	n, kind := w.rand.IntN(sum), 0
	for n >= w.weights[kind] {
		n -= w.weights[kind]
		kind++
	}
	return kind
}

func (w *modelWorld) connect() {
	id := 1 + w.rand.Int64N(w.users)
	s := &modelSession{
		w: w, n: len(w.sessions), node: w.rand.IntN(len(w.nodes)), user: chat.User{ID: id, Name: modelNames[id-1]},
		subs: make(map[string]*modelSub), first: make(map[int64]int), ops: make(map[string][]*modelOp), receipts: make(map[string]int),
	}
	s.conn = newModelConn(s)
	w.mu.Lock()
	w.sessions = append(w.sessions, s)
	w.mu.Unlock()
	w.serving.Go(serveModel(w.nodes[s.node], s.conn, s.user)) // waited for by runModelWorld
	s.send("CONNECT\naccept-version:1.2\n\n")
	for i, queue := range []string{"send/status", "recive/status", "status"} {
		s.send("SUBSCRIBE\nid:q%d\ndestination:/user/queue/%s\n\n", i, queue)
	}
	if w.rand.IntN(4) > 0 {
		s.subscribe()
	}
}

func (s *modelSession) note(format string, args ...any) {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	s.w.note(s, format, args...)
}

// send hands a frame to the server and returns when.
func (s *modelSession) send(format string, args ...any) int {
	s.w.mu.Lock()
	at := s.w.now()
	s.w.note(s, "> "+format, args...)
	s.w.mu.Unlock()
	s.conn.in <- append(fmt.Appendf(nil, format, args...), 0)
	return at
}

// receipt is one to ask for. The caller does not hold mu.
func (s *modelSession) receipt(kind string) string {
	s.w.serial++
	id := fmt.Sprint(kind, s.w.serial)
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	s.receipts[id] = 0
	return id
}

func (s *modelSession) subscribe() {
	who := s.user.Name
	if s.w.rand.IntN(2) == 0 {
		who = fmt.Sprint(s.user.ID)
	}
	id := s.receipt("sub")
	s.w.mu.Lock()
	sub := &modelSub{id: id, destination: "/user/" + who + "/recive", sent: s.w.now(), init: -1, got: make(map[int64]int)}
	sub.since = sub.sent
	header := ""
	// An ACK looks into the store for what it confirms, and a failure then has
	// no msgID to be known by.
	if s.w.readFaults == 0 && s.w.rand.IntN(2) == 0 {
		sub.ack = true
		header = "ack:client-individual\n"
	}
	open := 0
	for _, other := range s.subs {
		if other.left == 0 {
			sub.since = min(sub.since, other.since)
			open++
		}
	}
	if open < 3 {
		s.subs[id] = sub
	}
	s.w.mu.Unlock()
	if open < 3 {
		s.send("SUBSCRIBE\nid:%s\n%sdestination:%s\nreceipt:%s\n\n", id, header, sub.destination, id)
	}
}

func (s *modelSession) unsubscribe() {
	receipt := s.receipt("unsub")
	s.w.mu.Lock()
	var ids []string
	for id, sub := range s.subs {
		if sub.leaves == 0 {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	if len(ids) == 0 {
		s.w.mu.Unlock()
		return
	}
	sub := s.subs[ids[s.w.rand.IntN(len(ids))]]
	sub.leaves, sub.unsubscribeReceipt = s.w.now(), receipt
	s.w.mu.Unlock()
	s.send("UNSUBSCRIBE\nid:%s\nreceipt:%s\n\n", sub.id, receipt)
}

func (s *modelSession) init() {
	for range 1 + s.w.rand.IntN(5)/4 {
		init, header := &modelInit{}, ""
		if s.w.rand.IntN(4) > 0 {
			init.receipt = s.receipt("init")
			header = "receipt:" + init.receipt + "\n"
		}
		s.w.mu.Lock()
		init.sent = s.w.now()
		s.inits = append(s.inits, init)
		s.w.mu.Unlock()
		s.send("SEND\ndestination:/socket/chat/init\n%s\n", header)
	}
}

func (s *modelSession) disconnect() {
	receipt := s.receipt("bye")
	s.w.mu.Lock()
	s.leaving = receipt
	s.w.mu.Unlock()
	s.send("DISCONNECT\nreceipt:%s\n\n", receipt)
}

// say is step 1: something new, with a serial that others may have used, or
// something said before, as it was or changed.
func (s *modelSession) say() {
	w, r := s.w, s.w.rand
	m := modelSend{from: s.user.ID, to: s.other(), content: fmt.Sprintf("text %d ü", len(w.sends))}
	if len(w.sends) > 0 && r.IntN(2) == 0 {
		old := w.sends[max(0, len(w.sends)-1-r.IntN(20))]
		m.id = old.id
		if old.from == m.from && r.IntN(3) > 0 {
			m = old
		}
	} else {
		w.serial++
		m.id = fmt.Sprint("m", w.serial)
	}
	w.sends = append(w.sends, m)
	op, header := &modelOp{receiver: m.to, content: m.content}, ""
	if r.IntN(10) == 0 {
		op.receipt = s.receipt("send")
		header = "receipt:" + op.receipt + "\n"
	}
	s.op(m.id, op)
	s.send("SEND\ndestination:/socket/chat/send\n%s\n{\"msgID\":%q,\"reciverId\":%d,\"content\":%q}", header, m.id, m.to, m.content)
}

func (s *modelSession) other() int64 {
	id := 1 + s.w.rand.Int64N(s.w.users-1)
	if id >= s.user.ID {
		id++
	}
	return id
}

func (s *modelSession) op(id string, op *modelOp) {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	op.sent = s.w.now()
	s.ops[id] = append(s.ops[id], op)
}

// confirm is step 4, mostly for what has come lately.
func (s *modelSession) confirm() {
	w, r := s.w, s.w.rand
	op, chatID := &modelOp{confirm: true}, ""
	w.mu.Lock()
	if len(s.seen) > 0 && r.IntN(10) > 0 {
		m := w.store.messages[s.seen[max(0, len(s.seen)-1-r.IntN(10))]]
		chatID = m.ChatID
		if r.IntN(2) == 0 {
			op.id = m.ID
		}
	} else if len(w.sends) > 0 {
		chatID = w.sends[r.IntN(len(w.sends))].id // perhaps of somebody else
		if r.IntN(3) == 0 {
			op.id = 1 + r.Int64N(int64(len(w.sends)))
		}
	}
	w.mu.Unlock()
	if chatID == "" {
		return
	}
	s.op(chatID, op)
	id := ""
	if op.id != 0 {
		id = fmt.Sprintf(",\"id\":%d", op.id)
	}
	s.send("SEND\ndestination:/socket/chat/recive\n\n{\"msgID\":%q%s}", chatID, id)
}

// ack is step 4 by ACK, for what a subscription was sent; or a NACK, which
// confirms nothing.
func (s *modelSession) ack() {
	w, r := s.w, s.w.rand
	verb, receipt, header := "ACK", "", ""
	if r.IntN(4) == 0 {
		verb = "NACK"
	}
	if r.IntN(4) == 0 {
		receipt = s.receipt("ack")
		header = "receipt:" + receipt + "\n"
	}
	w.mu.Lock()
	var subs []*modelSub
	for _, sub := range s.subs {
		if sub.leaves == 0 && len(sub.unacked) > 0 {
			subs = append(subs, sub)
		}
	}
	if len(subs) == 0 {
		delete(s.receipts, receipt)
		w.mu.Unlock()
		return
	}
	slices.SortFunc(subs, func(a, b *modelSub) int { return a.sent - b.sent })
	sub := subs[r.IntN(len(subs))]
	at := r.IntN(len(sub.unacked))
	ack := sub.unacked[at]
	if verb == "ACK" {
		chatID := w.store.messages[ack.id].ChatID
		s.ops[chatID] = append(s.ops[chatID], &modelOp{confirm: true, sent: w.now(), id: ack.id, receipt: receipt})
		if r.IntN(4) > 0 { // else it may be acknowledged again
			sub.unacked = slices.Delete(sub.unacked, at, at+1)
		}
	}
	w.mu.Unlock()
	s.send("%s\nid:%s\n%s\n", verb, ack.serial, header)
}
