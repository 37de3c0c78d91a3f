package attack

import (
	"context"
	"fmt"
	"strings"

	"fiberchat.example/_example/rig"
	"fiberchat.example/fiberchat/chattest"
)

// batch is how many small frames are one message.
const batch = 20

// frames repeats a frame.
func frames(frame func() string) func() string {
	return func() string {
		var b strings.Builder
		for range batch {
			b.WriteString(frame())
			b.WriteByte(0)
		}
		return b.String()
	}
}

func send(msgID string, to int64, content string) string {
	return fmt.Sprintf("SEND\ndestination:/socket/chat/send\n\n"+`{"msgID":%q,"reciverId":%d,"content":"%s"}`, msgID, to, content)
}

func confirm(body string) string { return "SEND\ndestination:/socket/chat/recive\n\n" + body }

const initFrame = "SEND\ndestination:/socket/chat/init\n\n"

// repeatConfirmations: of a msgID that many have used, each confirmed already.
func repeatConfirmations(ctx context.Context, a *attackers) {
	a.sessions(ctx, 4, []rig.Account{a.Mallory}, func(rig.Account) flood {
		return flood{
			subscribed: []string{chattest.ReceiveStatus}, answer: on(chattest.ReceiveStatus),
			frames: frames(func() string { return confirm(`{"msgID":"` + same + `"}`) }), count: batch,
		}
	})
}

// confirmUnknown: what was never sent.
func confirmUnknown(ctx context.Context, a *attackers) {
	a.sessions(ctx, 4, []rig.Account{a.Trudy}, func(rig.Account) flood {
		return flood{
			subscribed: []string{chattest.Failures}, answer: on(chattest.Failures),
			frames: frames(func() string { return confirm(`{"msgID":"` + nonsense() + `"}`) }), count: batch,
		}
	})
}

// acknowledgeUnknown: ACK of what was never sent; a receipt shows that a
// message's frames were carried out.
func acknowledgeUnknown(ctx context.Context, a *attackers) {
	ack := frames(func() string { return "ACK\nid:" + nonsense() + "\n\n" })
	a.sessions(ctx, userSessions, []rig.Account{a.Mallory}, func(rig.Account) flood {
		return flood{
			answer: isReceipt, count: batch + 2,
			frames: func() string {
				return "UNSUBSCRIBE\nid:x\n\n\x00" + "SUBSCRIBE\nid:x\nack:client\ndestination:" + chattest.Failures + "\nreceipt:r\n\n\x00" + ack()
			},
		}
	})
}

// replay: the whole backlog, in every session, again and again.
func replay(ctx context.Context, a *attackers) {
	a.sessions(ctx, userSessions, []rig.Account{a.Mallory}, func(rig.Account) flood {
		return flood{
			subscribed: []string{chattest.Inbox(a.Mallory.ID)}, answer: isMessage,
			frames: func() string { return initFrame + "\x00" }, count: 1,
		}
	})
}

// resubscribe: to the messages, with an init that waits for it.
func resubscribe(ctx context.Context, a *attackers) {
	inbox := chattest.Inbox(a.Trudy.ID)
	a.sessions(ctx, userSessions, []rig.Account{a.Trudy}, func(rig.Account) flood {
		return flood{
			answer: isReceipt, count: 3 * batch,
			frames: frames(func() string {
				return initFrame + "\x00SUBSCRIBE\nid:x\ndestination:" + inbox + "\n\n\x00UNSUBSCRIBE\nid:x\nreceipt:r\n\n"
			}),
		}
	})
}

// ask: for all that a session can read, of a backlog of large messages.
func ask(ctx context.Context, a *attackers) {
	queues := []string{"history", "sync", "conversations"}
	bodies := []string{fmt.Sprintf(`{"uid":%d,"limit":200}`, a.Friends[0].ID), `{"after":0,"limit":200}`, `{"limit":200}`}
	a.sessions(ctx, userSessions, []rig.Account{a.Mallory, a.Trudy}, func(rig.Account) flood {
		n := a.serial.Add(1) % 3
		return flood{
			subscribed: []string{"/user/queue/" + queues[n]}, answer: on("/user/queue/" + queues[n]), count: batch,
			frames: frames(func() string { return "SEND\ndestination:/socket/chat/" + queues[n] + "\n\n" + bodies[n] }),
		}
	})
}

// sendToOne: all to mallory, who reads it all.
func sendToOne(ctx context.Context, a *attackers) {
	reading := flood{subscribed: []string{chattest.Inbox(a.Mallory.ID)}, frames: func() string { <-ctx.Done(); return "\n" }, answer: isMessage}
	writing := flood{
		subscribed: []string{chattest.SendStatus}, answer: on(chattest.SendStatus),
		frames: frames(func() string { return send(nonsense(), a.Mallory.ID, "x") }), count: batch,
	}
	a.sessions(ctx, 1, a.all(), func(who rig.Account) flood {
		if who == a.Mallory {
			return reading
		}
		return writing
	})
}

// sendToMany: all to all.
func sendToMany(ctx context.Context, a *attackers) {
	a.sessions(ctx, 1, a.all(), func(who rig.Account) flood {
		return flood{
			subscribed: []string{chattest.SendStatus, chattest.Inbox(who.ID)}, answer: on(chattest.SendStatus),
			frames: frames(func() string {
				return send(nonsense(), a.friend().ID, "x")
			}), count: batch,
		}
	})
}

// sendLarge: as many octets as a content may have, each spelt with six.
func sendLarge(ctx context.Context, a *attackers) {
	content := strings.Repeat(`\u0007`, maxContent)
	a.sessions(ctx, 2, a.all(), func(who rig.Account) flood {
		return flood{
			subscribed: []string{chattest.SendStatus}, answer: on(chattest.SendStatus), count: 1,
			frames: func() string {
				return send(nonsense(), a.friend().ID, content) + "\x00"
			},
		}
	})
}

// sendTooLarge: contents that are refused for one octet.
func sendTooLarge(ctx context.Context, a *attackers) {
	content := strings.Repeat(`\u0007`, maxContent+1)
	a.sessions(ctx, userSessions, a.two(4), func(rig.Account) flood {
		return flood{
			subscribed: []string{chattest.Failures}, answer: on(chattest.Failures), count: 1,
			frames: func() string { return send("m", a.Friends[0].ID, content) + "\x00" },
		}
	})
}

// badJSON: as much of it as a frame may have, to where no rate is known.
func badJSON(ctx context.Context, a *attackers) {
	body := `{"msgID":"` + strings.Repeat(`\u0007`, maxContent) // without its end
	a.sessions(ctx, userSessions, a.two(5), func(rig.Account) flood {
		return flood{
			subscribed: []string{chattest.Failures}, answer: on(chattest.Failures), count: 1,
			frames: func() string { return confirm(body) + "\x00" },
		}
	})
}
