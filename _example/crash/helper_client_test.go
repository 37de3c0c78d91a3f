package crash

import (
	"context"
	"fmt"
	"net"
	"testing"

	"fiberchat.example/_example/rig"
	"fiberchat.example/fiberchat/chattest"
)

func TestMain(m *testing.M) { rig.Main(m) }

// initDone is the receipt of an init.
const initDone = "init"

// narrow leaves what a client does not read to the server after some
// kilobytes, and not after megabytes.
var narrow = chattest.Through(func(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := (&net.Dialer{Timeout: patience}).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return conn, conn.(*net.TCPConn).SetReadBuffer(64 << 10)
})

// connect opens a session without a subscription for messages.
func connect(addr, token string, options ...chattest.Option) (*chattest.Conn, error) {
	c, err := chattest.Open(context.Background(), addr, token, append(options, chattest.Patience(patience))...)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	if err = c.Connect(chattest.SendStatus, chattest.ReceiveStatus, chattest.Failures); err == nil {
		_, err = c.Until(func(f chattest.Frame) bool { return f.Command == "CONNECTED" })
	}
	if err != nil {
		c.Cut()
		return nil, err
	}
	return c, nil
}

// start runs the example on the database file db.
func start(t *testing.T, db string) *rig.Process {
	t.Helper()
	return rig.Start(t, "-db", db, "-rate", "0")
}

// signUpPairs makes the two accounts of each of n pairs.
func signUpPairs(t *testing.T, server *rig.Process, n int) []*pair {
	t.Helper()
	pairs := make([]*pair, n)
	for i := range pairs {
		pairs[i] = newPair(server.SignUp(t, fmt.Sprintf("sender%d", i)), server.SignUp(t, fmt.Sprintf("receiver%d", i)))
	}
	return pairs
}
