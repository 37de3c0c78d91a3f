package stomp

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// defaults are the limits that the server has unless told otherwise.
var defaults = Limits{Frame: 64 << 10, Headers: 64, Section: 8 << 10}

// seen is a frame that outlives the decoder's buffer.
type seen struct {
	Command Command
	Headers [][2]string
	Body    string
}

func keep(f *Frame) seen {
	s := seen{Command: f.Command, Body: string(f.Body)}
	for _, h := range f.headers {
		s.Headers = append(s.Headers, [2]string{string(h.key), string(h.value)})
	}
	return s
}

// decode feeds chunks the way a session does: bytes only when frames are out.
func decode(d *Decoder, chunks ...string) (frames []seen, err error) {
	for _, chunk := range chunks {
		for {
			f, err := d.Next()
			if err != nil {
				return frames, err
			}
			if f != nil {
				frames = append(frames, keep(f))
				continue
			}
			if chunk == "" {
				break
			}
			n := copy(d.Space(), chunk)
			d.Filled(n)
			chunk = chunk[n:]
		}
	}
	return frames, nil
}

func newDecoder(v Version) *Decoder {
	d := NewDecoder(defaults)
	d.Version = v
	return d
}

// tokenOf names an error as the client sees it, "" for none.
func tokenOf(err error) string {
	if err == nil {
		return ""
	}
	var e *Error
	if !errors.As(err, &e) {
		return "not for the client: " + err.Error()
	}
	return fmt.Sprintf("%s %d", e.Token, e.Code)
}

func send(body string, headers ...[2]string) seen {
	return seen{Command: Send, Headers: headers, Body: body}
}

