package fiberchat_test

import (
	"fmt"
	"strings"
)

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
	own := true
	for name, s := range map[string]string{"FF": "\xFF", "a surrogate": "\xED\xA0\x80", "an overlong form": "\xC0\xAF", "a cut sequence": "世"[:2]} {
		native(wsRule{rule: "8.1 UTF-8: " + name + " in a header", want: 1002, send: func(wsDoor) string { return whole(text, ask(s)) }})
		native(wsRule{rule: "8.1 UTF-8: " + name + " in a body", send: func(wsDoor) string {
			return whole(text, "SEND\ndestination:/socket/chat/send\n\n"+`{"msgID":"m","reciverId":2,"content":"`+s+"\"}\x00")
		}})
		rules = append(rules, wsRule{rule: "8.1 UTF-8: " + name + " in a message", want: 1007, sockJS: &own, send: func(wsDoor) string {
			return whole(text, "[\""+s+"\"]")
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
