package sockjs

import (
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
)

// receive serves one request of a transport that receives over HTTP.
func (s *Server) receive(c *fiber.Ctx, t *transport, id string) error {
	callback := ""
	if t.callback {
		if callback = strings.Clone(c.Query("c", c.Query("callback"))); callback == "" {
			return c.Status(fiber.StatusInternalServerError).SendString(`"callback" parameter required`)
		}
		if !validCallback(callback) {
			return c.Status(fiber.StatusInternalServerError).SendString(`invalid "callback" parameter`)
		}
		s.allowFraming(&c.Response().Header)
		c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	}
	setNotCached(c)
	c.Set(fiber.HeaderContentType, t.contentType)

	session, refusal := s.open(c, s.key(c, id))
	switch {
	case session == nil && refusal == nil:
		return nil // Open has answered
	case session == nil && t.stream:
		return c.Send(t.frame(t.prelude(callback), refusal, callback))
	case session == nil:
		return c.Send(t.frame(nil, refusal, callback))
	case t.stream:
		s.stream(c, t, session, callback)
		return nil
	}
	return c.Send(t.frame(nil, s.poll(c, session), callback))
}

// poll waits for one frame. It stays in the handler, so that the connection
// serves the next poll too.
func (s *Server) poll(c *fiber.Ctx, session *session) []byte {
	if !s.enter() {
		if frame, _ := session.dequeue(nil); len(frame) > 0 {
			return frame
		}
		return frameLeaving
	}
	defer s.running.Done()
	r, ok := session.attach()
	if !ok {
		return frameBusy
	}
	defer session.detach(r)
	if frame, _ := session.dequeue(nil); len(frame) > 0 {
		return frame
	}
	gone, stop := watchGone(c.Context().Conn())
	defer stop()
	heartBeat := time.NewTimer(s.cfg.HeartBeat)
	defer heartBeat.Stop()
	stopping := c.Context().Done()
	var grace <-chan time.Time
	for {
		select {
		case <-session.wake:
		case <-gone:
			session.lost()
		case <-stopping:
			stopping, grace = nil, time.After(shutdownGrace)
		case <-grace:
			session.shut(1001, "going away")
		case <-heartBeat.C:
			return []byte{'h'}
		}
		if frame, _ := session.dequeue(nil); len(frame) > 0 {
			return frame
		}
	}
}
