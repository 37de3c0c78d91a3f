package fiberchat_test

import (
	"fmt"
	"strings"
	"testing"

	"fiberchat.example/fiberchat"
)

// TestMalformedFrames is every way to break PROTOCOL section 3 that ends a
// session: an ERROR with its token, then a close with its code.
func TestMalformedFrames(t *testing.T) {
	t.Parallel()
	const (
		hello11 = "CONNECT\naccept-version:1.1\n\n\x00"
		hello10 = "CONNECT\n\n\x00"
		hello12 = "CONNECT\naccept-version:1.2\n\n\x00"
		send    = "SEND\ndestination:/socket/chat/send\n"
	)
	many := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "h%d:x\n", i)
		}
		return b.String()
	}
	cases := []struct {
		name, first, frame, token string
		code                      int
	}{
		{"SEND first", "", send + "\n{}\x00", "bad-frame", 1002},
		{"SUBSCRIBE first", "", "SUBSCRIBE\nid:1\ndestination:" + failures + "\n\n\x00", "bad-frame", 1002},
		{"DISCONNECT first", "", "DISCONNECT\n\n\x00", "bad-frame", 1002},
		{"unknown command first", "", "HELLO\n\n\x00", "unknown-command", 1002},
		{"second CONNECT", hello12, hello12, "bad-frame", 1002},
		{"second STOMP", hello12, "STOMP\naccept-version:1.2\n\n\x00", "bad-frame", 1002},
		{"no common version", "", "CONNECT\naccept-version:2.0,0.9\n\n\x00", "version-not-supported", 1002},
		{"empty accept-version", "", "CONNECT\naccept-version:\n\n\x00", "version-not-supported", 1002},
		{"heart-beat with one number", "", "CONNECT\naccept-version:1.2\nheart-beat:10\n\n\x00", "bad-frame", 1002},
		{"heart-beat with three", "", "CONNECT\naccept-version:1.2\nheart-beat:1,2,3\n\n\x00", "bad-frame", 1002},
		{"heart-beat negative", "", "CONNECT\naccept-version:1.2\nheart-beat:-1,0\n\n\x00", "bad-frame", 1002},
		{"heart-beat empty", "", "CONNECT\naccept-version:1.2\nheart-beat:\n\n\x00", "bad-frame", 1002},
		{"heart-beat with a fraction", "", "CONNECT\naccept-version:1.2\nheart-beat:1.5,0\n\n\x00", "bad-frame", 1002},
		{"CONNECT with a body", "", "CONNECT\naccept-version:1.2\n\nx\x00", "bad-frame", 1002},

		{"unknown command", hello12, "HELLO\n\n\x00", "unknown-command", 1002},
		{"lower case", hello12, "send\ndestination:/socket/chat/send\n\n{}\x00", "unknown-command", 1002},
		{"space before the command", hello12, " SEND\ndestination:/socket/chat/send\n\n{}\x00", "unknown-command", 1002},
		{"space after the command", hello12, "SEND \ndestination:/socket/chat/send\n\n{}\x00", "unknown-command", 1002},
		{"server's MESSAGE", hello12, "MESSAGE\ndestination:/user/2/recive\nmessage-id:1\nsubscription:1\n\n{}\x00", "unknown-command", 1002},
		{"server's CONNECTED", hello12, "CONNECTED\nversion:1.2\n\n\x00", "unknown-command", 1002},
		{"server's RECEIPT", hello12, "RECEIPT\nreceipt-id:1\n\n\x00", "unknown-command", 1002},
		{"server's ERROR", hello12, "ERROR\nmessage:x\n\n\x00", "unknown-command", 1002},

		{"BEGIN", hello12, "BEGIN\ntransaction:1\n\n\x00", "transactions-unsupported", 1002},
		{"BEGIN of none", hello12, "BEGIN\n\n\x00", "transactions-unsupported", 1002},
		{"COMMIT", hello12, "COMMIT\ntransaction:1\n\n\x00", "transactions-unsupported", 1002},
		{"ABORT", hello12, "ABORT\ntransaction:1\n\n\x00", "transactions-unsupported", 1002},
		{"SEND in a transaction", hello12, send + "transaction:1\n\n{}\x00", "transactions-unsupported", 1002},
		{"ACK in a transaction", hello12, "ACK\nid:1\ntransaction:1\n\n\x00", "transactions-unsupported", 1002},

		{"SEND without destination", hello12, "SEND\n\n{}\x00", "bad-frame", 1002},
		{"SEND with an empty one", hello12, "SEND\ndestination:\n\n{}\x00", "bad-frame", 1002},
		{"SUBSCRIBE without destination", hello12, "SUBSCRIBE\nid:1\n\n\x00", "bad-frame", 1002},
		{"unknown ack", hello12, "SUBSCRIBE\nid:1\nack:maybe\ndestination:" + failures + "\n\n\x00", "bad-frame", 1002},
		{"empty ack", hello12, "SUBSCRIBE\nid:1\nack:\ndestination:" + failures + "\n\n\x00", "bad-frame", 1002},
		{"id in use", hello12, "SUBSCRIBE\nid:1\ndestination:" + failures + "\n\n\x00SUBSCRIBE\nid:1\ndestination:" + sendStatus + "\n\n\x00", "bad-frame", 1002},
		{"destination as id in use", hello12, strings.Repeat("SUBSCRIBE\ndestination:"+failures+"\n\n\x00", 2), "bad-frame", 1002},
		{"SUBSCRIBE with a body", hello12, "SUBSCRIBE\nid:1\ndestination:" + failures + "\n\nx\x00", "bad-frame", 1002},
		{"UNSUBSCRIBE with a body", hello12, "UNSUBSCRIBE\nid:1\n\nx\x00", "bad-frame", 1002},
		{"DISCONNECT with a body", hello12, "DISCONNECT\n\nx\x00", "bad-frame", 1002},
		{"ACK with a body", hello12, "ACK\nid:1\n\nx\x00", "bad-frame", 1002},

		{"line without a colon", hello12, send + "novalue\n\n{}\x00", "bad-frame", 1002},
		{"line without a name", hello12, send + ":value\n\n{}\x00", "bad-frame", 1002},
		{"NUL in the headers", hello12, "SEND\ndestination:/x\x00\n\n{}\x00", "bad-frame", 1002},
		{"NUL after the command", hello12, "SEND\x00", "bad-frame", 1002},
		{"CR alone between frames", hello12, "\rSEND\n\n\x00", "bad-frame", 1002},

		{"content-length no number", hello12, send + "content-length:x\n\n{}\x00", "bad-frame", 1002},
		{"content-length empty", hello12, send + "content-length:\n\n{}\x00", "bad-frame", 1002},
		{"content-length negative", hello12, send + "content-length:-1\n\n{}\x00", "bad-frame", 1002},
		{"content-length with plus", hello12, send + "content-length:+2\n\n{}\x00", "bad-frame", 1002},
		{"content-length with a space", hello12, send + "content-length: 2\n\n{}\x00", "bad-frame", 1002},
		{"content-length in hex", hello12, send + "content-length:0x2\n\n{}\x00", "bad-frame", 1002},
		{"content-length too short", hello12, send + "content-length:1\n\n{}\x00", "bad-frame", 1002},
		{"content-length too long", hello12, send + "content-length:3\n\n{}\x00\x01", "bad-frame", 1002},
		{"content-length over the limit", hello12, send + "content-length:303104\n\n", "frame-too-large", 1009},
		{"content-length huge", hello12, send + "content-length:99999999999999999999999999\n\n", "frame-too-large", 1009},
		{"content-length of CONNECT", "", "CONNECT\ncontent-length:9999999\n\n", "frame-too-large", 1009},

		{"escape undefined in 1.2", hello12, send + "x:\\t\n\n{}\x00", "bad-frame", 1002},
		{"escape at the end", hello12, send + "x:a\\\n\n{}\x00", "bad-frame", 1002},
		{"escape in a name", hello12, send + "x\\q:a\n\n{}\x00", "bad-frame", 1002},
		{"escape \\r in 1.1", hello11, send + "x:\\r\n\n{}\x00", "bad-frame", 1002},
		{"escaped NUL", hello12, send + "x:\\0\n\n{}\x00", "bad-frame", 1002},

		{"too many headers", hello12, "SEND\n" + many(65) + "\n\x00", "frame-too-large", 1009},
		{"headers too large", hello12, send + "x:" + strings.Repeat("a", 8<<10) + "\n\n{}\x00", "frame-too-large", 1009},
		{"headers too large, no end", hello12, strings.Repeat("A", 9<<10), "frame-too-large", 1009},
		{"headers too large before CONNECT", "", strings.Repeat("A", 9<<10), "frame-too-large", 1009},
		{"frame too large", hello12, send + "\n" + strings.Repeat("a", 296<<10) + "\x00", "frame-too-large", 1009},
		{"frame too large, no end", hello12, send + "\n" + strings.Repeat("a", 296<<10), "frame-too-large", 1009},

		{"foreign destination", hello12, "SUBSCRIBE\nid:1\ndestination:/user/1/recive\n\n\x00", "not-allowed", 1008},
		{"foreign destination in 1.0", hello10, "SUBSCRIBE\ndestination:/user/1/recive\n\n\x00", "not-allowed", 1008},
		{"forgery", hello12, "SEND\ndestination:/user/2/recive\n\n{}\x00", "not-allowed", 1008},
		{"too many subscriptions", hello12, subscriptions(33), "too-many-subscriptions", 1008},
	}
	for _, d := range []door{native, sockws} {
		t.Run(string(d), func(t *testing.T) {
			t.Parallel()
			s := serve(t, fiberchat.Config{Limits: fiberchat.Limits{UserSessions: 1000}})
			witness := d.connect(t, s.addr, "t-alice")
			for _, c := range cases {
				t.Run(c.name, func(t *testing.T) {
					b := d.dial(t, s.addr, "t-bob")
					if c.first != "" {
						b.raw(c.first)
						if f := b.next(); f.Command != "CONNECTED" {
							t.Fatal("want CONNECTED, got", f)
						}
					}
					_ = b.Conn.Raw(c.frame) // the server may close before all of it is written
					f := b.fails(c.token, c.code)
					if f.Body == "" || f.Headers["content-type"] != "text/plain" {
						t.Error("no prose:", f)
					}
				})
			}
			witness.nothing()
		})
	}
}

