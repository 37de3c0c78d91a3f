package fiberchat

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
)

// appOf returns the app of a router, nil where there is none. A group keeps it
// to itself; where Fiber changes that, chat does without what it is for: to
// look for a second chat and for Prefork, and to close before the first request.
func appOf(router fiber.Router) *fiber.App {
	switch r := router.(type) {
	case *fiber.App:
		return r
	case *fiber.Group:
		if r == nil {
			return nil
		}
		app := reflect.ValueOf(r).Elem().FieldByName("app")
		if app.IsValid() && app.Type() == reflect.TypeFor[*fiber.App]() {
			return (*fiber.App)(app.UnsafePointer())
		}
	}
	return nil
}

// checkRouter refuses a router on which chat would not be reached.
func checkRouter(router fiber.Router, app *fiber.App, bus Bus) error {
	if router == nil || reflect.ValueOf(router).IsZero() {
		return errors.New("fiberchat: New needs an app or a group to add chat to, not nil")
	}
	if bus == nil && (fiber.IsChild() || app != nil && app.Config().Prefork) {
		return errors.New("fiberchat: Prefork runs the app in several processes, which cannot reach each other's clients without a Config.Bus")
	}
	if app == nil {
		return nil
	}
	door := "/client"
	if group, ok := router.(*fiber.Group); ok {
		door = strings.TrimRight(group.Prefix, "/") + door
	}
	for _, route := range app.GetRoutes(true) {
		if route.Method == fiber.MethodGet && (route.Path == door || !app.Config().CaseSensitive && strings.EqualFold(route.Path, door)) {
			return fmt.Errorf("fiberchat: GET %s is taken, by another chat or a route of the app: a second chat needs a prefix of its own", door)
		}
	}
	return nil
}

// startKey is where watch leaves the time.
const startKey = "fiberchat.start"

// startOf is when a request began, before anybody looked at its token: whom
// the app disconnects between that look and the session's start is not missed.
func startOf(c *fiber.Ctx) time.Time {
	at, _ := c.Locals(startKey).(time.Time)
	return at
}

// watch notes when a request began and whether it has a ticket, and at the first one which app serves it.
func (ch *Chat) watch(c *fiber.Ctx) error {
	c.Locals(startKey, time.Now())
	withRequest(c)
	if stopping := c.Context().Done(); stopping != nil { // app.Test has no server
		ch.watched.Do(func() { ch.servedBy(c.App(), stopping) })
	}
	return c.Next()
}

// servedBy closes chat when the app that listens begins to shut down, which is
// when stopping is closed, and has its Shutdown wait for that. Only a request
// shows which one it is: chat may be on an app that another one has mounted.
func (ch *Chat) servedBy(app *fiber.App, stopping <-chan struct{}) {
	go func() { // ends with the server or with Close
		select {
		case <-stopping:
			if err := ch.closeWithin(shutdownTime); err != nil {
				ch.cfg.Logger.Error("close chat", "error", err)
			}
		case <-ch.closing:
		}
	}()
	if app == ch.app {
		return
	}
	ch.warnOfSmallHead(app)
	hooked := make(chan struct{})
	go func() { // ends at once, or with a Shutdown that has begun, whose lock it needs
		ch.closeWith(app)
		close(hooked)
	}()
	select {
	case <-hooked:
	case <-stopping: // which waits for this request
	}
}

// minReadBuffer is a request's head with the longest token, 4 KiB, and as much
// of cookies and other headers.
const minReadBuffer = 8 << 10

// warnOfSmallHead is for the app that listens; until a request shows which one
// that is, New takes it for its router's.
func (ch *Chat) warnOfSmallHead(app *fiber.App) {
	if size := app.Config().ReadBufferSize; size < minReadBuffer {
		ch.cfg.Logger.Warn("the app's ReadBufferSize is too small for a long token beside a browser's cookies, which get HTTP 431: set fiber.Config{ReadBufferSize: 16 << 10}", "size", size)
	}
}
