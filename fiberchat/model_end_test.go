package fiberchat

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// checkGoodEnd wants an answer to all before DISCONNECT's RECEIPT.
func (s *modelSession) checkGoodEnd() {
	for id, ops := range s.ops {
		for _, op := range ops {
			switch {
			case op.answered == 0:
				s.w.violated("unanswered", s, "%s, sent at %d", id, op.sent)
			case op.receipt != "" && s.receipts[op.receipt] == 0:
				s.w.violated("receipt-of-send-missing", s, "%s of message %s", op.receipt, id)
			}
		}
	}
	s.checkReceipts()
}

// checkReceipts wants the RECEIPT of each init that a subscription was there for.
func (s *modelSession) checkReceipts() {
	for _, init := range s.inits {
		if init.receipt == "" || init.done != 0 || init.missed {
			continue
		}
		for _, sub := range s.subs {
			if sub.stands != 0 && sub.leaves == 0 {
				init.missed = true
			}
		}
		switch {
		case !init.missed:
		case s.failures > 0:
			s.w.violated("receipt-missing", s, "%s, and an init has failed", init.receipt)
		default:
			s.w.violated("receipt-lost", s, "%s, and no init has failed", init.receipt)
		}
	}
}

// checkEnd is for when all faults are over and time has passed.
func (w *modelWorld) checkEnd() {
	for _, check := range w.atEnd {
		check()
	}
	for _, s := range w.sessions {
		if s.over || s.leaving != "" {
			continue
		}
		s.checkGoodEnd()
		for _, sub := range s.subs {
			if sub.stands == 0 {
				w.violated("receipt-lost", s, "SUBSCRIBE %s", sub.id)
			}
			if sub.leaves != 0 {
				continue
			}
			for _, m := range w.store.byReceiver[s.user.ID] {
				switch {
				case m.visible <= sub.stands || sub.got[m.ID] != 0:
				case m.confirmed == 0:
					w.violatedThen(m.traced+100, "lost", s, "message %d never came on %s, which had %d last", m.ID, sub.id, sub.last)
				case len(w.ends) > 0:
					w.violatedThen(m.traced+100, "lost-confirmed", s, "message %d, since confirmed, never came on %s, which had %d last", m.ID, sub.id, sub.last)
				default:
					w.violatedThen(m.traced+100, "lost-confirmed-alone", s, "message %d, since confirmed, never came on %s, which had %d last, and there is no bus", m.ID, sub.id, sub.last)
				}
			}
		}
	}
	for _, c := range w.store.confirmed {
		w.checkChoice(c)
	}
}

// checkChoice wants that a confirmation without an id does not choose what
// the session never had, when one that it had could be meant. Which session
// it was the store does not know: one for which it was right is enough.
func (w *modelWorld) checkChoice(c modelConfirmed) {
	var wrong *modelSession
	for _, s := range w.sessions {
		if s.user.ID != c.chosen.ReceiverID {
			continue
		}
		for _, op := range s.ops[c.chosen.ChatID] {
			if !op.confirm || op.id != 0 || op.sent > c.at || op.answered != 0 && op.answered < c.at {
				continue
			}
			had := func(m *modelStored) bool { return s.first[m.ID] != 0 && s.first[m.ID] < op.sent }
			if s.over || s.first[c.chosen.ID] != 0 || !slices.ContainsFunc(c.open, had) {
				return
			}
			wrong = s
		}
	}
	if wrong != nil {
		w.violated("confirmed-unseen", wrong, "message %d", c.chosen.ID)
	}
}

// violated notes a violation. The caller holds mu.
func (w *modelWorld) violated(class string, s *modelSession, format string, args ...any) {
	w.violatedThen(len(w.trace)+1, class, s, format, args...)
}

// violatedThen is violated for what is found out later than it happened.
func (w *modelWorld) violatedThen(traced int, class string, s *modelSession, format string, args ...any) {
	text := fmt.Sprintf("%s: session %d: ", class, s.n) + fmt.Sprintf(format, args...)
	w.note(s, "!! %s", text)
	if !slices.ContainsFunc(w.violations, func(v modelViolation) bool { return v.class == class }) {
		w.violations = append(w.violations, modelViolation{class, text, s, traced})
	}
}

type modelViolation struct {
	class, text string
	session     *modelSession
	traced      int
}

// explain shows the end of what the session and the store did.
func (w *modelWorld) explain(v modelViolation) string {
	var lines []string
	user := strconv.FormatInt(v.session.user.ID, 10)
	for _, t := range w.trace[:min(v.traced, len(w.trace))] {
		line := strings.Join(strings.Fields(fmt.Sprintf(t.format, t.args...)), " ")
		switch {
		case t.session == v.session:
			lines = append(lines, fmt.Sprintf("%5d %8s s%d %s", t.at, t.time, t.session.n, line))
		case t.session == nil && (!strings.Contains(line, "message ") || strings.Contains(line, "to "+user+")")):
			lines = append(lines, fmt.Sprintf("%5d %8s    %s", t.at, t.time, line))
		}
	}
	return fmt.Sprintf("%s\nthe user is %d %q, on node %d\n%s", v.text, v.session.user.ID, v.session.user.Name, v.session.node,
		strings.Join(lines[max(0, len(lines)-80):], "\n"))
}