// subscriptions is n SUBSCRIBEs that ask for no receipt.
func subscriptions(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "SUBSCRIBE\nid:%d\ndestination:%s\n\n\x00", i, failures)
	}
	return b.String()
}

// TestErrorEchoesTheReceipt also of a frame whose headers are at fault.
func TestErrorEchoesTheReceipt(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, d door) {
		s := serve(t, fiberchat.Config{})
		for _, frame := range []string{
			"SEND\nreceipt:r\\c1\n\n\x00", "SEND\nreceipt:r\\c1\ndestination:/x\n\n\x00", "SEND\nreceipt:r\\c1\nbad\n\n\x00",
			"SUBSCRIBE\nreceipt:r\\c1\n\n\x00", "BEGIN\nreceipt:r\\c1\n\n\x00", "ACK\nreceipt:r\\c1\n\nbody\x00", "SEND\nreceipt:r\\c1\ncontent-length:x\n\n\x00",
		} {
			b := d.connect(t, s.addr, "t-bob")
			b.raw(frame)
			f := b.next()
			if f.Command != "ERROR" || f.Headers["receipt-id"] != "r\\c1" {
				t.Errorf("%q: %s", frame, f)
			}
		}
	})
}

// TestHarmlessFrames are odd and no faults.
func TestHarmlessFrames(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, d door) {
		s := serve(t, fiberchat.Config{})
		b := d.connect(t, s.addr, "t-bob")
		for _, frame := range []string{
			"\n", "\r\n", "\n\r\n\n", "ACK\nid:1\n\n\x00", "NACK\nid:1\n\n\x00", "ACK\n\n\x00", "UNSUBSCRIBE\nid:none\n\n\x00",
			"ACK\r\nid:1\r\n\r\n\x00", "ACK\nid:1\nid:2\n\n\x00\n\n", "ACK\nx: padded \nx:\n\n\x00", "ACK\ncontent-length:0\n\n\x00",
		} {
			b.raw(frame)
			b.nothing()
		}
		b.raw("SUBSCRIBE\r\ndestination:" + failures + "\r\nack:client-individual\r\nreceipt:a\r\n\r\n\x00\nUNSUBSCRIBE\nid:" + failures + "\nreceipt:b\n\n\x00ACK\nreceipt:c\n\n\x00")
		for _, r := range []string{"a", "b", "c"} {
			b.receipt(r)
		}
	})
}

