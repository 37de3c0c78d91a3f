//go:build !unix

package ws

import "syscall"

func unread(syscall.RawConn) bool { return false }

func tryWrite(syscall.RawConn, []byte) int { return 0 }
