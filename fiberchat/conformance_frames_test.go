package fiberchat_test

import (
	"fmt"
	"strings"
)

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
