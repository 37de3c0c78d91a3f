package soak

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/chattest"
)

// letter is one message, and what its sender and its receiver were told.
type letter struct {
	from, to *user
	serial   int // of the sender's
	msgID    string
	size     int // of the content, roughly

	written  time.Time
	attempts int
	accepted bool      // answered 200
	answered time.Time // when
	refused  bool      // its only attempt was answered "not stored": it must never come
	loose    bool      // an attempt failed: a later one may come after younger letters

	id          int64 // once received
	asked       bool  // a confirmation was sent
	confirmed   bool  // and answered 200
	confirmedAt time.Time
}

// user is a person, and the letters written and received. ledger.mu guards
// what changes.
type user struct {
	*account
	hasty    bool // sends more than allowed: no order is promised of what is refused
	sent     []*letter
	open     []*letter // sent, and neither accepted nor refused, in order
	received map[*letter]bool
	arrived  int // of those sent
}

// ledger knows what was promised.
type ledger struct {
	mu         sync.Mutex
	byID       map[int64]*user
	sick       bool // the store is: what is written meanwhile may be stored late
	violations []string
	counts     map[string]int
}

func newLedger() *ledger { return &ledger{byID: map[int64]*user{}, counts: map[string]int{}} }

func (l *ledger) join(a *account) *user {
	l.mu.Lock()
	defer l.mu.Unlock()
	u := &user{account: a, received: map[*letter]bool{}}
	l.byID[a.id] = u
	return u
}

// violate notes what must not be. The caller holds mu.
func (l *ledger) violate(format string, args ...any) {
	if len(l.violations) < 50 {
		l.violations = append(l.violations, fmt.Sprintf(format, args...))
	}
}

func (l *ledger) violated(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.violate(format, args...)
}

// count is for the report.
func (l *ledger) count(what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counts[what]++
}

// write makes the sender's next letter. Every eighth msgID is one that other
// senders use too, as those of the customary JavaScript are.
func (l *ledger) write(from, to *user, size int) *letter {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := &letter{from: from, to: to, serial: len(from.sent), size: size, written: time.Now(), attempts: 1, loose: from.hasty || l.sick}
	m.msgID = fmt.Sprintf("u%d-%d", from.id, m.serial)
	if m.serial%8 == 0 {
		m.msgID = fmt.Sprintf("m-%d", m.serial)
	}
	from.sent, from.open = append(from.sent, m), append(from.open, m)
	return m
}

// shared tells whether other senders may use the msgID too.
func (m *letter) shared() bool { return m.serial%8 == 0 }

// content is the same at every attempt, and no other letter's.
func (m *letter) content() string {
	text := fmt.Sprintf("%d 写给 %d 的第 %d 封信 <&%%\"\\\u2028😀>", m.from.id, m.to.id, m.serial)
	return text + strings.Repeat("起来聊天 ", max(0, m.size-len(text))/13)
}

// find returns the letter of a sender, nil when there is none.
func (u *user) find(msgID string) *letter {
	serial, err := strconv.Atoi(msgID[strings.LastIndexByte(msgID, '-')+1:])
	if err != nil || serial < 0 || serial >= len(u.sent) || u.sent[serial].msgID != msgID {
		return nil
	}
	return u.sent[serial]
}

// again returns what is to be sent again, and counts the attempts.
func (l *ledger) again(u *user) []*letter {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range u.open {
		m.attempts++
	}
	return append([]*letter(nil), u.open...)
}

func (l *ledger) opened(u *user) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(u.open)
}

// underway is how many of a user's letters were not received yet.
func (l *ledger) underway(u *user) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(u.sent) - u.arrived
}

// setSick notes that the store begins, or ceases, to fail. A sender that is cut
// off meanwhile cannot know which of its letters were not stored.
func (l *ledger) setSick(sick bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sick = sick
	for _, u := range l.byID {
		for _, m := range u.open {
			m.loose = true
		}
	}
}

// answered notes step 2.
func (l *ledger) answered(u *user, s chattest.Status) {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := u.find(s.MsgID)
	if m == nil || s.Code != 200 || m.refused {
		l.violate("%s is answered %+v for what it never sent, or was refused", u.name, s)
		return
	}
	m.accepted, m.answered = true, time.Now()
	l.close(u, m)
}

