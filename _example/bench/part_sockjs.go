//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
)

// measureSockJS is the memory of a connected client that says nothing and
// came in through a SockJS stream.
func measureSockJS(o options, r *report) error {
	server, err := startChild("fiberchat", o.dir)
	if err != nil {
		return err
	}
	defer server.stop()
	for user := range warmConns {
		fd, err := openStream(server.addr, idleConns+user)
		if err != nil {
			return err
		}
		defer syscall.Close(fd)
	}
	before, err := server.settled()
	if err != nil {
		return err
	}
	for user := range idleConns {
		fd, err := openStream(server.addr, user)
		if err != nil {
			return err
		}
		defer syscall.Close(fd)
	}
	after, err := server.settled()
	if err != nil {
		return err
	}
	each := after.growth(before, idleConns)
	r.table(fmt.Sprintf("%d idle SockJS streams (xhr_streaming), subscribed", idleConns), append([]string{"each"}, memoryColumns...)...)
	r.row(append([]string{"fiberchat"}, each.cells()...)...)
	r.atMost("idle SockJS stream, resident", float64(each.RSS)/1024, 32, " KiB")
	return nil
}

// openStream opens a session by xhr_streaming, greets by xhr_send as every
// client does, and returns the socket of the stream.
func openStream(addr string, user int) (int, error) {
	session := fmt.Sprintf("/socketServer/000/bench%03d/", user)
	query := "?srect=" + tokenOf(user)
	fd, err := dialTCP(addr)
	if err != nil {
		return -1, err
	}
	stream := &wsConn{fd: fd}
	err = stream.write([]byte("POST " + session + "xhr_streaming" + query + " HTTP/1.1\r\nHost: " + addr + "\r\nContent-Length: 0\r\n\r\n"))
	if err == nil {
		err = readPast(fd, "o\n")
	}
	if err == nil {
		err = xhrSend("http://"+addr+session+"xhr_send"+query, stompDialect.hello(user))
	}
	if err == nil {
		err = readPast(fd, "RECEIPT")
	}
	if err != nil {
		stream.close()
		return -1, fmt.Errorf("open stream of user %d: %w", user, err)
	}
	return fd, nil
}

// readPast reads until want has come.
func readPast(fd int, want string) error {
	var got []byte
	buf := make([]byte, 4096)
	for !bytes.Contains(got, []byte(want)) {
		n, err := readFD(fd, buf)
		if err != nil {
			return fmt.Errorf("wait for %q: %w", want, err)
		}
		got = append(got, buf[:n]...)
		if bytes.HasPrefix(got, []byte("HTTP/1.1 4")) {
			return fmt.Errorf("wait for %q: refused: %.100q", want, got)
		}
	}
	return nil
}

func xhrSend(url string, frames []string) error {
	body, err := json.Marshal(frames)
	if err != nil {
		return fmt.Errorf("encode frames: %w", err)
	}
	// It is the generator's only use of net/http; the connection it keeps for
	// the next request is one for all sessions.
	answer, err := http.Post(url, "text/plain", strings.NewReader(string(body)))
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	if answer.StatusCode != http.StatusNoContent {
		return fmt.Errorf("xhr_send: %s", answer.Status)
	}
	return nil
}
