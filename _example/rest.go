package main

import (
	"errors"
	"log/slog"
	"strings"

	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/sqlstore"
	"github.com/gofiber/fiber/v2"
)

// answer is the body of every REST answer.
type answer struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Content any    `json:"content"`
}

// failure is an answer that is not a success.
type failure struct {
	status, code  int
	name, message string
}

func (f failure) Error() string { return f.name + ": " + f.message }

var (
	errBody        = failure{400, -401, "BadJSON", "the body is neither JSON nor a form"}
	errMismatch    = failure{400, -401, "PasswordMismatch", "the two passwords differ"}
	errManySignIns = failure{429, -400, "RateLimited", "too many attempts, try again in a minute"}
	errNoEndpoint  = failure{404, -404, "NoSuchDestination", "there is nothing at this address"}
)

func missing(field string) error { return failure{400, -401, "MissingField", field + " is missing"} }
func bad(field, want string) error {
	return failure{400, -401, "BadField", field + ": want " + want}
}

// rest makes a Fiber handler of an endpoint, which returns the content of its
// answer, or an error.
func rest(endpoint func(c *fiber.Ctx) (content any, err error)) fiber.Handler {
	return func(c *fiber.Ctx) error {
		c.Set(fiber.HeaderCacheControl, "no-store")
		content, err := endpoint(c)
		if err != nil {
			f := failureOf(err)
			if f.status >= 500 {
				slog.Error("request failed", "path", c.Path(), "error", err)
			}
			return c.Status(f.status).JSON(answer{f.code, f.message, fiber.Map{"error": f.name}})
		}
		return c.JSON(answer{200, "成功", content})
	}
}

// failureOf says what a client is told of an error: nothing about our insides.
func failureOf(err error) failure {
	var f failure
	switch {
	case errors.As(err, &f):
		return f
	case errors.Is(err, chat.ErrUnauthorized):
		return failure{401, -200, "Unauthorized", "the token is missing or not valid"}
	case errors.Is(err, sqlstore.ErrWrongPassword):
		return failure{401, -200, "Unauthorized", "wrong name or password"}
	case errors.Is(err, chat.ErrExpired):
		return failure{401, -202, "TokenExpired", "the token has expired, sign in again"}
	case errors.Is(err, chat.ErrNotFound):
		return failure{404, -404, "UserNotFound", "there is no such user"}
	case errors.Is(err, sqlstore.ErrNameTaken):
		return failure{409, -401, "NameTaken", "this name is taken"}
	case errors.Is(err, sqlstore.ErrBadName), errors.Is(err, sqlstore.ErrBadPassword):
		// These two say what is wrong in words meant for the user.
		return failure{400, -401, "BadField", strings.ReplaceAll(strings.ReplaceAll(err.Error(), "sqlstore: ", ""), "\n", "; ")}
	case errors.Is(err, sqlstore.ErrBusy):
		return failure{503, -400, "RateLimited", "too many sign-ins at once, try again later"}
	default:
		return failure{500, -300, "Internal", "something went wrong, try again"}
	}
}
