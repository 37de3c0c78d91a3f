package stomp

import "fmt"

// Subscription is one SUBSCRIBE of a session.
type Subscription struct {
	ID, Destination string
	head            []byte // of its MESSAGE frames
}

func (s *Session) subscribe(f *Frame) error {
	sub := &Subscription{ID: f.text("id"), Destination: f.text("destination")}
	if sub.Destination == "" {
		return badFrame("SUBSCRIBE needs a destination")
	}
	if sub.ID == "" {
		sub.ID = sub.Destination
	}
	if ack, ok := f.Header("ack"); ok {
		switch string(ack) {
		case "auto", "client", "client-individual":
		default:
			return badFrame("ack must be auto, client or client-individual")
		}
	}
	if s.indexOf(sub.ID) >= 0 {
		return badFrame("the subscription id is in use")
	}
	if len(s.subs) == s.cfg.Subscriptions {
		return &Error{Token: "too-many-subscriptions", Text: fmt.Sprintf("a session may have %d subscriptions", s.cfg.Subscriptions), Code: ClosePolicy}
	}
	sub.head = messageHead(sub.ID, sub.Destination, s.dec.Version)
	if err := s.handler.OnSubscribe(sub); err != nil {
		return err
	}
	s.subs = append(s.subs, sub)
	return nil
}

func (s *Session) unsubscribe(f *Frame) {
	id := f.text("id")
	if id == "" {
		id = f.text("destination")
	}
	if i := s.indexOf(id); i >= 0 {
		sub := s.subs[i]
		s.subs = append(s.subs[:i], s.subs[i+1:]...)
		s.handler.OnUnsubscribe(sub)
	}
}

func (s *Session) indexOf(id string) int {
	for i, sub := range s.subs {
		if sub.ID == id {
			return i
		}
	}
	return -1
}
