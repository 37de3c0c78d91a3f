package fiberchat_test

import (
	"fmt"
	"testing"

	"fiberchat.example/fiberchat"
)

// TestInitBringsNotices after the messages, once, to each subscription.
func TestInitBringsNotices(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, d door) {
		store := openStore(t)
		fill(t, store, 0, 40, "x")
		s := serve(t, fiberchat.Config{Store: store})
		const n = 40
		for range n {
			s.notify("Cmmnt", none{})
		}
		b, quiet := d.noticed(t, s.addr), d.noticed(t, s.addr)
		b.subscribe("/user/2/notice")
		b.took(3)
		for range 2 {
			b.init()
			for _, id := range names(0, 40) {
				if got := b.message("/user/bob/recive").message(t); got.ChatID != id {
					t.Fatal(got)
				}
			}
			for id := int64(1); id <= n; id++ {
				if id != 3 {
					b.notice("Cmmnt", id)
					b.message("/user/2/notice").wantBody(t, noticeText("Cmmnt", id))
				}
			}
			b.receipt("init")
		}
		quiet.nothing() // the other session did not ask
		live := s.notify("live", none{})
		quiet.notice("live", live)
		b.notice("live", live)
		b.message("/user/2/notice").wantBody(t, noticeText("live", live))
		b.nothing()
	})
}

// TestInitWithoutBothSubscriptions: neither kind is held up by the other.
func TestInitWithoutBothSubscriptions(t *testing.T) {
	t.Parallel()
	store := openStore(t)
	fill(t, store, 0, 1, "x")
	s := serve(t, fiberchat.Config{Store: store})
	s.notify("Cmmnt", none{})

	// Only notices: at once, and the receipt with the messages.
	b := connect(t, s.addr, "t-bob")
	b.subscribe(bobsNotices)
	b.init()
	b.notice("Cmmnt", 1)
	b.nothing()
	b.raw("SUBSCRIBE\nid:m\ndestination:/user/bob/recive\n\n\x00")
	b.message("/user/bob/recive")
	b.receipt("init")
	b.nothing()

	// Only messages: the receipt does not wait, and notices come with their subscription.
	b = online(t, s.addr, "bob")
	b.init()
	b.message("/user/bob/recive")
	b.receipt("init")
	b.raw("SUBSCRIBE\nid:n\nreceipt:n\ndestination:" + bobsNotices + "\n\n\x00")
	for range 2 {
		if f := b.next(); f.Command != "RECEIPT" {
			f.wantBody(t, noticeText("Cmmnt", 1))
		}
	}
	b.subscribe("/user/2/notice") // a second one replays nothing
	b.nothing()

	// Neither: as some clients begin.
	b = connect(t, s.addr, "t-bob")
	b.init()
	b.raw("SUBSCRIBE\nid:m\ndestination:/user/bob/recive\n\n\x00")
	b.message("/user/bob/recive")
	b.receipt("init")
	b.raw("SUBSCRIBE\nid:n\ndestination:" + bobsNotices + "\n\n\x00")
	b.notice("Cmmnt", 1)
	b.nothing()

	// Who leaves gets the notices before.
	b = connect(t, s.addr, "t-bob")
	b.subscribe(bobsNotices)
	b.raw("SEND\ndestination:/socket/chat/init\nreceipt:init\n\n\x00DISCONNECT\nreceipt:bye\n\n\x00")
	b.notice("Cmmnt", 1)
	b.receipt("init")
	b.receipt("bye")
}

func TestNoticeAck(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, d door) {
		s := serve(t, fiberchat.Config{})
		const n = 20 // more than two pages
		for range n - 5 {
			s.notify("Cmmnt", none{})
		}
		for _, ack := range []string{"client-individual", "client"} {
			b := d.connect(t, s.addr, "t-bob")
			b.subscribe(noticeStatus)
			b.subscribe(failures)
			b.subscribe("/user/bob/recive")
			b.raw("SUBSCRIBE\nid:in\ndestination:" + bobsNotices + "\nreceipt:in\nack:" + ack + "\n\n\x00")
			b.receipt("in")
			b.ack("1-4-1") // it was not sent
			b.receipt("ack")
			for ack == "client-individual" && s.notify("live", none{}) < n {
			}
			b.init()
			var acks []string
			for {
				f := b.next()
				if f.Command == "RECEIPT" {
					break
				}
				acks = append(acks, f.Headers["ack"])
			}
			if ack == "client-individual" {
				acks = acks[len(acks)-n:] // before them those that came live
				for range 2 {             // once more changes nothing
					b.ack(acks[2])
					b.message(noticeStatus).wantBody(t, success("3"))
					b.receipt("ack")
				}
				b.raw("NACK\nid:" + acks[4] + "\nreceipt:nack\n\n\x00")
				b.receipt("nack")
				continue
			}
			if len(acks) != n-1 {
				t.Fatal(len(acks), "notices are left")
			}
			b.ack(acks[n-3]) // that of n - 1
			for id := 1; id < n; id++ {
				if id != 3 {
					b.message(noticeStatus).wantBody(t, success(fmt.Sprint(id)))
				}
			}
			b.receipt("ack")
			b.init()
			b.notice("live", n)
			b.receipt("init")
		}
	})
}
