//go:build linux

package main

import (
	"fmt"
	"net"
	"strconv"
	"sync"

	"github.com/gofiber/contrib/websocket"
	"github.com/gofiber/fiber/v2"
)

// Sizes of fiberchat's frames in this exchange, so that the relay moves as
// many bytes.
const (
	statusSize  = 180
	messageSize = 370
)

// relay knows which user talks to which and nothing else: a frame from one
// of a pair goes to the other, and a canned status comes back.
type relay struct {
	mu    sync.RWMutex
	users map[int]*relayClient
}

type relayClient struct {
	mu sync.Mutex // one writer at a time, as the library asks
	ws *websocket.Conn
}

func openRelay(string) (service, error) { return &relay{users: map[int]*relayClient{}}, nil }

func (r *relay) Do(command string, _ int) (any, error) {
	return nil, fmt.Errorf("unknown command %q", command)
}

func (r *relay) Serve(ln net.Listener) error {
	app := fiber.New(fiber.Config{DisableStartupMessage: true})
	app.Get("/client", websocket.New(r.serve))
	return app.Listener(ln)
}

func (r *relay) serve(ws *websocket.Conn) {
	user, err := strconv.Atoi(ws.Query("user"))
	if err != nil {
		return
	}
	me := &relayClient{ws: ws}
	r.mu.Lock()
	r.users[user] = me
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		delete(r.users, user)
		r.mu.Unlock()
	}()

	// Even users send to the next one, odd ones confirm.
	sends := user%2 == 0
	status := make([]byte, statusSize)
	status[0] = 'c'
	if sends {
		status[0] = 's'
	}
	message := make([]byte, messageSize)
	if me.write([]byte("welcome")) != nil {
		return
	}
	for {
		_, p, err := ws.ReadMessage()
		if err != nil {
			return
		}
		copy(status[1:], p[1:1+idSize])
		if me.write(status) != nil {
			return
		}
		if !sends {
			continue
		}
		copy(message, p)
		r.mu.RLock()
		peer := r.users[user+1]
		r.mu.RUnlock()
		if peer != nil && peer.write(message) != nil {
			return
		}
	}
}

func (c *relayClient) write(p []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ws.WriteMessage(websocket.TextMessage, p)
}
