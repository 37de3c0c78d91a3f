package sockjs

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"github.com/gofiber/fiber/v2"
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
// StreamRequestBody read, before its session is known.
func (s *Server) send(c *fiber.Ctx, id string, form bool) (status int, problem string) {
	setNotCached(c)
	session := s.find(s.key(c, id))
	if session == nil {
		return fiber.StatusNotFound, "Session not found."
	}
	var body io.Reader
	if r := c.Request(); r.IsBodyStream() {
		body = &upload{ctx: c.Context(), body: r.BodyStream(), session: session}
	} else {
		body = bytes.NewReader(r.Body())
	}
	if form {
		body = &formField{r: bufio.NewReader(body)}
	}
	switch err := session.take(body, c.Context().Done()); {
	case errors.Is(err, errLeft):
		return fiber.StatusNotFound, "Session not found."
	case errors.Is(err, errBusy):
		return fiber.StatusServiceUnavailable, "Session is busy."
	case errors.Is(err, errTooLong):
		return fiber.StatusRequestEntityTooLarge, "Payload too large."
	case errors.Is(err, errCut):
		return fiber.StatusBadRequest, "Payload is incomplete."
	case errors.Is(err, errPayload):
		return fiber.StatusInternalServerError, "Payload expected."
	case err != nil:
		return fiber.StatusInternalServerError, "Broken JSON encoding."
	}
	return fiber.StatusOK, ""
}
