package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"strconv"
	"strings"

	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/sqlstore"
	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/utils"
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
	retryAfter    int // seconds; 0 is not said
}

func (f failure) Error() string { return f.name + ": " + f.message }

var (
	errBody       = failure{status: 400, code: -401, name: "BadJSON", message: "the body is neither JSON nor a form"}
	errBodyType   = failure{status: 415, code: -401, name: "BadJSON", message: "the body must be application/json or application/x-www-form-urlencoded"}
	errBodySize   = failure{status: 413, code: -400, name: "TooLarge", message: "the body is too large"}
	errMismatch   = failure{status: 400, code: -401, name: "PasswordMismatch", message: "the two passwords differ"}
	errNoEndpoint = failure{status: 404, code: -404, name: "NoSuchDestination", message: "there is nothing at this address"}
)

func missing(field string) error {
	return failure{status: 400, code: -401, name: "MissingField", message: field + " is missing"}
}

func bad(field, want string) error {
	return failure{status: 400, code: -401, name: "BadField", message: field + ": want " + want}
}

// rest makes a Fiber handler of an endpoint, which returns the content of its
// answer, or an error.
func rest(endpoint func(c *fiber.Ctx) (content any, err error)) fiber.Handler {
	return func(c *fiber.Ctx) error {
		c.Set(fiber.HeaderCacheControl, "no-store")
		c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
		content, err := endpoint(c)
		if err != nil {
			f := failureOf(err)
			switch {
			case f.status == fiber.StatusServiceUnavailable: // a flood's, a line each
				slog.Debug("request refused", "path", c.Path(), "error", err)
			case f.status >= 500:
				slog.Error("request failed", "path", c.Path(), "error", err)
			}
			if f.retryAfter > 0 {
				c.Set(fiber.HeaderRetryAfter, strconv.Itoa(f.retryAfter))
			}
			return c.Status(f.status).JSON(answer{f.code, f.message, fiber.Map{"error": f.name}})
		}
		return c.JSON(answer{200, "成功", content})
	}
}

// failureOf says what a client is told of an error: nothing about our insides.
func failureOf(err error) failure {
	var f failure
	var fromFiber *fiber.Error
	switch {
	case errors.As(err, &f):
		return f
	case errors.Is(err, chat.ErrUnauthorized):
		return failure{status: 401, code: -200, name: "Unauthorized", message: "the token is missing or not valid"}
	case errors.Is(err, sqlstore.ErrWrongPassword):
		return failure{status: 401, code: -200, name: "Unauthorized", message: "wrong name or password"}
	case errors.Is(err, chat.ErrExpired):
		return failure{status: 401, code: -202, name: "TokenExpired", message: "the token has expired, sign in again"}
	case errors.Is(err, chat.ErrNotFound):
		return failure{status: 404, code: -404, name: "UserNotFound", message: "there is no such user"}
	case errors.Is(err, sqlstore.ErrNameTaken):
		return failure{status: 409, code: -401, name: "NameTaken", message: "this name is taken"}
	case errors.Is(err, sqlstore.ErrBadName), errors.Is(err, sqlstore.ErrBadPassword):
		// These two say what is wrong in words meant for the user.
		return failure{status: 400, code: -401, name: "BadField", message: strings.ReplaceAll(strings.ReplaceAll(err.Error(), "sqlstore: ", ""), "\n", "; ")}
	case errors.Is(err, sqlstore.ErrBusy):
		return failure{status: 503, code: -400, name: "RateLimited", message: "too many sign-ins at once, try again later", retryAfter: 5}
	case errors.As(err, &fromFiber):
		return failureOfFiber(fromFiber)
	default:
		return failure{status: 500, code: -300, name: "Internal", message: "something went wrong, try again"}
	}
}

// failureOfFiber says in our shape what Fiber refuses before a handler is asked.
func failureOfFiber(err *fiber.Error) failure {
	switch {
	case err.Code == fiber.StatusNotFound:
		return errNoEndpoint
	case err.Code == fiber.StatusRequestEntityTooLarge:
		return errBodySize
	case err.Code < 500:
		// Without the error's text: of a request that cannot be read it repeats what
		// was sent, which behind a proxy may be somebody else's.
		return failure{status: err.Code, code: -400, name: "BadRequest", message: utils.StatusMessage(err.Code)}
	default:
		return failure{status: err.Code, code: -300, name: "Internal", message: "something went wrong, try again"}
	}
}

// answerError is for all that no endpoint has answered.
func answerError(c *fiber.Ctx, err error) error {
	return rest(func(*fiber.Ctx) (any, error) { return nil, err })(c)
}

// encodeJSON leaves < > and & as they are: each would take six octets, and
// nothing here gets into HTML as it is.
func encodeJSON(v any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(v)
	return bytes.TrimSuffix(out.Bytes(), []byte{'\n'}), err
}
