package sockjs

import (
	"bytes"
	"errors"

	"github.com/gofiber/fiber/v2"
)

func (s *Server) xhrSend(c *fiber.Ctx, id string) error {
	status, problem := s.send(c, id, c.Request().Body())
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
	body := c.Request().Body()
	if bytes.HasPrefix(c.Request().Header.ContentType(), []byte(fiber.MIMEApplicationForm)) {
		body = c.Context().PostArgs().Peek("d")
	}
	status, problem := s.send(c, id, body)
	if status != fiber.StatusOK {
		return c.Status(status).SendString(problem)
	}
	c.Set(fiber.HeaderContentType, "text/plain; charset=UTF-8")
	return c.SendString("ok") // some browsers do weird things on a 204
}

// send gives a client's messages to its session. It says what to answer,
// because an error handler of the app would put it in words of its own.
func (s *Server) send(c *fiber.Ctx, id string, body []byte) (status int, problem string) {
	setNotCached(c)
	if len(body) > s.cfg.MaxInbound {
		return fiber.StatusRequestEntityTooLarge, "Payload too large."
	}
	session := s.find(sessionKey{user: s.cfg.Key(c), id: id})
	if session == nil {
		return fiber.StatusNotFound, "Session not found."
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
