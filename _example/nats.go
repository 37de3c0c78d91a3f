package main

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	"fiberchat.example/fiberchat"
	"fiberchat.example/fiberchat/natsbus"
	"github.com/nats-io/nats.go"
)

// joinNATS connects to the other nodes; without a URL there are none. leave
// is called after the chat has ended.
func joinNATS(servers string) (bus fiberchat.Bus, leave func(), err error) {
	if servers == "" {
		return nil, func() {}, nil
	}
	nc, err := nats.Connect(servers,
		nats.Name("fiberchat"),
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
		if bad := (*url.Error)(nil); errors.As(err, &bad) {
			err = bad.Err // without the URL, which may hold a password
		}
		return nil, nil, fmt.Errorf("connect to NATS: %w", err)
	}
	b := natsbus.New(nc)
	return b, func() {
		b.Close()
		nc.Close()
	}, nil
}
