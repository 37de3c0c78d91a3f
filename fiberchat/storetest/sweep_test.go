package storetest_test

import (
	"testing"

	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/storetest"
)

func TestMemorySweeper(t *testing.T) {
	t.Parallel()
	storetest.RunSweeper(t, func(*testing.T) chat.Store { return storetest.NewMemory() })
}
