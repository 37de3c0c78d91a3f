//go:build !linux

package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "bench: needs Linux: the load generator is built on epoll and reads /proc")
	os.Exit(1)
}
