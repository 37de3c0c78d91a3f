package sqlstore_test

import (
	"path/filepath"
	"testing"

	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/storetest"
	"fiberchat.example/sqlstore"
)

func TestSweeper(t *testing.T) {
	t.Parallel()
	storetest.RunSweeper(t, func(t *testing.T) chat.Store {
		s, err := sqlstore.Open(filepath.Join(t.TempDir(), "chat.db"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Error("close:", err)
			}
		})
		return s
	})
}
