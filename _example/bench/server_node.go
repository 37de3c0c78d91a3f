//go:build linux

package main

import (
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/gofiber/fiber/v2"
	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/nats-io/nats.go"

	"fiberchat.example/fiberchat"
	"fiberchat.example/fiberchat/natsbus"
	"fiberchat.example/sqlstore"
)

// The parent tells its nodes by the environment where they meet.
const (
	nodeDatabase = "FIBERCHAT_BENCH_DATABASE"
	nodeNATS     = "FIBERCHAT_BENCH_NATS" // empty: the node is alone
)

// node is fiberchat as one of several.
type node struct{ app *fiber.App }

func openNode(string) (service, error) {
	store, err := sqlstore.Open(os.Getenv(nodeDatabase))
	if err != nil {
		return nil, err
	}
	cfg := fiberchat.Config{Store: store, Limits: fiberchat.Limits{SendRate: -1}}
	if url := os.Getenv(nodeNATS); url != "" {
		nc, err := nats.Connect(url)
		if err != nil {
			return nil, fmt.Errorf("connect to NATS: %w", err)
		}
		cfg.Bus = natsbus.New(nc)
	}
	app := fiber.New(fiber.Config{DisableStartupMessage: true})
	if _, err := fiberchat.New(app, cfg); err != nil {
		return nil, err
	}
	return node{app}, nil
}

func (n node) Serve(ln net.Listener) error { return n.app.Listener(ln) }

// Do has no commands.
func (n node) Do(string, int) (any, error) { return nil, errors.New("unknown command") }
