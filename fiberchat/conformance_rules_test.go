package fiberchat_test

import (
	"fmt"
	"slices"
	"strings"
)

// wsRule is a row of RFC 6455, what is sent for it, and what comes of that.
type wsRule struct {
	rule     string
	send     func(d wsDoor) string
	receipts []string // for what was asked, in order
	pongs    []string
	want     int   // the close code; 0: the connection goes on
	sockJS   *bool // if not nil: at SockJS's door alone, or at the others alone
}

// left is a client that shuts its side down without a close frame.
const left = -1

func octets(b string) func(wsDoor) string { return func(wsDoor) string { return b } }

// wsRules are all rows, named by their sections.
func wsRules() []wsRule {
	return slices.Concat(lengthRules(), bitRules(), maskRules(), fragmentRules(), controlRules(), closeRules(), utf8Rules(), endRules())
}

// breach is a row that ends with 1002.
func breach(rule, b string) wsRule { return wsRule{rule: rule, send: octets(b), want: 1002} }

// within is breach in the middle of a message.
func within(rule, b string) wsRule {
	return wsRule{rule: rule, want: 1002, send: func(d wsDoor) string { return part(text, d.ask("cut")[:2]) + b }}
}

// taken is a row whose message is answered.
func taken(rule string, send func(ask string) string) wsRule {
	return wsRule{rule: rule, receipts: []string{"a"}, send: func(d wsDoor) string { return send(d.ask("a")) }}
}

func lengthRules() (rules []wsRule) {
	for _, n := range []int{124, 125, 126, 127, 128, 1000, 8192, 65534, 65535, 65536, 65537, 200_000} {
		rules = append(rules, wsRule{
			rule: fmt.Sprint("5.2 length: ", n), receipts: []string{"a"},
			send: func(d wsDoor) string { return whole(text, d.padded(ask("a"), n)) },
		})
	}
	high := uint64(1) << 63
	return append(rules,
		wsRule{rule: "5.2 length: empty", send: octets(whole(text, ""))},
		// The RFC asks the sender for the shortest form, and all take the others.
		taken("5.2 length: 16 bits for a short one", func(a string) string { return sized(fin|text, length16(len(a)), a) }),
		taken("5.2 length: 64 bits for a short one", func(a string) string { return sized(fin|text, length64(uint64(len(a))), a) }),
		wsRule{rule: "5.2 length: 16 bits for none", send: octets(sized(fin|text, length16(0), ""))},
		wsRule{rule: "5.2 length: 64 bits for 65535", receipts: []string{"a"}, send: func(d wsDoor) string {
			return sized(fin|text, length64(65535), d.padded(ask("a"), 65535))
		}},
		breach("5.2 length: the top bit of 64", sized(fin|text, length64(high), "")),
		breach("5.2 length: the top bit of 64, binary", sized(fin|binaryFrame, length64(high+5), "hello")),
		breach("5.2 length: all ones", sized(fin|text, length64(1<<64-1), "")),
		within("5.2 length: the top bit of a fragment's", sized(fin|continuation, length64(high), "")),
	)
}

