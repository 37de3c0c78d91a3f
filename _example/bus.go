package main

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	"fiberchat.example/fiberchat"
	"fiberchat.example/fiberchat/natsbus"
	"fiberchat.example/fiberchat/redisbus"
	"github.com/nats-io/nats.go"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
)

// joinBus connects to the other nodes, which meet at one of the two; without
// a URL there are none. leave is called after the chat has ended.
func joinBus(natsURL, redisURL string) (bus fiberchat.Bus, leave func(), err error) {
	switch {
	case natsURL != "" && redisURL != "":
		return nil, nil, errors.New("-nats and -redis: want one of them, nodes meet at one place")
	case natsURL != "":
		return joinNATS(natsURL)
	case redisURL != "":
		return joinRedis(redisURL)
	}
	return nil, func() {}, nil
}

func joinNATS(servers string) (bus fiberchat.Bus, leave func(), err error) {
	nc, err := nats.Connect(servers,
		nats.Name("fiberchat"),
		nats.NoEcho(), // a node has no use for what it published itself
		// A node serves without NATS too: it starts, and goes on, until NATS is there.
		nats.RetryOnFailedConnect(true),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(500*time.Millisecond),
		// A server that vanished without a word is noticed within 15 s.
		nats.PingInterval(5*time.Second),
		nats.MaxPingsOutstanding(2),
		nats.FlusherTimeout(5*time.Second),
	)
	if err != nil {
		return nil, nil, fmt.Errorf("connect to NATS: %w", withoutURL(err))
	}
	b := natsbus.New(nc)
	return b, func() {
		b.Close()
		nc.Close()
	}, nil
}

func joinRedis(address string) (bus fiberchat.Bus, leave func(), err error) {
	o, err := redis.ParseURL(address)
	if err != nil {
		return nil, nil, fmt.Errorf("connect to Redis: %w", withoutURL(err))
	}
	o.ContextTimeoutEnabled = true
	// What cannot be published now is found in the database: better to say so
	// than to try for long, while more is waiting.
	o.DialerRetries, o.MaxRetries = 1, 1
	logging.Disable() // go-redis logs each attempt; chat logs that the bus is down
	client := redis.NewClient(o)
	b := redisbus.New(client)
	return b, func() {
		b.Close()
		client.Close()
	}, nil
}

// withoutURL leaves out the URL, which may hold a password.
func withoutURL(err error) error {
	if bad := (*url.Error)(nil); errors.As(err, &bad) {
		return bad.Err
	}
	return err
}
