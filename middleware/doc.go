// Package middleware checks the token in a request's query (srect by custom),
// or in a header where Config names one, and gives the handlers behind it the user. It is what guards the
// chat doors, and it works alone on any Fiber route:
//
//	app.Use("/private", middleware.New(middleware.Config{Authenticator: store}))
//	app.Get("/private/me", func(c *fiber.Ctx) error {
//		return c.SendString(middleware.User(c).Name)
//	})
//
// # Signatures
//
//	func New(config ...Config) fiber.Handler
//	func User(c *fiber.Ctx, contextKey ...string) chat.User
//	func Identity(c *fiber.Ctx, contextKey ...string) chat.Identity
//	func Mask(c *fiber.Ctx, query ...string)
//
// # What it answers
//
// A request is refused before any later handler sees it:
//
//	token missing, too long, or not known   401  {"code":-200,"message":"...","content":{"error":"Unauthorized"}}
//	token has ended                         401  {"code":-202,"message":"...","content":{"error":"TokenExpired"}}
//	Authenticator failed, was late, panicked 503 {"code":-300,"message":"...","content":{"error":"StoreUnavailable"}}
//
// A refusal carries CORS headers, so that a page of another origin can read
// why. It is up to the app to give a success its own.
//
// # The token stays out of logs
//
// After the check, and before SuccessHandler or ErrorHandler runs, the token
// is overwritten with x in all that a handler or logger can read of the
// request: URL, query, parsed arguments, Referer and other headers that repeat
// the URL as it is, and the header that held it; a cookie, and a URL within another one's query, are left.
// Requests skipped by Next, and those that never come here because only
// app.Get has the path, are not masked: call Mask yourself, or mount this
// middleware with Use. The error of an Authenticator is logged with xxxx in the
// place of a token of 8 bytes and more. A logger that
// stands before this middleware and writes after Next (Fiber's own does) never
// shows the token; one that reads before Next does.
//
// # Default Config
//
//	Config{
//		Next:           nil,
//		Authenticator:  nil, // required
//		Query:          "srect",
//		Header:         "", // none
//		ContextKey:     "fiberchat.identity",
//		AllowOrigins:   nil, // any
//		Timeout:        5 * time.Second,
//		Logger:         slog.Default(),
//		SuccessHandler: func(c *fiber.Ctx) error { return c.Next() },
//		ErrorHandler:   // the table above
//	}
//
// # Files
//
//	config.go      Config
//	middleware.go  New, Identity and User
//	mask.go        Mask
//	refuse.go      the answers to refused requests
package middleware
