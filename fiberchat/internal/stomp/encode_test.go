package stomp

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

var update = flag.Bool("update", false, "write what is encoded to the golden files")

// Each golden file is what goes over the wire, byte for byte.
func TestEncode(t *testing.T) {
	t.Parallel()
	const echo = "a:b\\c\r d 起来" // an id as a client may choose it
	for _, v := range []Version{V10, V11, V12} {
		id := echo
		if v == V10 {
			id = `a:b\c d 起来` // 1.0 cannot say CR
		}
		for name, frame := range map[string][]byte{
			"connected":         appendConnected(nil, v, heartBeat{10 * time.Second, 20 * time.Second}, "S1", &Config{Server: "fiberchat", MaxContent: 49152}, User{7, "起来"}),
			"connected-no-name": appendConnected(nil, v, heartBeat{}, "S1", &Config{Server: "fiberchat", MaxContent: 49152}, User{8, "two words"}),
			"message":           appendMessage(nil, &Subscription{head: messageHead(id, "/user/2/recive", v)}, v, 18446744073709551615, 0, []byte(`{"content":"起来聊天"}`)),
			"receipt":           appendReceipt(nil, id, v),
			"error":             appendError(nil, badFrame("a header has no name"), v),
			"error-receipt":     appendError(nil, asError(NotAllowed("this is not yours"), id), v),
			"error-version":     appendError(nil, &Error{Token: tokenVersion, Text: "supported versions are 1.0, 1.1 and 1.2"}, v),
		} {
			t.Run(name+" "+v.String(), func(t *testing.T) {
				t.Parallel()
				path := filepath.Join("testdata", name+"-"+v.String()+".golden")
				if *update {
					if err := os.WriteFile(path, frame, 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(frame, want) {
					t.Errorf("got  %q\nwant %q", frame, want)
				}
				checkOutbound(t, frame, v)
			})
		}
	}
}

// A CR that ends a value would be read as a part of the line's end. Only 1.2
// can say it.
func TestEncodeFinalCR(t *testing.T) {
	t.Parallel()
	for v, want := range map[Version]string{V10: "a\rb", V11: "a\rb", V12: `a\rb\r\r`} {
		for name, frame := range map[string][]byte{
			"receipt":      appendReceipt(nil, "a\rb\r\r", v),
			"error":        appendError(nil, asError(badFrame(""), "a\rb\r\r"), v),
			"subscription": appendMessage(nil, &Subscription{head: messageHead("a\rb\r\r", "/a", v)}, v, 1, 0, nil),
			"destination":  appendMessage(nil, &Subscription{head: messageHead("0", "a\rb\r\r", v)}, v, 1, 0, nil),
		} {
			if !strings.Contains(string(frame), ":"+want+"\n") {
				t.Errorf("%s in %s: got %q, want the value %q", name, v, frame, want)
			}
			checkOutbound(t, frame, v)
		}
	}
}

// checkOutbound holds a frame against what all clients in the field can read.
func checkOutbound(t *testing.T, frame []byte, v Version) {
	t.Helper()
	if !utf8.Valid(frame) {
		t.Error("not UTF-8, which a text message must be")
	}
	if bytes.IndexByte(frame, 0) != len(frame)-1 {
		t.Error("there must be one NUL, at the end")
	}
	head, body, ok := strings.Cut(string(frame[:len(frame)-1]), "\n\n")
	if !ok {
		t.Fatal("no empty line")
	}
	lines := strings.Split(head, "\n")
	for _, line := range lines[1:] {
		if strings.HasSuffix(line, "\r") {
			t.Errorf("%q ends with a carriage return", line)
		}
		key, value, _ := strings.Cut(line, ":")
		switch key {
		case "receipt-id", "subscription", "destination": // echoes
			if v != V10 && strings.Contains(value, ":") {
				t.Errorf("%q is not escaped", line)
			}
		default:
			if value == "" || strings.ContainsAny(value, " :\\\r\t") {
				t.Errorf("%q: not every client can read this value", line)
			}
		}
	}
	if lines[0] == "CONNECTED" && body != "" {
		t.Error("a body on CONNECTED")
	}
}

func TestFitsHeader(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"wususu": true, "起来": true, "007": true, "a-b_c.d@e": true,
		"": false, "a b": false, "a:b": false, `a\b`: false, "a\nb": false, "a\rb": false, "a\tb": false,
		"a\x00b": false, "a\x7F": false, "a\xFF": false, "\xED\xA0\x80": false,
	} {
		if got := fitsHeader(name); got != want {
			t.Errorf("%q: got %v", name, got)
		}
	}
}

func TestNegotiate(t *testing.T) {
	t.Parallel()
	for accept, want := range map[string]string{
		"1.0": "1.0", "1.1": "1.1", "1.2": "1.2",
		"1.2,1.1,1.0": "1.2", "1.0,1.1,1.2": "1.2", "1.1,1.0": "1.1", "1.0,1.2": "1.2",
		"1.1, 1.2": "1.2", "1.0,3.7,2.0": "1.0", "1.1,": "1.1",
		"": "", "1.3": "", "2": "", "1.20": "", "1.2;1.1": "", "v1.2": "", ",": "",
	} {
		got := ""
		if v, ok := negotiate(accept, true); ok {
			got = v.String()
		}
		if got != want {
			t.Errorf("accept-version:%s gives %q, want %q", accept, got, want)
		}
	}
	if v, ok := negotiate("", false); !ok || v != V10 {
		t.Error("without accept-version it is 1.0")
	}
}

func TestAgreeBeat(t *testing.T) {
	t.Parallel()
	const s, day = time.Second, 24 * time.Hour
	offer := 10 * s
	for header, want := range map[string]heartBeat{
		"0,0":                                   {},
		"10000,10000":                           {10 * s, 10 * s},
		"0,10000":                               {out: 10 * s},
		"10000,0":                               {in: 10 * s},
		"1,1":                                   {10 * s, 10 * s},
		"30000,20000":                           {out: 20 * s, in: 30 * s},
		"999999999999999999,999999999999999999": {day, day},
		"00,0000":                               {},
		" 30000 ,\t20000 ":                      {out: 20 * s, in: 30 * s},
	} {
		if got, err := agreeBeat(header, true, offer); err != nil || got != want {
			t.Errorf("heart-beat:%s: got %v, %v, want %v", header, got, err, want)
		}
		if got, err := agreeBeat(header, true, 0); err != nil || got != (heartBeat{}) {
			t.Errorf("heart-beat:%s with none offered: got %v, %v", header, got, err)
		}
	}
	// What is announced is kept: the wire has whole milliseconds.
	for offer, want := range map[time.Duration]time.Duration{
		1: 1, time.Microsecond: 1, time.Millisecond: 1, 1500 * time.Microsecond: 2, 1999999: 2,
	} {
		if got, err := agreeBeat("1,1", true, offer); err != nil || got != (heartBeat{want * time.Millisecond, want * time.Millisecond}) {
			t.Errorf("%v offered: got %v, %v, want %d ms", offer, got, err, want)
		}
	}
	if got, err := agreeBeat("", false, offer); err != nil || got != (heartBeat{}) {
		t.Errorf("without the header: got %v, %v", got, err)
	}
	for _, header := range []string{
		"", ",", "1", "1,", ",1", "1,2,3", "-1,0", "0,-1", "+1,0", "a,b", "1.5,0", "1 1,1", ", ",
		"9999999999999999999,0", "1e3,0", "٣,0",
	} {
		if got, err := agreeBeat(header, true, offer); tokenOf(err) != "bad-frame 1002" {
			t.Errorf("heart-beat:%q: got %v, %v", header, got, err)
		}
	}
}