// TestBinaryMessages: the native door takes them as it takes text, and
// invalid UTF-8 in headers is a fault.
func TestBinaryMessages(t *testing.T) {
	t.Parallel()
	s := serve(t, fiberchat.Config{})
	a, b := online(t, s.addr, "alice"), online(t, s.addr, "bob")
	frame := []byte("SEND\ndestination:/socket/chat/send\n\n" + sendBody("m1", 2, "起来聊天🐱") + "\x00")
	for _, one := range frame { // cut at every byte
		if err := a.Conn.Binary([]byte{one}); err != nil {
			t.Fatal(err)
		}
	}
	a.message(sendStatus)
	if got := b.message("/user/bob/recive").message(t); got.Content != "起来聊天🐱" {
		t.Error(got)
	}
	if err := a.Conn.Binary([]byte("SEND\ndestination:/socket/chat/send\nx:\xff\n\n{}\x00")); err != nil {
		t.Fatal(err)
	}
	a.fails("bad-frame", 1002)
}

// TestFramesBeforeCONNECTEDCameBack are served in their order.
func TestFramesBeforeCONNECTEDCameBack(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, d door) {
		s := serve(t, fiberchat.Config{})
		b := online(t, s.addr, "bob")
		a := d.dial(t, s.addr, "t-alice")
		a.raw("CONNECT\naccept-version:1.2\n\n\x00SUBSCRIBE\nid:1\ndestination:" + sendStatus + "\n\n\x00" +
			"SEND\ndestination:/socket/chat/send\n\n" + sendBody("m1", 2, "x") + "\x00DISCONNECT\nreceipt:bye\n\n\x00")
		if f := a.next(); f.Command != "CONNECTED" {
			t.Fatal("got", f)
		}
		a.message(sendStatus).wantBody(t, success("m1"))
		a.receipt("bye")
		a.closes(1000)
		b.message("/user/bob/recive")
	})
}