func bitRules() (rules []wsRule) {
	for _, bits := range []byte{rsv1, rsv2, rsv3, rsv1 | rsv2, rsv1 | rsv2 | rsv3} {
		rules = append(rules, breach(fmt.Sprintf("5.2 reserved bits: %03b on text", bits>>4), whole(bits|text, "hello")))
	}
	for name, first := range map[string]byte{"binary": binaryFrame, "ping": ping, "pong": pong, "close": closing} {
		rules = append(rules, breach("5.2 reserved bits: on "+name, whole(rsv1|first, "\x03\xE8")))
	}
	rules = append(rules,
		breach("5.2 reserved bits: on an empty text", whole(rsv1|text, "")),
		breach("5.2 reserved bits: on a first fragment", part(rsv1|text, "hello")),
		within("5.2 reserved bits: on a fragment", whole(rsv1|continuation, "hello")),
		within("5.2 reserved bits: on a ping between fragments", whole(rsv2|ping, "")),
	)
	for _, opcode := range []byte{3, 4, 5, 6, 7, 11, 12, 13, 14, 15} {
		rules = append(rules, breach(fmt.Sprint("5.2 opcodes: ", opcode), whole(opcode, "hello")))
	}
	return append(rules,
		breach("5.2 opcodes: 3, empty", whole(3, "")),
		breach("5.2 opcodes: 11, empty", whole(11, "")),
		breach("5.2 opcodes: 3, a first fragment", part(3, "hello")),
		breach("5.2 opcodes: 15, a first fragment", part(15, "hello")),
		within("5.2 opcodes: 5 between fragments", whole(5, "hello")),
		within("5.2 opcodes: 12 between fragments", whole(12, "hello")),
		wsRule{rule: "5.2 opcodes: 4 behind a message", receipts: []string{"a"}, want: 1002, send: func(d wsDoor) string {
			return whole(text, d.ask("a")) + whole(4, "")
		}},
		taken("5.6 data: binary is taken as text is", func(a string) string { return whole(binaryFrame, a) }),
	)
}

func maskRules() []wsRule {
	key := func(k [4]byte) func(a string) string {
		return func(a string) string { return keyed(fin|text, []byte{byte(len(a))}, k, a) }
	}
	return []wsRule{
		breach("5.1 mask: none on text", unmasked(text, "hello")),
		breach("5.1 mask: none on an empty text", unmasked(text, "")),
		breach("5.1 mask: none on binary", unmasked(binaryFrame, "hello")),
		breach("5.1 mask: none on a ping", unmasked(ping, "")),
		breach("5.1 mask: none on a pong", unmasked(pong, "hello")),
		breach("5.1 mask: none on a close frame", unmasked(closing, "\x03\xE8")),
		within("5.1 mask: none on a fragment", unmasked(continuation, "hello")),
		breach("5.1 mask: none on a long text", string([]byte{fin | text, 126, 1, 0})+strings.Repeat("x", 256)),
		taken("5.3 mask: the key 0", key([4]byte{})),
		taken("5.3 mask: the key -1", key([4]byte{0xFF, 0xFF, 0xFF, 0xFF})),
		taken("5.3 mask: a key for each fragment", func(a string) string {
			return keyed(text, []byte{7}, [4]byte{1, 2, 3, 4}, a[:7]) + keyed(continuation, []byte{6}, [4]byte{9, 8, 7, 6}, a[7:13]) + whole(continuation, a[13:])
		}),
	}
}

