package fiberchat_test

import (
	"fmt"
	"slices"
	"testing"

	"fiberchat.example/fiberchat"
)

// inbox connects bob, whose subscription to messages has this ack header.
func (d door) inbox(t *testing.T, addr, ack string) *client {
	b := d.connect(t, addr, "t-bob")
	b.subscribe(receiveStatus)
	b.subscribe(failures)
	b.raw("SUBSCRIBE\nid:in\ndestination:/user/bob/recive\nreceipt:in\nack:" + ack + "\n\n\x00")
	b.receipt("in")
	return b
}

// acks returns the values of the next n messages' ack headers.
func (c *client) acks(n int) (acks []string) {
	for range n {
		acks = append(acks, c.message("/user/bob/recive").Headers["ack"])
	}
	return acks
}

func (c *client) ack(value string) {
	c.raw("ACK\nid:" + value + "\nreceipt:ack\n\n\x00")
}

func (c *client) wantPending(want ...string) {
	c.t.Helper()
	if got := c.pending(); !slices.Equal(got, want) {
		c.t.Errorf("pending %q, want %q", got, want)
	}
}

func TestAckIndividual(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, d door) {
		s := serve(t, fiberchat.Config{})
		a, b := online(t, s.addr, "alice"), d.inbox(t, s.addr, "client-individual")
		for _, id := range []string{"m1", "m2", "m3"} {
			a.tell(id, 2, "x")
		}
		acks := b.acks(3)
		for range 2 { // once more changes nothing
			b.ack(acks[1])
			b.message(receiveStatus).wantBody(t, success("m2"))
			b.receipt("ack")
		}
		b.raw("NACK\nid:" + acks[2] + "\nreceipt:nack\n\n\x00")
		b.receipt("nack")
		b.wantPending("m1", "m3")
	})
}

func TestAckClient(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, d door) {
		s := serve(t, fiberchat.Config{})
		a := online(t, s.addr, "alice")
		a.tell("before", 2, "x") // not sent to the subscription
		b := d.inbox(t, s.addr, "client")
		const n = 80 // more than a page
		for i := range n {
			a.tell(fmt.Sprint("m", i), 2, "x")
		}
		acks := b.acks(n)
		b.confirm("m1", 0)
		b.ack(acks[n-2])
		b.message(receiveStatus).wantBody(t, success("m1"))
		for i := range n - 1 {
			if i != 1 {
				b.message(receiveStatus).wantBody(t, success(fmt.Sprint("m", i)))
			}
		}
		b.receipt("ack")
		b.wantPending("before", fmt.Sprint("m", n-1))
		b.ack(acks[n-1]) // the init has sent what was before, too
		b.message(receiveStatus).wantBody(t, success("before"))
		b.message(receiveStatus).wantBody(t, success(fmt.Sprint("m", n-1)))
		b.receipt("ack")
		b.wantPending()
	})
}

// What names no message of the subscription changes nothing and is no error.
func TestAckOfNothing(t *testing.T) {
	t.Parallel()
	s := serve(t, fiberchat.Config{})
	a, b := online(t, s.addr, "alice"), native.inbox(t, s.addr, "client")
	other := native.inbox(t, s.addr, "auto")
	a.tell("m1", 2, "x")
	id := b.message("/user/bob/recive").message(t).ID
	if acks := other.acks(1); acks[0] != "" {
		t.Errorf("ack:auto has ack %q", acks[0])
	}
	b.subscribe("/user/bob/recive") // auto
	for _, value := range []string{"1", fmt.Sprint(id), fmt.Sprintf("1-3-%d", id+1), "1-3-0", "1-3--1", fmt.Sprintf("1-4-%d", id), fmt.Sprintf("1-1-%d", id), "x", ""} {
		b.ack(value)
		b.receipt("ack")
	}
	b.raw(fmt.Sprintf("UNSUBSCRIBE\nid:in\n\n\x00ACK\nid:1-3-%d\nreceipt:gone\n\n\x00", id))
	b.receipt("gone")
	b.wantPending("m1")
}

// A queue of answers may be acknowledged: that is answered, and no more.
func TestAckOfAnAnswer(t *testing.T) {
	t.Parallel()
	s := serve(t, fiberchat.Config{})
	a := connect(t, s.addr, "t-alice")
	a.raw("SUBSCRIBE\nid:q\ndestination:" + sendStatus + "\nack:client-individual\n\n\x00")
	a.say("m1", 2, "x")
	ack := a.message(sendStatus).Headers["ack"]
	if ack == "" {
		t.Fatal("no ack header")
	}
	a.ack(ack)
	a.receipt("ack")
}
