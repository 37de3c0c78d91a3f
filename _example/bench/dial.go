//go:build linux

package main

import (
	"fmt"
	"sync"
)

// dialUser connects and prepares user, until the server has carried it out.
func dialUser(addr string, d dialect, user int) (*wsConn, error) {
	c, err := dialWS(addr, d.path(user))
	if err != nil {
		return nil, fmt.Errorf("connect user %d: %w", user, err)
	}
	for _, text := range d.hello(user) {
		if err := c.write(wsFrame(opText, []byte(text))); err != nil {
			c.close()
			return nil, fmt.Errorf("greet as user %d: %w", user, err)
		}
	}
	if err := c.await(d.ready); err != nil {
		c.close()
		return nil, fmt.Errorf("greet as user %d: %w", user, err)
	}
	return c, nil
}

// dialUsers connects users first to first+n-1, sixteen at a time.
func dialUsers(addr string, d dialect, first, n int) ([]*wsConn, error) {
	conns := make([]*wsConn, n)
	var group sync.WaitGroup
	var once sync.Once
	var failure error
	for worker := range 16 {
		group.Go(func() { // waited for below
			for i := worker; i < n; i += 16 {
				c, err := dialUser(addr, d, first+i)
				if err != nil {
					once.Do(func() { failure = err })
					return
				}
				conns[i] = c
			}
		})
	}
	group.Wait()
	if failure != nil {
		for _, c := range conns {
			if c != nil {
				c.close()
			}
		}
	}
	return conns, failure
}

func closeAll(conns []*wsConn) {
	for _, c := range conns {
		c.close()
	}
}
