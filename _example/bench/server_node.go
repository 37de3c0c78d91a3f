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
	"github.com/prometheus/client_golang/prometheus"

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
type node struct {
	app     *fiber.App
	metrics *prometheus.Registry
}

func openNode(string) (service, error) {
	store, err := sqlstore.Open(os.Getenv(nodeDatabase))
	if err != nil {
		return nil, err
	}
	metrics := prometheus.NewRegistry()
	cfg := fiberchat.Config{Store: store, Limits: fiberchat.Limits{SendRate: -1, SendBytes: -1}, Registerer: metrics}
	if url := os.Getenv(nodeNATS); url != "" {
		nc, err := nats.Connect(url, nats.NoEcho())
		if err != nil {
			return nil, fmt.Errorf("connect to NATS: %w", err)
		}
		cfg.Bus = natsbus.New(nc)
	}
	app := fiber.New(fiber.Config{DisableStartupMessage: true, ReadBufferSize: 16 << 10})
	if _, err := fiberchat.New(app, cfg); err != nil {
		return nil, err
	}
	return node{app, metrics}, nil
}

func (n node) Serve(ln net.Listener) error { return n.app.Listener(ln) }

// commits is how many transactions there were, of how many operations.
type commits struct {
	Count      uint64
	Operations float64
}

// Do "commits" tells what the node has committed.
func (n node) Do(command string, _ int) (any, error) {
	if command != "commits" {
		return nil, fmt.Errorf("unknown command %q", command)
	}
	families, err := n.metrics.Gather()
	if err != nil {
		return nil, fmt.Errorf("gather metrics: %w", err)
	}
	for _, f := range families {
		if f.GetName() == "fiberchat_commit_operations" {
			h := f.GetMetric()[0].GetHistogram()
			return commits{h.GetSampleCount(), h.GetSampleSum()}, nil
		}
	}
	return nil, errors.New("no metric of the commits")
}