// close takes a letter from those that are open. The caller holds mu.
func (l *ledger) close(u *user, m *letter) {
	for i, o := range u.open {
		if o == m {
			u.open = append(u.open[:i:i], u.open[i+1:]...)
			return
		}
	}
}

// failed notes a failure.
func (l *ledger) failed(u *user, s chattest.Status) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counts[fmt.Sprintf("answers %d %s", s.Code, s.Error)]++
	m := u.find(s.MsgID)
	switch {
	case s.Code == -300: // of a letter, or of a confirmation: either is tried again
		if m != nil && !m.accepted {
			m.loose = true
		}
	case s.Code == -400 && s.Error == "RateLimited" && m != nil:
		m.loose = true
		if m.attempts == 1 {
			m.refused = true
			l.close(u, m)
		}
	default:
		l.violate("%s is answered %+v", u.name, s)
	}
}

// received notes step 3, and checks what holds for every message.
func (l *ledger) received(u *user, began time.Time, in chat.Message) *letter {
	l.mu.Lock()
	defer l.mu.Unlock()
	from := l.byID[in.SenderID]
	if from == nil {
		l.violate("%s receives a message of user %d, whom nobody knows", u.name, in.SenderID)
		return nil
	}
	m := from.find(in.ChatID)
	switch {
	case m == nil:
		l.violate("%s receives %s of %s, who never sent it", u.name, in.ChatID, from.name)
		return nil
	case m.to != u || in.ReceiverID != u.id || in.ReceiverName != u.name || in.SenderName != from.name:
		l.violate("%s receives %s of %s, which is for %s: %+.300v", u.name, m.msgID, from.name, m.to.name, in)
		return nil
	case in.Content != m.content():
		l.violate("%s receives %s of %s with another content: %.200q", u.name, m.msgID, from.name, in.Content)
	case m.refused:
		l.violate("%s receives %s of %s, which was answered \"not stored\"", u.name, m.msgID, from.name)
	case m.id != 0 && m.id != in.ID:
		l.violate("%s receives %s of %s with id %d and with id %d", u.name, m.msgID, from.name, m.id, in.ID)
	case m.confirmed && m.confirmedAt.Before(began):
		l.violate("%s receives %s of %s in a session that began after its confirmation was answered", u.name, m.msgID, from.name)
	}
	if m.id == 0 {
		from.arrived++
	}
	m.id = in.ID
	u.received[m] = true
	return m
}

// asking notes step 4, and returns the id it is about.
func (l *ledger) asking(m *letter) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	m.asked = true
	return m.id
}

// confirmed notes step 5.
func (l *ledger) confirmed(m *letter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !m.confirmed {
		m.confirmed, m.confirmedAt = true, time.Now()
		delete(m.to.received, m)
	}
}

// unanswered returns what a user asked to confirm and was not answered.
func (l *ledger) unanswered(u *user) (all []*letter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for m := range u.received {
		if m.asked && !m.confirmed {
			all = append(all, m)
		}
	}
	return all
}

// pending returns what an init must bring a user when all is settled.
func (l *ledger) pending() map[*user]map[*letter]bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := map[*user]map[*letter]bool{}
	for _, u := range l.byID {
		all[u] = map[*letter]bool{}
	}
	for _, u := range l.byID {
		for _, m := range u.sent {
			if m.accepted && !m.confirmed {
				all[m.to][m] = true
			}
		}
	}
	return all
}

// checkOrder wants what one person sent another in the order of sending. A
// letter that was sent again is not held to it: its first attempt may have
// been refused, and the notice lost with the session.
func (l *ledger) checkOrder() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, u := range l.byID {
		last := map[*user]*letter{}
		for _, m := range u.sent {
			if m.id == 0 || m.loose {
				continue
			}
			if before := last[m.to]; before != nil && before.id > m.id && before.attempts == 1 {
				l.violate("%s sent %s the letter %d before %d, and they have ids %d and %d: written %v and %v later, answered %v and %v after that, in %d and %d attempts",
					u.name, m.to.name, before.serial, m.serial, before.id, m.id, before.written.Format(time.TimeOnly), m.written.Sub(before.written),
					before.answered.Sub(before.written), m.answered.Sub(m.written), before.attempts, m.attempts)
			}
			last[m.to] = m
		}
	}
}
