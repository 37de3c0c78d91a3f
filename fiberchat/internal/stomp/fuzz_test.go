package stomp

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzDecoder feeds the same bytes whole, one by one and cut at random: the
// frames and the fault must be the same, memory stays bounded, and a decoded
// frame, encoded again, decodes to itself.
func FuzzDecoder(f *testing.F) {
	limits := Limits{Frame: 2048, Headers: 5, Section: 512}
	for _, in := range []string{
		"CONNECT\naccept-version:1.0,1.1,1.2\nheart-beat:10000,10000\n\n\x00",
		"\n\r\nSEND\r\ndestination:/socket/chat/send\r\ncontent-length:3\r\nreceipt:a\\cb\\\\\r\n\r\n\x00\xE8\x00\x00\n",
		"SUBSCRIBE\nid:0\ndestination:/user/1/recive\n\n\x00SEND\n\n{}\x00DISCONNECT\n\n\x00",
		"SEND\ncontent-length:4294967296\n\n",
		"SEND\na\\r:\\t\n\n\x00",
		"SEND\na:" + strings.Repeat("b", 520),
		"SEND\n\n" + strings.Repeat("b", 2050),
	} {
		f.Add([]byte(in), uint8(2), uint8(5))
	}
	f.Fuzz(func(t *testing.T, in []byte, version, step uint8) {
		fresh := func() *Decoder {
			d := NewDecoder(limits)
			d.Version = Version(version % 3)
			return d
		}
		run := func(size int) ([]seen, string) {
			d := fresh()
			var frames []seen
			for chunk := range slices.Chunk(in, size) {
				more, err := decode(d, string(chunk), "")
				frames = append(frames, more...)
				if most := limits.Frame + 2*readSize; len(d.buf) > most {
					t.Fatalf("the decoder holds %d bytes", len(d.buf))
				}
				if err != nil {
					return frames, fmt.Sprintf("%v, receipt %q", err, d.PartialReceipt())
				}
			}
			return frames, ""
		}
		whole, fault := run(len(in) + 1)
		for _, size := range []int{1, int(step) + 2} {
			frames, f := run(size)
			if f != fault {
				t.Errorf("in chunks of %d: fault %q, want %q", size, f, fault)
			}
			if !slices.EqualFunc(frames, whole, equal) {
				t.Errorf("in chunks of %d: frames %q, want %q", size, frames, whole)
			}
		}
		// With its escapes and CRLF a frame may outgrow the limits.
		limits := Limits{Frame: 4 * limits.Frame, Headers: limits.Headers, Section: 4 * limits.Section}
		for _, frame := range whole {
			for _, h := range frame.Headers {
				if !utf8.ValidString(h[0] + h[1]) {
					t.Errorf("%q is not UTF-8", h)
				}
			}
			d := NewDecoder(limits)
			d.Version = Version(version % 3)
			again, err := decode(d, encodeClient(frame, d.Version), "")
			if err != nil || len(again) != 1 || !equal(again[0], frame) {
				t.Errorf("%q became %q, %v", frame, again, err)
			}
		}
	})
}

// encodeClient writes a client's frame. CRLF lets a value end with CR.
func encodeClient(f seen, v Version) string {
	names := [...]string{"", "CONNECT", "SEND", "SUBSCRIBE", "UNSUBSCRIBE", "ACK", "NACK", "BEGIN", "COMMIT", "ABORT", "DISCONNECT"}
	if f.Command == Connect {
		v = V10
	}
	escapes := []string{"\\", "\\\\", "\n", "\\n", ":", "\\c"}
	switch v {
	case V10:
		escapes = nil
	case V12:
		escapes = append(escapes, "\r", "\\r")
	}
	escaped := strings.NewReplacer(escapes...).Replace
	var b strings.Builder
	b.WriteString(names[f.Command] + "\r\n")
	for _, h := range f.Headers {
		b.WriteString(escaped(h[0]) + ":" + escaped(h[1]) + "\r\n")
	}
	if !slices.ContainsFunc(f.Headers, func(h [2]string) bool { return h[0] == "content-length" }) {
		// Only a body without NUL came without a length.
		if strings.Contains(f.Body, "\x00") {
			panic("a NUL in a body without content-length")
		}
	}
	return b.String() + "\r\n" + f.Body + "\x00"
}
