package natsbus_test

import (
	"bufio"
	"net"
	"strings"
)

// serve is a NATS server for one connection, which answers the pings after
// its first only when answer is closed. It returns when the connection ends.
func serve(ln net.Listener, answer <-chan struct{}) error {
	conn, err := ln.Accept()
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("INFO {\"max_payload\":1048576}\r\n")); err != nil {
		return err
	}
	pings := 0
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		if !strings.HasPrefix(lines.Text(), "PING") {
			continue
		}
		if pings++; pings > 1 {
			<-answer
		}
		if _, err := conn.Write([]byte("PONG\r\n")); err != nil {
			return err
		}
	}
	return nil
}