func fragmentRules() []wsRule {
	cut := func(first byte, pieces ...int) func(a string) string {
		return func(a string) (b string) {
			opcode := first
			for _, n := range pieces {
				b += part(opcode, a[:n])
				a, opcode = a[n:], continuation
			}
			return b + whole(opcode, a)
		}
	}
	between := func(frames string) func(a string) string {
		return func(a string) string { return part(text, a[:5]) + frames + whole(continuation, a[5:]) }
	}
	ponged := func(r wsRule, pongs ...string) wsRule { r.pongs = pongs; return r }
	return []wsRule{
		taken("5.4 fragments: two", cut(text, 5)),
		taken("5.4 fragments: three", cut(text, 5, 6)),
		taken("5.4 fragments: ten", cut(text, 1, 1, 1, 1, 1, 1, 1, 1, 1)),
		taken("5.4 fragments: two, binary", cut(binaryFrame, 5)),
		taken("5.4 fragments: the first is empty", cut(text, 0)),
		taken("5.4 fragments: one between is empty", cut(text, 5, 0, 0)),
		taken("5.4 fragments: the last is empty", func(a string) string { return part(text, a) + whole(continuation, "") }),
		{rule: "5.4 fragments: all are empty", send: octets(part(text, "") + part(continuation, "") + whole(continuation, ""))},
		taken("5.4 fragments: a length in a longer form", func(a string) string {
			return part(text, a[:3]) + sized(fin|continuation, length64(uint64(len(a)-3)), a[3:])
		}),
		{rule: "5.4 fragments: two messages of two", receipts: []string{"a", "b"}, send: func(d wsDoor) string {
			return cut(text, 9)(d.ask("a")) + cut(binaryFrame, 4)(d.ask("b"))
		}},
		{rule: "5.4 fragments: none in three messages", receipts: []string{"a", "b", "c"}, send: func(d wsDoor) string {
			return whole(text, d.ask("a")) + whole(binaryFrame, d.ask("b")) + whole(text, d.ask("c"))
		}},
		ponged(taken("5.4 fragments: a ping between", between(whole(ping, "p"))), "p"),
		ponged(taken("5.4 fragments: a ping of 125 between", between(whole(ping, strings.Repeat("p", 125)))), strings.Repeat("p", 125)),
		ponged(taken("5.4 fragments: pings between", between(whole(ping, "1")+whole(ping, "2")+whole(ping, "3"))), "1", "2", "3"),
		taken("5.4 fragments: a pong between", between(whole(pong, "p"))),

		breach("5.4 order: a continuation of nothing", whole(continuation, "hello")),
		breach("5.4 order: a continuation of nothing, and more", part(continuation, "hello")),
		breach("5.4 order: an empty continuation of nothing", whole(continuation, "")),
		breach("5.4 order: a ping, and a continuation of nothing", whole(pong, "")+whole(continuation, "hello")),
		{rule: "5.4 order: a continuation behind the last", receipts: []string{"a"}, want: 1002, send: func(d wsDoor) string {
			return cut(text, 5)(d.ask("a")) + whole(continuation, "x")
		}},
		{rule: "5.4 order: a continuation of a whole message", receipts: []string{"a"}, want: 1002, send: func(d wsDoor) string {
			return whole(text, d.ask("a")) + part(continuation, "x")
		}},
		within("5.4 order: text within a message", whole(text, "hello")),
		within("5.4 order: an empty text within a message", whole(text, "")),
		within("5.4 order: binary within a message", whole(binaryFrame, "hello")),
		within("5.4 order: a first fragment within a message", part(text, "hello")),
		within("5.4 order: text behind two fragments", part(continuation, "x")+whole(text, "hello")),
	}
}

func controlRules() []wsRule {
	long := strings.Repeat("p", 126)
	var burst string
	var numbers []string
	for i := range 20 {
		numbers = append(numbers, fmt.Sprint(i))
		burst += whole(ping, numbers[i])
	}
	answered := func(rule, payload string) wsRule {
		return wsRule{rule: rule, send: octets(whole(ping, payload)), pongs: []string{payload}}
	}
	return []wsRule{
		answered("5.5.2 ping: empty", ""),
		answered("5.5.2 ping: hello", "hello"),
		answered("5.5.2 ping: octets that are no text", "\x00\xFF\xFE\xC0\n"),
		answered("5.5.2 ping: 125 octets", long[:125]),
		{rule: "5.5.2 ping: twenty at once", send: octets(burst), pongs: numbers},
		{rule: "5.5.2 ping: before and behind a message", receipts: []string{"a"}, pongs: []string{"1", "2"}, send: func(d wsDoor) string {
			return whole(ping, "1") + whole(text, d.ask("a")) + whole(ping, "2")
		}},
		{rule: "5.5.3 pong: unasked", send: octets(whole(pong, "hello"))},
		{rule: "5.5.3 pong: unasked and empty", send: octets(whole(pong, ""))},
		{rule: "5.5.3 pong: unasked, 125 octets", send: octets(whole(pong, long[:125]))},
		{rule: "5.5.3 pong: unasked, and a ping", send: octets(whole(pong, "1") + whole(ping, "2")), pongs: []string{"2"}},

		breach("5.5 control: a ping of 126 octets", whole(ping, long)),
		breach("5.5 control: a pong of 126 octets", whole(pong, long)),
		breach("5.5 control: a close frame of 126 octets", closeWith(1000, long[2:])),
		breach("5.5 control: a ping of 65536 octets", whole(ping, strings.Repeat("p", 65536))),
		breach("5.5 control: a pong of 65536 octets", whole(pong, strings.Repeat("p", 65536))),
		breach("5.5 control: a close frame of 65536 octets", closeWith(1000, strings.Repeat("p", 65534))),
		breach("5.5 control: a ping that claims 2^62 octets", claimed(fin|ping, 1<<62, "p")),
		breach("5.5 control: 16 bits for a ping's short length", sized(fin|ping, length16(5), "hello")),
		breach("5.5 control: 64 bits for a ping's short length", sized(fin|ping, length64(5), "hello")),
		breach("5.5 control: a ping in fragments", part(ping, "hello")+whole(continuation, "x")),
		breach("5.5 control: a pong in fragments", part(pong, "hello")),
		breach("5.5 control: a close frame in fragments", part(closing, "\x03\xE8")),
		within("5.5 control: a ping of 126 octets between fragments", whole(ping, long)),
		within("5.5 control: a ping in fragments between fragments", part(ping, "hello")),
	}
}

