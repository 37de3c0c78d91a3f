package middleware_test

import (
	"context"
	"fmt"
	"io"
	"net/http/httptest"

	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/middleware"
	"github.com/gofiber/fiber/v2"
)

// tokens is an Authenticator of the app's own.
type tokens map[string]chat.User

func (t tokens) Authenticate(_ context.Context, token string) (chat.Identity, error) {
	user, ok := t[token]
	if !ok {
		return chat.Identity{}, chat.ErrUnauthorized
	}
	return chat.Identity{User: user}, nil
}

func ExampleNew() {
	app := fiber.New()
	app.Use(middleware.New(middleware.Config{
		Authenticator: tokens{"f00d": {ID: 1, Name: "wususu"}},
	}))
	app.Get("/me", func(c *fiber.Ctx) error {
		return c.SendString(middleware.User(c).Name)
	})

	for _, url := range []string{"/me?srect=f00d", "/me"} {
		res, err := app.Test(httptest.NewRequest("GET", url, nil))
		if err != nil {
			panic(err)
		}
		body, err := io.ReadAll(res.Body)
		if err != nil {
			panic(err)
		}
		fmt.Println(res.StatusCode, string(body))
	}
	// Output:
	// 200 wususu
	// 401 {"code":-200,"message":"the token is missing or not valid","content":{"error":"Unauthorized"}}
}

func ExampleConfig() {
	app := fiber.New()
	app.Use("/reports", middleware.New(middleware.Config{
		Authenticator: tokens{"f00d": {ID: 1, Name: "wususu"}},
		Query:         "key",
		Next:          func(c *fiber.Ctx) bool { return c.Path() == "/reports/public" },
		ErrorHandler: func(c *fiber.Ctx, err error) error {
			return c.Redirect("/login")
		},
	}))
	app.Get("/reports/:name", func(c *fiber.Ctx) error { return c.SendString(c.OriginalURL()) })

	for _, url := range []string{"/reports/public", "/reports/mine?key=f00d", "/reports/mine"} {
		res, err := app.Test(httptest.NewRequest("GET", url, nil))
		if err != nil {
			panic(err)
		}
		body, err := io.ReadAll(res.Body)
		if err != nil {
			panic(err)
		}
		fmt.Println(res.StatusCode, string(body))
	}
	// Output:
	// 200 /reports/public
	// 200 /reports/mine?key=xxxx
	// 302
}

// A client that can set headers keeps its token out of URLs.
func ExampleConfig_header() {
	app := fiber.New()
	app.Use(middleware.New(middleware.Config{
		Authenticator: tokens{"f00d": {ID: 1, Name: "wususu"}},
		Header:        "Authorization",
	}))
	app.Get("/me", func(c *fiber.Ctx) error {
		return c.SendString(middleware.User(c).Name + ": " + c.Get("Authorization"))
	})

	req := httptest.NewRequest("GET", "/me", nil)
	req.Header.Set("Authorization", "Bearer f00d")
	res, err := app.Test(req)
	if err != nil {
		panic(err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		panic(err)
	}
	fmt.Println(res.StatusCode, string(body))
	// Output: 200 wususu: xxxxxxxxxxx
}

// A route that needs no token, and may be asked with one.
func ExampleMask() {
	app := fiber.New()
	app.Get("/about", func(c *fiber.Ctx) error {
		middleware.Mask(c)
		return c.SendString(c.OriginalURL())
	})

	res, err := app.Test(httptest.NewRequest("GET", "/about?srect=f00d", nil))
	if err != nil {
		panic(err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		panic(err)
	}
	fmt.Printf("%s\n", body)
	// Output: /about?srect=xxxx
}
