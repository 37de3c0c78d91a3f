package storetest

import (
	"testing"

	"fiberchat.example/fiberchat/chat"
)

func TestMemory(t *testing.T) {
	Run(t, func(*testing.T) chat.Store { return NewMemory() })
}

func TestMemoryShared(t *testing.T) {
	RunShared(t, func(*testing.T) (a, b chat.Store) {
		s := NewMemory()
		return s, s
	})
}
