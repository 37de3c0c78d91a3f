package middleware

import (
	"errors"

	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/middleware/origins"
	"github.com/gofiber/fiber/v2"
)

// refuse is the default ErrorHandler.
func refuse(c *fiber.Ctx, err error) error {
	type content struct {
		Error string `json:"error"`
	}
	type body struct {
		Code    int     `json:"code"`
		Message string  `json:"message"`
		Content content `json:"content"`
	}
	switch {
	case errors.Is(err, chat.ErrExpired):
		return c.Status(fiber.StatusUnauthorized).JSON(body{-202, "the token has expired, sign in again", content{"TokenExpired"}})
	case errors.Is(err, chat.ErrUnauthorized):
		return c.Status(fiber.StatusUnauthorized).JSON(body{-200, "the token is missing or not valid", content{"Unauthorized"}})
	default:
		return c.Status(fiber.StatusServiceUnavailable).JSON(body{-300, "the token cannot be checked now, try again", content{"StoreUnavailable"}})
	}
}

// allowOrigin sets the CORS headers of a refusal as the SockJS door sets them
// on success: sockjs-client asks with credentials, for which "*" is not enough.
func allowOrigin(c *fiber.Ctx, allowed origins.List) {
	c.Vary(fiber.HeaderOrigin)
	origin := c.Get(fiber.HeaderOrigin)
	switch {
	case !allowed.Allows(origin):
	case origin == "":
		c.Set(fiber.HeaderAccessControlAllowOrigin, "*")
	default:
		c.Set(fiber.HeaderAccessControlAllowOrigin, origin)
		c.Set(fiber.HeaderAccessControlAllowCredentials, "true")
	}
}
