//go:build !linux

package sockjs

import (
	"net"
	"time"
)

// watchGone cannot look without reading here: a client that left is noticed
// when it does not poll again.
func watchGone(net.Conn) (gone <-chan struct{}, stop func()) { return nil, func() {} }

// limitSilence leaves it to the kernel how long a peer may acknowledge nothing.
func limitSilence(net.Conn, time.Duration) {}
