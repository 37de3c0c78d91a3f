//go:build !unix

package ws

import "syscall"

const unix = false

func unread(syscall.RawConn) bool { return false }

func tryWrite(syscall.RawConn, []byte) int { return 0 }
