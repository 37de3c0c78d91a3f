package sockjs

import (
	"bytes"
	"errors"
	"io"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

func (s *Server) xhrSend(c *fiber.Ctx, id string) error {
	status, problem := s.send(c, id, false)
	if status != fiber.StatusOK {
		return c.Status(status).SendString(problem)
	}
	// Even a 204 has a type: some browsers would try to read it as XML.
	c.Set(fiber.HeaderContentType, "text/plain; charset=UTF-8")
	c.Status(fiber.StatusNoContent)
	return nil
}

func (s *Server) jsonpSend(c *fiber.Ctx, id string) error {
	s.allowFraming(&c.Response().Header) // the answer to a form goes into a frame
	form := bytes.HasPrefix(c.Request().Header.ContentType(), []byte(fiber.MIMEApplicationForm))
	status, problem := s.send(c, id, form)
	if status != fiber.StatusOK {
		return c.Status(status).SendString(problem)
	}
	c.Set(fiber.HeaderContentType, "text/plain; charset=UTF-8")
	return c.SendString("ok") // some browsers do weird things on a 204
}

// send gives a client's messages, the body or the form's d, to its session.
// It says what to answer, because an error handler of the app would put it in
// words of its own. Nothing of the body is looked at, and with
// StreamRequestBody read, before its length and its session are known.
func (s *Server) send(c *fiber.Ctx, id string, form bool) (status int, problem string) {
	setNotCached(c)
	limit := s.cfg.MaxInbound
	if form {
		limit = len("d=") + 3*limit // a byte may be written as %XX
	}
	if c.Request().Header.ContentLength() > limit {
		return fiber.StatusRequestEntityTooLarge, "Payload too large."
	}
	session := s.find(s.key(c, id))
	if session == nil {
		return fiber.StatusNotFound, "Session not found."
	}
	body, err := readBody(c.Request(), limit)
	if err != nil {
		return fiber.StatusBadRequest, "Payload is incomplete."
	}
	if form && len(body) <= limit {
		body = messagesField(body)
	}
	if len(body) > s.cfg.MaxInbound {
		return fiber.StatusRequestEntityTooLarge, "Payload too large."
	}
	switch err := session.push(body, c.Context().Done()); {
	case errors.Is(err, errBusy):
		return fiber.StatusServiceUnavailable, "Session is busy."
	case errors.Is(err, errPayload):
		return fiber.StatusInternalServerError, "Payload expected."
	case err != nil:
		return fiber.StatusInternalServerError, "Broken JSON encoding."
	}
	return fiber.StatusOK, ""
}

// readBody returns the body, or of one that comes as a stream as much as shows
// that it is longer than limit.
func readBody(r *fasthttp.Request, limit int) ([]byte, error) {
	if !r.IsBodyStream() {
		return r.Body(), nil
	}
	return io.ReadAll(io.LimitReader(r.BodyStream(), int64(limit)+1))
}

// messagesField decodes the field d of a form and only that: a parser of
// forms makes 50 times as much of one that is all separators.
func messagesField(form []byte) []byte {
	for more := true; more; {
		var field []byte
		field, form, more = bytes.Cut(form, []byte{'&'})
		if value, found := bytes.CutPrefix(field, []byte("d=")); found {
			return fasthttp.AppendUnquotedArg(nil, value)
		}
	}
	return nil
}
