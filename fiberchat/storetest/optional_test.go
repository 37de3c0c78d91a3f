package storetest_test

import (
	"testing"

	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/storetest"
)

func TestMemoryOptional(t *testing.T) {
	t.Parallel()
	open := func(*testing.T) chat.Store { return storetest.NewMemory() }
	storetest.RunUnconfirmed(t, open)
	storetest.RunCounter(t, open)
	storetest.RunPresence(t, open)
	storetest.RunNotices(t, func(*testing.T) (a, b chat.Store) {
		s := storetest.NewMemory()
		return s, s
	})
	storetest.RunConversations(t, open)
	storetest.RunFinder(t, open)
	storetest.RunOverdue(t, func(*testing.T) (a, b chat.Store) {
		s := storetest.NewMemory()
		return s, s
	})
}