func closeRules() (rules []wsRule) {
	for _, code := range []int{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999} {
		rules = append(rules, wsRule{rule: fmt.Sprint("7.4 close codes: ", code), send: octets(closeWith(code, "")), want: code})
	}
	for _, code := range []int{0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 32768, 65535} {
		rules = append(rules, breach(fmt.Sprint("7.4 close codes: ", code), closeWith(code, "reason")))
	}
	for name, reason := range map[string]string{
		"hello": "hello", "of two, three and four octets": "é世😀", "123 octets": strings.Repeat("x", 123),
		"123 octets of UTF-8": strings.Repeat("世", 41), "no characters": "\uFFFE\U0010FFFF", "NUL": "\x00",
	} {
		rules = append(rules, wsRule{rule: "5.5.1 close reasons: " + name, send: octets(closeWith(4000, reason)), want: 4000})
	}
	for name, reason := range map[string]string{
		"FF": "\xFF", "a cut sequence": "世"[:2], "a surrogate": "\xED\xA0\x80", "an overlong form": "\xC0\xAF",
		"beyond Unicode": "\xF4\x90\x80\x80", "FF behind text": strings.Repeat("x", 122) + "\xFF",
	} {
		rules = append(rules, breach("5.5.1 close reasons: "+name, closeWith(1000, reason)))
	}
	inMessage := func(d wsDoor) string { return part(text, d.ask("cut")[:5]) }
	row := func(rule string, code int, send func(d wsDoor) string) {
		rules = append(rules, wsRule{rule: "5.5.1 close: " + rule, want: code, send: send})
	}
	row("no code", 1000, octets(whole(closing, "")))
	row("half a code", 1002, octets(whole(closing, "\x03")))
	row("half a code within a message", 1002, func(d wsDoor) string { return inMessage(d) + whole(closing, "\x03") })
	row("within a message", 1001, func(d wsDoor) string { return inMessage(d) + closeWith(1001, "bye") })
	row("without a code within a message", 1000, func(d wsDoor) string { return inMessage(d) + whole(closing, "") })
	row("behind an empty first fragment", 3000, octets(part(text, "")+closeWith(3000, "")))
	row("behind two fragments", 3000, func(d wsDoor) string {
		return inMessage(d) + part(continuation, d.ask("cut")[5:9]) + closeWith(3000, "")
	})
	row("before a message's last fragment", 1000, func(d wsDoor) string {
		return inMessage(d) + closeWith(1000, "") + whole(continuation, d.ask("cut")[5:])
	})
	row("and a message", 1000, func(d wsDoor) string { return closeWith(1000, "") + whole(text, d.ask("late")) })
	row("and a ping", 1000, octets(closeWith(1000, "")+whole(ping, "late")))
	row("twice", 3001, octets(closeWith(3001, "")+closeWith(3002, "")))
	row("and a breach", 1000, octets(closeWith(1000, "")+unmasked(3, "hello")))
	return append(rules, wsRule{rule: "5.5.1 close: behind a message", receipts: []string{"a"}, want: 1001, send: func(d wsDoor) string {
		return whole(text, d.ask("a")) + closeWith(1001, "")
	}})
}