func TestDecode(t *testing.T) {
	t.Parallel()
	dest := [2]string{"destination", "/a"}
	for _, tt := range []struct {
		name    string
		version Version
		in      string
		want    []seen
		err     string
	}{
		{"nothing", V12, "", nil, ""},
		{"LF", V12, "SEND\ndestination:/a\n\nhi\x00", []seen{send("hi", dest)}, ""},
		{"CRLF", V12, "SEND\r\ndestination:/a\r\n\r\nhi\r\n\x00", []seen{send("hi\r\n", dest)}, ""},
		{"CRLF in 1.0", V10, "SEND\r\ndestination:/a\r\n\r\nhi\x00", []seen{send("hi", dest)}, ""},
		{"LF and CRLF mixed", V12, "SEND\r\ndestination:/a\n\r\nhi\x00", []seen{send("hi", dest)}, ""},
		{"several in one, with beats between", V12, "\n\r\nSEND\ndestination:/a\n\n1\x00\n\r\n\nSEND\ndestination:/a\n\n2\x00SEND\ndestination:/a\n\n3\x00\n",
			[]seen{send("1", dest), send("2", dest), send("3", dest)}, ""},
		{"a frame and a half", V12, "SEND\n\n1\x00SEND\n\n2", []seen{send("1")}, ""},
		{"lone CR between frames", V12, "\rSEND\n\n\x00", nil, "bad-frame 1002"},
		{"CR at the end waits", V12, "\n\r", nil, ""},

		{"NUL by content-length", V12, "SEND\ncontent-length:3\n\na\x00b\x00", []seen{send("a\x00b", [2]string{"content-length", "3"})}, ""},
		{"content-length 0", V12, "SEND\ncontent-length:0\n\n\x00", []seen{send("", [2]string{"content-length", "0"})}, ""},
		{"leading zeros", V12, "SEND\ncontent-length:0002\n\nhi\x00", []seen{send("hi", [2]string{"content-length", "0002"})}, ""},
		{"bytes, not characters", V12, "SEND\ncontent-length:6\n\n起来\x00", []seen{send("起来", [2]string{"content-length", "6"})}, ""},
		{"content-length too small", V12, "SEND\ncontent-length:1\n\nhi\x00", nil, "bad-frame 1002"},
		{"content-length too large", V12, "SEND\ncontent-length:3\n\nhi\x00\n", nil, "bad-frame 1002"},
		{"content-length waits for its bytes", V12, "SEND\ncontent-length:3\n\nhi\x00", nil, ""},
		{"content-length negative", V12, "SEND\ncontent-length:-1\n\nhi\x00", nil, "bad-frame 1002"},
		{"content-length with a sign", V12, "SEND\ncontent-length:+2\n\nhi\x00", nil, "bad-frame 1002"},
		{"content-length no number", V12, "SEND\ncontent-length:2a\n\nhi\x00", nil, "bad-frame 1002"},
		{"content-length empty", V12, "SEND\ncontent-length:\n\nhi\x00", nil, "bad-frame 1002"},
		{"content-length not trimmed", V12, "SEND\ncontent-length: 2\n\nhi\x00", nil, "bad-frame 1002"},
		{"content-length in other digits", V12, "SEND\ncontent-length:٢\n\nhi\x00", nil, "bad-frame 1002"},
		{"content-length over the limit", V12, "SEND\ncontent-length:65536\n\n", nil, "frame-too-large 1009"},
		{"content-length that overflows", V12, "SEND\ncontent-length:18446744073709551618\n\nhi\x00", nil, "frame-too-large 1009"},
		{"first content-length wins", V12, "SEND\ncontent-length:1\ncontent-length:junk\n\n\x00\x00",
			[]seen{send("\x00", [2]string{"content-length", "1"}, [2]string{"content-length", "junk"})}, ""},
		{"names are case-sensitive", V12, "SEND\nContent-Length:9\n\nhi\x00", []seen{send("hi", [2]string{"Content-Length", "9"})}, ""},

		{"values are not trimmed", V12, "SEND\na: b \n\n\x00", []seen{send("", [2]string{"a", " b "})}, ""},
		{"value empty", V12, "SEND\na:\n\n\x00", []seen{send("", [2]string{"a", ""})}, ""},
		{"colons in the value", V12, "SEND\na:b:c:\n\n\x00", []seen{send("", [2]string{"a", "b:c:"})}, ""},
		{"no colon", V12, "SEND\nabc\n\n\x00", nil, "bad-frame 1002"},
		{"no name", V12, "SEND\n:abc\n\n\x00", nil, "bad-frame 1002"},
		{"NUL in the headers", V12, "SEND\na:b\x00\n\n\x00", nil, "bad-frame 1002"},
		{"no empty line", V12, "SEND\x00", nil, "bad-frame 1002"},
		{"invalid UTF-8 in a header", V12, "SEND\na:\xE8\xB5\n\n\x00", nil, "bad-frame 1002"},
		{"invalid UTF-8 in a name", V12, "SEND\n\xFF:a\n\n\x00", nil, "bad-frame 1002"},
		{"a surrogate in a header", V12, "SEND\na:\xED\xA0\x80\n\n\x00", nil, "bad-frame 1002"},
		{"invalid UTF-8 in the body is the handler's matter", V12, "SEND\n\n\xFF\x00", []seen{send("\xFF")}, ""},

		{"escapes in 1.2", V12, `SEND` + "\n" + `\ca\\:\r\n\c\\` + "\n\n\x00", []seen{send("", [2]string{`:a\`, "\r\n:\\"})}, ""},
		{"escapes in 1.1", V11, "SEND\n" + `a\n:\n\c\\` + "\n\n\x00", []seen{send("", [2]string{"a\n", "\n:\\"})}, ""},
		{"1.1 has no escaped CR", V11, "SEND\n" + `a:\r` + "\n\n\x00", nil, "bad-frame 1002"},
		{"no escapes in 1.0", V10, "SEND\n" + `a\t:\r\x\` + "\n\n\x00", []seen{send("", [2]string{`a\t`, `\r\x\`})}, ""},
		{"undefined escape in 1.2", V12, "SEND\n" + `a:\t` + "\n\n\x00", nil, "bad-frame 1002"},
		{"undefined escape in a name", V11, "SEND\n" + `a\t:b` + "\n\n\x00", nil, "bad-frame 1002"},
		{"backslash at the end", V12, "SEND\n" + `a:b\` + "\n\n\x00", nil, "bad-frame 1002"},
		{"an escape is not undone twice", V12, "SEND\n" + `a:\\n` + "\n\n\x00", []seen{send("", [2]string{"a", `\n`})}, ""},
		{"CONNECT has no escapes", V12, "CONNECT\n" + `passcode:\t\c` + "\n\n\x00", []seen{{Connect, [][2]string{{"passcode", `\t\c`}}, ""}}, ""},
		{"STOMP is CONNECT", V12, "STOMP\n\n\x00", []seen{{Connect, nil, ""}}, ""},

		{"every client command", V12, "SUBSCRIBE\n\n\x00UNSUBSCRIBE\n\n\x00ACK\n\n\x00NACK\n\n\x00BEGIN\n\n\x00COMMIT\n\n\x00ABORT\n\n\x00DISCONNECT\n\n\x00",
			[]seen{{Command: Subscribe}, {Command: Unsubscribe}, {Command: Ack}, {Command: Nack}, {Command: Begin}, {Command: Commit}, {Command: Abort}, {Command: Disconnect}}, ""},
		{"a server's command", V12, "MESSAGE\n\n\x00", nil, "unknown-command 1002"},
		{"RECEIPT", V12, "RECEIPT\n\n\x00", nil, "unknown-command 1002"},
		{"CONNECTED", V12, "CONNECTED\n\n\x00", nil, "unknown-command 1002"},
		{"ERROR", V12, "ERROR\n\n\x00", nil, "unknown-command 1002"},
		{"lower case", V12, "send\n\n\x00", nil, "unknown-command 1002"},
		{"a space after the command", V12, "SEND \n\n\x00", nil, "unknown-command 1002"},
		{"a space before the command", V12, " SEND\n\n\x00", nil, "unknown-command 1002"},
		{"two CRs", V12, "SEND\r\r\n\n\x00", nil, "unknown-command 1002"},
		{"HTTP", V12, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", nil, "unknown-command 1002"},
		{"what came before the fault counts", V12, "SEND\n\n1\x00NO\n\n\x00", []seen{send("1")}, "unknown-command 1002"},

		{"a body on SUBSCRIBE", V12, "SUBSCRIBE\n\nx\x00", nil, "bad-frame 1002"},
		{"a body on CONNECT", V12, "CONNECT\n\nx\x00", nil, "bad-frame 1002"},
		{"a body on DISCONNECT", V12, "DISCONNECT\ncontent-length:1\n\nx\x00", nil, "bad-frame 1002"},
		{"an EOL as the body of ACK", V12, "ACK\n\n\n\x00", nil, "bad-frame 1002"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			check := func(how string, chunks ...string) {
				t.Helper()
				frames, err := decode(newDecoder(tt.version), append(chunks, "")...)
				if got := tokenOf(err); got != tt.err {
					t.Errorf("%s: error %q, want %q", how, got, tt.err)
				}
				if !slices.EqualFunc(frames, tt.want, equal) {
					t.Errorf("%s:\n got %q\nwant %q", how, frames, tt.want)
				}
			}
			check("whole", tt.in)
			check("byte by byte", strings.Split(tt.in, "")...)
			var single []string
			for i := range len(tt.in) {
				single = append(single, tt.in[i:i+1])
				check(fmt.Sprintf("cut at %d", i), tt.in[:i], tt.in[i:])
			}
			check("byte by byte, inside UTF-8 too", single...)
		})
	}
}

func equal(a, b seen) bool {
	return a.Command == b.Command && a.Body == b.Body && slices.Equal(a.Headers, b.Headers)
}

// A limit lets in what is exactly at it, and nothing more.
func TestDecodeLimits(t *testing.T) {
	t.Parallel()
	l := Limits{Frame: 2000, Headers: 4, Section: 500}
	fill := func(n int) string { return strings.Repeat("x", n) }
	for _, tt := range []struct {
		name string
		in   func(over int) string // over 0 is at the limit
		err  string
	}{
		{"frame", func(over int) string { return "SEND\n\n" + fill(2000-7+over) + "\x00" }, "frame-too-large 1009"},
		{"frame with a length", func(over int) string {
			head := fmt.Sprintf("SEND\ncontent-length:%d\n\n", 2000-27+over)
			return head + fill(2000-len(head)-1+over) + "\x00"
		}, "frame-too-large 1009"},
		{"headers", func(over int) string { return "SEND\n" + strings.Repeat("a:b\n", 4+over) + "\n\x00" }, "frame-too-large 1009"},
		{"header section", func(over int) string { return "SEND\na:" + fill(500-9+over) + "\n\n\x00" }, "frame-too-large 1009"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for over, want := range []string{"", tt.err} {
				in := tt.in(over)
				for _, size := range []int{len(in), 1, 7, 499, 512} {
					var chunks []string
					for c := range slices.Chunk([]byte(in), size) {
						chunks = append(chunks, string(c))
					}
					frames, err := decode(NewDecoder(l), append(chunks, "")...)
					if got := tokenOf(err); got != want {
						t.Errorf("%d over, chunks of %d: error %q, want %q", over, size, got, want)
					}
					if (len(frames) == 1) != (want == "") {
						t.Errorf("%d over, chunks of %d: %d frames", over, size, len(frames))
					}
				}
			}
		})
	}
}

// A frame that never ends is refused as soon as it is over a limit, not when
// its end has come.
func TestDecodeRefusesEarly(t *testing.T) {
	t.Parallel()
	l := Limits{Frame: 4000, Headers: 10, Section: 1000}
	for name, tt := range map[string]struct {
		head, more string
		most       int
	}{
		"command":        {"", "S", l.Section},
		"one header":     {"SEND\na:", "b", l.Section},
		"headers":        {"SEND\n", "a:b\n", l.Section},
		"body":           {"SEND\n\n", "b", l.Frame},
		"declared body":  {"SEND\ncontent-length:5000\n", "\n", 0},
		"subscribe body": {"SUBSCRIBE\n\n", "b", l.Frame},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := NewDecoder(l)
			fed := 0
			_, err := decode(d, tt.head, "")
			for err == nil && fed <= 2*l.Frame {
				fed += len(tt.more)
				_, err = decode(d, tt.more, "")
			}
			if tokenOf(err) != "frame-too-large 1009" {
				t.Fatalf("after %d bytes: %v", fed, err)
			}
			if most := max(tt.most-len(tt.head), 0) + len(tt.more); fed > most {
				t.Errorf("refused after %d bytes, want at most %d", fed, most)
			}
		})
	}
}

// The buffer grows with what came, not with what a frame may be or claims to be.
func TestDecodeMemoryFollowsWhatCame(t *testing.T) {
	t.Parallel()
	d := NewDecoder(Limits{Frame: 100 << 20, Headers: 10, Section: 1000})
	head := "SEND\ncontent-length:100000000\n\n"
	if _, err := decode(d, head, ""); err != nil {
		t.Fatal(err)
	}
	for came := len(head); came < 1<<20; came += 1000 {
		if _, err := decode(d, strings.Repeat("x", 1000), ""); err != nil {
			t.Fatal(err)
		}
		if most := 2*came + 4*readSize; len(d.buf) > most {
			t.Fatalf("%d bytes came, and %d are held", came, len(d.buf))
		}
	}
}

// EOLs are beats, however many: they must not pile up.
func TestDecodeBeatsTakeNoMemory(t *testing.T) {
	t.Parallel()
	d := newDecoder(V12)
	for range 10_000 {
		if frames, err := decode(d, "\n\r\n\n\n", ""); err != nil || frames != nil {
			t.Fatal(frames, err)
		}
	}
	if len(d.buf) != readSize {
		t.Errorf("the buffer has grown to %d bytes", len(d.buf))
	}
}

// A large frame's buffer is not kept by a session that idles.
func TestDecodeGivesMemoryBack(t *testing.T) {
	t.Parallel()
	d := newDecoder(V12)
	if _, err := decode(d, "SEND\n\n"+strings.Repeat("x", 60_000)+"\x00", ""); err != nil {
		t.Fatal(err)
	}
	if d.Space(); len(d.buf) != readSize {
		t.Errorf("an idle decoder holds %d bytes", len(d.buf))
	}
}

// The receipt comes back in the ERROR as far as it was read.
func TestPartialReceipt(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		version Version
		in      string
		want    string
	}{
		{"no colon after it", V12, "SEND\nreceipt:7\njunk\n\n\x00", "7"},
		{"fault before it", V12, "SEND\njunk\nreceipt:7\n\n\x00", "7"},
		{"fault before it, NUL before the empty line", V12, "SEND\njunk\nreceipt:7\n\x00", "7"},
		{"unknown command", V12, "BOGUS\nreceipt:7\n\n\x00", "7"},
		{"too many headers before it", V12, "SEND\n" + strings.Repeat("a:b\n", 65) + "receipt:7\n\n\x00", "7"},
		{"a blank before it in 1.0", V10, "SEND\njunk\nreceipt: 7\n\n\x00", "7"},
		{"a CR within it", V12, "SEND\nreceipt:7\r7\n\n\x00", ""},
		{"none", V12, "SEND\na:b\njunk\n\n\x00", ""},
		{"first wins", V12, "SEND\nreceipt:7\nreceipt:8\njunk\n\n\x00", "7"},
		{"bad length", V12, "SEND\nreceipt:7\ncontent-length:x\n\n\x00", "7"},
		{"a body where none may be", V12, "ACK\nreceipt:7\n\nx\x00", "7"},
		{"too many bytes", V12, "SEND\nreceipt:7\ncontent-length:99999999\n\n", "7"},
		{"wrong length", V12, "SEND\nreceipt:7\ncontent-length:1\n\nab\x00", "7"},
		{"escaped, fault in a header line", V12, "SEND\nreceipt:a\\cb\njunk\n\n\x00", "a:b"},
		{"escaped, fault in an escape after it", V12, "SEND\nreceipt:a\\cb\nc:\\t\n\n\x00", "a:b"},
		{"escaped backslash, fault in an escape after it", V12, "SEND\nreceipt:a\\\\cb\nc:\\t\n\n\x00", `a\cb`},
		{"escaped, a body where none may be", V12, "ACK\nreceipt:a\\cb\n\nx\x00", "a:b"},
		{"fault in an escape before it", V12, "SEND\nc:\\t\nreceipt:a\\cb\n\n\x00", "a:b"},
		{"its own escape is the fault", V12, "SEND\nreceipt:a\\cb\\t\n\n\x00", ""},
		{"its own escape is the fault, after others", V12, "SEND\nreceipt:\\c\\\\\\x\n\n\x00", ""},
		{"its own escape is the fault, one follows", V12, "SEND\nreceipt:\\c\\\\\\x\nreceipt:8\n\n\x00", ""},
		{"its own UTF-8 is the fault", V12, "SEND\nreceipt:\xFF\n\n\x00", ""},
		{"raw in 1.0", V10, "SEND\nreceipt:a\\cb\njunk\n\n\x00", `a\cb`},
		{"not of the frame before", V12, "SEND\nreceipt:7\n\n\x00NO\n\n", ""},
		{"not of the frame before, in its headers", V12, "SEND\nreceipt:7\n\n\x00SEND\njunk\n\n", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := newDecoder(tt.version)
			if _, err := decode(d, tt.in, ""); err == nil {
				t.Fatal("no error")
			}
			if got := d.PartialReceipt(); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
