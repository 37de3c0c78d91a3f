package fiberchat_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"strings"

	"github.com/gofiber/fiber/v2"

	"fiberchat.example/fiberchat"
	"fiberchat.example/fiberchat/storetest"
	"fiberchat.example/middleware"
)

// A page asks for a ticket with its token in a header, and connects with the
// ticket: no URL ever has the token, and what a log shows of the ticket is no
// use once the page is connected, or a minute later.
func ExampleChat_Ticket() {
	app := fiber.New(fiber.Config{ReadBufferSize: 16 << 10})
	chats, err := fiberchat.New(app, fiberchat.Config{
		Store: storetest.NewMemory(), Authenticator: ourMembers, Directory: ourMembers,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer chats.Close(context.Background())
	app.Post("/ticket", middleware.New(middleware.Config{Authenticator: ourMembers, Header: "Authorization"}), func(c *fiber.Ctx) error {
		ticket, err := chats.Ticket(c.UserContext(), middleware.Identity(c))
		if err != nil {
			return err
		}
		return c.SendString(ticket)
	})

	ask := httptest.NewRequest("POST", "/ticket", nil)
	ask.Header.Set("Authorization", "Bearer token-of-wususu")
	resp, err := app.Test(ask)
	if err != nil {
		log.Fatal(err)
	}
	ticket, err := io.ReadAll(resp.Body)
	if err != nil {
		log.Fatal(err)
	}
	// The page: new WebSocket("wss://.../client?srect=" + ticket), or new
	// SockJS(".../socketServer?srect=" + ticket), which asks for info first.
	resp, err = app.Test(httptest.NewRequest("GET", "/socketServer/info?srect="+string(ticket), nil))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(strings.HasPrefix(string(ticket), "fiberchat-ticket."), resp.StatusCode)
	// Output: true 200
}

// Nodes that share a bus share a key too: 32 bytes, kept where the app's other
// secrets are.
func ExampleConfig_ticketKey() {
	key := make([]byte, 32) // from the environment, and not made at each start
	_, _ = rand.Read(key)
	chats, err := fiberchat.New(fiber.New(fiber.Config{ReadBufferSize: 16 << 10}), fiberchat.Config{
		Store: storetest.NewMemory(), Authenticator: ourMembers, Directory: ourMembers,
		TicketKey: key,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer chats.Close(context.Background())

	_, err = fiberchat.New(fiber.New(), fiberchat.Config{
		Store: storetest.NewMemory(), Authenticator: ourMembers, Directory: ourMembers,
		TicketKey: []byte("too short"),
	})
	fmt.Println(err)
	// Output: fiberchat: Config.TicketKey has 9 bytes, want at least 32 from a random generator
}