func utf8Rules() (rules []wsRule) {
	for name, s := range map[string]string{
		"the first of two octets": "\u0080", "the last of two octets": "\u07FF", "the first of three octets": "\u0800",
		"before the surrogates": "\uD7FF", "behind the surrogates": "\uE000", "no character": "\uFFFE",
		"the first of four octets": "\U00010000", "the last of four octets": "\U0010FFFF", "the replacement": "\uFFFD", "kosme": "κόσμε",
	} {
		rules = append(rules, wsRule{
			rule: "8.1 UTF-8: " + name, receipts: []string{s},
			send: func(d wsDoor) string { return whole(text, d.ask(s)) },
		})
	}
	rules = append(rules, wsRule{rule: "8.1 UTF-8: fragments of one octet", receipts: []string{"é世😀"}, send: func(d wsDoor) (b string) {
		first, payload := byte(text), d.ask("é世😀")
		for i := range len(payload) {
			b += part(first, payload[i:i+1])
			first = continuation
		}
		return b + whole(continuation, "")
	}})

	// Here a message is no more than some octets of STOMP, which has UTF-8 of
	// its own (PROTOCOL, 3.6): frames may be cut between messages, also within
	// a character, and what is no UTF-8 is the frame's fault.
	sockJS := false
	native := func(r wsRule) { r.sockJS = &sockJS; rules = append(rules, r) }
	cut := func(first byte) wsRule {
		return wsRule{rule: fmt.Sprint("8.1 UTF-8: a character in two messages of opcode ", first), receipts: []string{"世"}, send: func(wsDoor) string {
			at := strings.Index(ask("世"), "世") + 1
			return whole(first, ask("世")[:at]) + whole(first, ask("世")[at:])
		}}
	}
	native(cut(text))
	native(cut(binaryFrame))
	for name, s := range map[string]string{"FF": "\xFF", "a surrogate": "\xED\xA0\x80", "an overlong form": "\xC0\xAF", "a cut sequence": "世"[:2]} {
		native(wsRule{rule: "8.1 UTF-8: " + name + " in a header", want: 1002, send: func(wsDoor) string { return whole(text, ask(s)) }})
		native(wsRule{rule: "8.1 UTF-8: " + name + " in a body", send: func(wsDoor) string {
			return whole(text, "SEND\ndestination:/socket/chat/send\n\n"+`{"msgID":"m","reciverId":2,"content":"`+s+"\"}\x00")
		}})
	}
	return rules
}

// endRules are streams that end without a close frame.
func endRules() (rules []wsRule) {
	for name, send := range map[string]func(wsDoor) string{
		"at once":                  octets(""),
		"within a header":          octets(string([]byte{fin | text})),
		"within a length":          octets(string([]byte{fin | text, fin | 126, 1})),
		"within a mask":            octets(string([]byte{fin | text, fin | 5, 1, 2})),
		"within a payload":         octets(claimed(fin|text, 100, "\n")),
		"within 2^62 octets":       octets(claimed(fin|text, 1<<62, "\n")),
		"within a ping":            octets(claimed(fin|ping, 5, "hi")),
		"within a close frame":     octets(claimed(fin|closing, 5, "\x03\xE8")),
		"between fragments":        func(d wsDoor) string { return part(text, d.ask("cut")[:5]) },
		"behind an empty fragment": octets(part(text, "")),
	} {
		rules = append(rules, wsRule{rule: "7.1 the stream ends " + name, send: send, want: left})
	}
	return append(rules, wsRule{rule: "7.1 the stream ends behind a message", receipts: []string{"a"}, want: left, send: func(d wsDoor) string {
		return whole(text, d.ask("a"))
	}})
}
