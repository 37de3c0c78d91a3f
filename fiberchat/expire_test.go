package fiberchat

import (
	"testing"
	"testing/synctest"
	"time"

	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/storetest"
)

// TestExpiresOnTime: a session ends at the moment its token does.
func TestExpiresOnTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ch := openChat(t, storetest.NewMemory(), quiet())
		c, end := newPipe(), time.Now().Add(5*time.Second)
		identity := chat.Identity{TokenID: "t1", User: chat.User{ID: 1, Name: "u1"}, ExpiresAt: end}
		go ch.serve(c, identity, "pipe", "", time.Now()) // Close waits for it
		c.in <- "CONNECT\naccept-version:1.2\n\n\x00"
		c.want(t, "CONNECTED")
		c.want(t, "message:token-expired")
		if !time.Now().Equal(end) {
			t.Error("this long after the token:", time.Since(end))
		}
		<-c.over
	})
}
