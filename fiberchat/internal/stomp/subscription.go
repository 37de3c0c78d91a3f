package stomp

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
)

// Subscription is one SUBSCRIBE of a session.
type Subscription struct {
	ID, Destination string // ID is empty where a client of STOMP 1.0 named none
	Ack             AckMode
	serial          uint64 // in its session, from 1
	head            []byte // of its MESSAGE frames
}

// AckMode is what a subscription's ACKs acknowledge.
type AckMode uint8

// The ack header's three words.
const (
	AckAuto       AckMode = iota // nothing
	AckClient                    // the message, and all before it
	AckIndividual                // the message
)

func (s *Session) subscribe(f *Frame) error {
	sub := &Subscription{ID: f.text("id"), Destination: f.text("destination")}
	if sub.Destination == "" {
		return badFrame("SUBSCRIBE needs a destination")
	}
	if sub.ID == "" && s.dec.Version != V10 {
		sub.ID = sub.Destination
	}
	if ack, ok := f.Header("ack"); ok {
		switch string(ack) {
		case "auto":
		case "client":
			sub.Ack = AckClient
		case "client-individual":
			sub.Ack = AckIndividual
		default:
			return badFrame("ack must be auto, client or client-individual")
		}
	}
	if sub.ID != "" && s.find(func(other *Subscription) bool { return other.ID == sub.ID }) != nil {
		return badFrame("the subscription id is in use")
	}
	if len(s.subs) == s.cfg.Subscriptions {
		return &Error{Token: "too-many-subscriptions", Text: fmt.Sprintf("a session may have %d subscriptions", s.cfg.Subscriptions), Code: ClosePolicy}
	}
	s.subscribed++
	sub.serial = s.subscribed
	sub.head = messageHead(sub.ID, sub.Destination, s.dec.Version)
	if err := s.handler.OnSubscribe(sub); err != nil {
		return err
	}
	s.subs = append(s.subs, sub)
	return nil
}

// unsubscribe goes by the id; in STOMP 1.0 also by the destination, whose first
// subscription it ends.
func (s *Session) unsubscribe(f *Frame) error {
	id, destination := f.text("id"), f.text("destination")
	var sub *Subscription
	switch {
	case id != "":
		sub = s.find(func(sub *Subscription) bool { return sub.ID == id })
	case s.dec.Version == V10 && destination != "":
		sub = s.find(func(sub *Subscription) bool { return sub.Destination == destination })
	default:
		return badFrame("UNSUBSCRIBE needs an id")
	}
	if sub != nil {
		s.subs = slices.DeleteFunc(s.subs, func(other *Subscription) bool { return other == sub })
		s.handler.OnUnsubscribe(sub)
	}
	return nil
}

// find returns the oldest subscription for which is is true, nil when there is none.
func (s *Session) find(is func(*Subscription) bool) *Subscription {
	if i := slices.IndexFunc(s.subs, is); i >= 0 {
		return s.subs[i]
	}
	return nil
}

// acknowledge takes an ACK: the Handler's if it names a message that a
// subscription of the session was sent. Clients in the field write the value in
// id (STOMP 1.2) or in message-id (before), whatever they negotiated.
func (s *Session) acknowledge(f *Frame) (handled bool) {
	name, ok := f.Header("id")
	if !ok {
		name, _ = f.Header("message-id")
	}
	serial, id, ok := parseMessageID(name)
	if !ok {
		return false
	}
	sub := s.find(func(sub *Subscription) bool { return sub.serial == serial && sub.Ack != AckAuto })
	if sub == nil {
		return false
	}
	s.handler.OnAck(sub, id, f.Receipt())
	return true
}

// The message-id of a MESSAGE that may be acknowledged holds the serial of the
// MESSAGE, which makes it unique in the session, that of the subscription and
// the Handler's id of the message: so nothing has to be remembered of it.
func appendMessageID(dst []byte, serial uint64, sub *Subscription, id int64) []byte {
	dst = strconv.AppendUint(dst, serial, 10)
	dst = strconv.AppendUint(append(dst, '-'), sub.serial, 10)
	return strconv.AppendInt(append(dst, '-'), id, 10)
}

func parseMessageID(b []byte) (sub uint64, id int64, ok bool) {
	_, rest, ok1 := bytes.Cut(b, []byte("-"))
	first, last, ok2 := bytes.Cut(rest, []byte("-"))
	sub, err1 := strconv.ParseUint(string(first), 10, 64)
	id, err2 := strconv.ParseInt(string(last), 10, 64)
	return sub, id, ok1 && ok2 && err1 == nil && err2 == nil
}
