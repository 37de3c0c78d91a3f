package stomp

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// A MESSAGE that may be acknowledged says by which value, in each version's
// header; ACK takes it in either header, and what names nothing changes nothing.
func TestAck(t *testing.T) {
	t.Parallel()
	for _, v := range []Version{V10, V11, V12} {
		t.Run(v.String(), func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				c := start(t, newPipe(), testConfig(), &recorder{})
				c.send("CONNECT\naccept-version:" + v.String() + "\n\n\x00")
				c.want("CONNECTED\nversion:" + v.String())
				c.send(frame("SUBSCRIBE", "id:a", "destination:/a", "ack:auto") + frame("SUBSCRIBE", "id:c", "destination:/a", "ack:client") +
					frame("SUBSCRIBE", "id:i", "destination:/a", "ack:client-individual", "receipt:r"))
				c.want("RECEIPT")
				names := make(map[string]string)
				for i, sub := range c.handler.subs {
					c.session.Message(sub, int64(255+i), []byte("{}"))
					head, _, _ := strings.Cut(c.next(), "\n\n")
					for line := range strings.SplitSeq(head, "\n") {
						if key, value, _ := strings.Cut(line, ":"); key == "ack" || key == "message-id" {
							names[sub.ID+" "+key] = value
						}
					}
				}
				want := map[string]string{"a message-id": "1", "c message-id": "2-2-256", "i message-id": "3-3-257"}
				if v == V12 {
					want["c ack"], want["i ack"] = "2-2-256", "3-3-257"
				}
				if fmt.Sprint(names) != fmt.Sprint(want) {
					t.Errorf("got %v, want %v", names, want)
				}
				for _, header := range []string{"id:2-2-256", "message-id:3-3-257", "id:3-3-9", "id:1", "message-id:1", "id:4-4-1", "id:1-1-255",
					"id:", "id:x", "id:2-2", "id:2--2", "id:2-2-99999999999999999999", "a:b"} {
					c.send(frame("ACK", header, "receipt:"+header[:1]) + frame("NACK", header, "receipt:n"))
					c.want("RECEIPT\nreceipt-id:"+header[:1], "RECEIPT\nreceipt-id:n")
				}
				c.send(frame("UNSUBSCRIBE", "id:c") + frame("ACK", "id:2-2-256", "receipt:r"))
				c.want("RECEIPT")
				if got, want := c.handler.noted()[3:], []string{"ack c 256", "ack i 257", "ack i 9", "unsubscribe c"}; !slices.Equal(got, want) {
					t.Errorf("got %q, want %q", got, want)
				}
			})
		})
	}
}

// STOMP 1.0 as its text has it.
func TestVersion10(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		c := start(t, newPipe(), testConfig(), &recorder{})
		c.send("CONNECT\nlogin: a\npasscode: b\n\nignored\x00\n")
		c.want("CONNECTED\nversion:1.0\n")
		c.send("SUBSCRIBE\ndestination: /a\nack: auto\n\nignored\x00" + frame("SUBSCRIBE", "destination:/a") +
			frame("SUBSCRIBE", "destination:/a", "id: x7") + "SEND\ndestination:/s\ncontent-length: 2\nreceipt:  r s \n\n\x00\x00\x00")
		c.want("RECEIPT\nreceipt-id:r s \n")
		for i, sub := range c.handler.subs {
			c.session.Message(sub, 1, []byte("{}"))
			c.want(fmt.Sprintf("MESSAGE\n%sdestination:/a\ncontent-type:application/json\nmessage-id:%d\n", []string{"", "", "subscription:x7\n"}[i], i+1))
		}
		c.send(frame("UNSUBSCRIBE", "destination:/b") + frame("UNSUBSCRIBE", "id:nobody") + frame("UNSUBSCRIBE", "destination:/a") +
			frame("UNSUBSCRIBE", "destination:/a") + frame("UNSUBSCRIBE", "destination:/a", "receipt:s"))
		c.want("RECEIPT\nreceipt-id:s\n")
		want := []string{"subscribe  /a", "subscribe  /a", "subscribe x7 /a", "send /s \x00\x00", "unsubscribe ", "unsubscribe ", "unsubscribe x7"}
		if got := c.handler.noted(); !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		c.send(frame("UNSUBSCRIBE", "receipt:t"))
		c.fails("bad-frame", "t", CloseProtocolError)
	})
}
