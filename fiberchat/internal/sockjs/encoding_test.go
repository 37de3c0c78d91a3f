package sockjs

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/valyala/fasthttp"
)

// escapedByServer are the units from 255 on that a server must escape.
func escapedByServer(r rune) bool {
	return r >= 0x200c && r <= 0x200f || r >= 0x2028 && r <= 0x202f || r >= 0x2060 && r <= 0x206f || r >= 0xfff0 && r <= 0xffff
}

func TestServerEncodes(t *testing.T) {
	t.Parallel()
	app := startConformance(t)
	var plain, escaped strings.Builder
	for r := rune(255); r <= 0xffff; r++ {
		if escapedByServer(r) {
			plain.WriteRune(r)
			fmt.Fprintf(&escaped, `\u%04x`, r)
		}
	}
	path := "/echo" + newSessionPath()
	equal(t, "open", polled(t, app.addr, path+"/xhr"), "o\n")
	sent(t, app.addr, path+"/xhr_send", `["`+plain.String()+`"]`)
	equal(t, "echo", polled(t, app.addr, path+"/xhr"), `a["`+escaped.String()+"\"]\n")
}

// Every unit there is, escaped by the client, comes back as it was; what is
// no character at all comes back as U+FFFD.
func TestServerDecodes(t *testing.T) {
	t.Parallel()
	app := startConformance(t)
	path := "/echo" + newSessionPath()
	equal(t, "open", polled(t, app.addr, path+"/xhr"), "o\n")
	for start := 0; start < 0x10000; start += 0x1000 {
		if start == 0xd000 {
			continue // surrogates have tests of their own
		}
		var escaped, plain strings.Builder
		for r := start; r < start+0x1000; r++ {
			fmt.Fprintf(&escaped, `\u%04X`, r)
			plain.WriteRune(rune(r))
		}
		sent(t, app.addr, path+"/xhr_send", `["`+escaped.String()+`"]`)
		var got []string
		body := polled(t, app.addr, path+"/xhr")
		if err := json.Unmarshal([]byte(body[1:]), &got); err != nil {
			t.Fatal(err)
		}
		equal(t, fmt.Sprintf("from %#x", start), strings.Join(got, ""), plain.String())
	}
}

func TestDecoder(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		bodies []string
		want   string
	}{
		{"one string", []string{`"a"`}, "a"},
		{"array", []string{`["a","b"]`}, "ab"},
		{"space", []string{" [ \"a\" ,\n\t\"b\"\r] "}, "ab"},
		{"escapes", []string{`["\"\\\/\b\f\n\r\t\u00e4"]`}, "\"\\/\b\f\n\r\tä"},
		{"NUL", []string{`["a\u0000"]`}, "a\x00"},
		{"DEL", []string{"[\"\x7f\"]"}, "\x7f"},
		{"pair", []string{`["\ud83d\ude00"]`}, "😀"},
		{"pair over two strings", []string{`["a\ud83d","\ude00b"]`}, "a😀b"},
		{"pair over two bodies", []string{`["a\uD83D"]`, `["\uDE00b"]`}, "a😀b"},
		{"pair over an empty string", []string{`["a\ud83d","","\ude00b"]`, `[]`}, "a😀b"},
		{"lone high", []string{`["\ud83dx"]`}, "\ufffdx"},
		{"lone high then a body", []string{`["\ud83d"]`, `["x"]`}, "\ufffdx"},
		{"two highs and a low", []string{`["\ud83d\ud83d\ude00"]`}, "\ufffd😀"},
		{"lone low", []string{`["x\ude00"]`}, "x\ufffd"},
		{"U+FFFD itself", []string{"[\"\ufffd\"]"}, "\ufffd"},
	} {
		var d decoder
		var got []byte
		for _, body := range c.bodies {
			var err error
			if got, err = d.arrayOrString(got, []byte(body)); err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
		}
		equal(t, c.name, string(got), c.want)
	}
}

// What is not UTF-8 is refused, and not replaced by what would be stored as the user's own words.
func TestDecoderRefusesWhatIsNotUTF8(t *testing.T) {
	t.Parallel()
	for name, octets := range map[string]string{
		"no lead": "\xff", "no tail": "\xc3", "tail alone": "\x80", "overlong": "\xc0\xaf", "surrogate": "\xed\xa0\xbd",
		"beyond Unicode": "\xf4\x90\x80\x80", "cut off": "\xe4\xbd",
	} {
		for _, body := range []string{`["a` + octets + `b"]`, `["` + octets + `"]`, `"` + octets + `"`, `["\ud83d` + octets + `"]`, `["a"` + octets + `]`} {
			if got, err := new(decoder).arrayOrString(nil, []byte(body)); !errors.Is(err, errBroken) {
				t.Errorf("%s, %q: got %q, %v", name, body, got, err)
			}
		}
	}
}

// A body that is refused changes nothing, a surrogate that waits included.
func TestRefusedBodyKeepsTheSurrogate(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	id := newID()
	path := "/echo/0/" + id
	equal(t, "open", polled(t, s.addr, path+"/xhr"), "o\n")
	sent(t, s.addr, path+"/xhr_send", `["\ud83d"]`)
	equal(t, "broken", post(t, s.addr, path+"/xhr_send", `["x`).status, http.StatusInternalServerError)
	sent(t, s.addr, path+"/xhr_send", `["\ude00"]`)
	equal(t, "echo", polled(t, s.addr, path+"/xhr"), "a[\"😀\"]\n")
}

func TestAppendString(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, want string }{
		{"", `""`},
		{"MESSAGE\nid:1\n\n起来聊天\x00", `"MESSAGE\nid:1\n\n起来聊天\u0000"`},
		{`a"b\c/`, `"a\"b\\c/"`},
		{"\b\f\n\r\t\x01\x1f\x7f", `"\b\f\n\r\t\u0001\u001f` + "\x7f\""},
		{"(=ↀωↀ=)😀", `"(=ↀωↀ=)😀"`},
		{"\u200c\u2028\u2060\ufff0\uffff", `"\u200c\u2028\u2060\ufff0\uffff"`},
		{"\xff", `"\ufffd"`},
	} {
		equal(t, c.in, string(appendString(nil, []byte(c.in))), c.want)
	}
}

// seeds adds the committed corpus of bodies to f.
func seeds(f *testing.F) {
	files, err := filepath.Glob("testdata/bodies/*")
	if err != nil || len(files) == 0 {
		f.Fatal("no bodies in testdata:", err)
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
}

// FuzzXHRSendBody holds the decoder against encoding/json: the same bodies
// are valid, and the text is the same but for surrogates cut in two.
func FuzzXHRSendBody(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		var d decoder
		got, err := d.arrayOrString(nil, body)
		if len(got) > 3*len(body) {
			t.Fatalf("%d bytes became %d", len(body), len(got))
		}
		if !utf8.Valid(got) {
			t.Fatalf("not UTF-8: %q", got)
		}
		var one *string
		many := []*string{}
		valid := json.Unmarshal(body, &many) == nil && many != nil
		if !valid && json.Unmarshal(body, &one) == nil && strings.HasPrefix(strings.TrimLeft(string(body), " \t\r\n"), `"`) {
			valid, many = true, []*string{one}
		}
		for _, s := range many {
			valid = valid && s != nil // null is no string
		}
		valid = valid && utf8.Valid(body)
		if valid != (err == nil) {
			t.Fatalf("%q: valid %v, error %v", body, valid, err)
		}
		if _, inPost := new(decoder).array(nil, body); (inPost == nil) != (valid && one == nil) {
			t.Fatalf("%q: valid %v, bare %v, in a post %v", body, valid, one != nil, inPost)
		}
		if !valid || d.high != 0 {
			return
		}
		var want strings.Builder
		for _, s := range many {
			want.WriteString(*s)
		}
		// A pair over two strings is joined here and two U+FFFD there.
		if strings.ContainsRune(want.String(), utf8.RuneError) {
			return
		}
		if string(got) != want.String() {
			t.Fatalf("%q: got %q, want %q", body, got, want.String())
		}
		again, err := new(decoder).arrayOrString(nil, appendString(nil, got))
		if err != nil || string(again) != string(got) {
			t.Fatalf("%q does not survive: %q, %v", got, again, err)
		}
	})
}

// FuzzJSONPSendBody sends forms through a whole server, where nothing may
// panic and every answer is one of the protocol's.
func FuzzJSONPSendBody(f *testing.F) {
	seeds(f)
	for _, form := range []string{"d=%5B%22x%22%5D", "d=", "p=p", "d=%5B%22x", "d=%", "d=[\"a+b\"]&d=2", "=&&d"} {
		f.Add([]byte(form))
	}
	s := start(f, Config{MaxInbound: 1 << 10})
	handler := s.app.Handler()
	f.Fuzz(func(t *testing.T, body []byte) {
		var ctx fasthttp.RequestCtx
		ctx.Init(&fasthttp.Request{}, nil, nil)
		id := newID()
		ctx.Request.SetRequestURI("/echo/0/" + id + "/jsonp?c=x")
		handler(&ctx)
		if got := string(ctx.Response.Body()); got != "/**/x(\"o\");\r\n" {
			t.Fatalf("open: %q", got)
		}
		defer s.find(sessionKey{id: id}).expireNow()

		ctx.Init(&fasthttp.Request{}, nil, nil)
		ctx.Request.Header.SetMethod(http.MethodPost)
		ctx.Request.Header.SetContentType("application/x-www-form-urlencoded")
		ctx.Request.SetRequestURI("/echo/0/" + id + "/jsonp_send")
		ctx.Request.SetBody(body)
		handler(&ctx)
		switch status, text := ctx.Response.StatusCode(), string(ctx.Response.Body()); {
		case status == 200 && text == "ok":
		case status == 500 && (text == "Payload expected." || text == "Broken JSON encoding."):
		case status == 413 && len(body) > 1<<10:
		default:
			t.Fatalf("%q: %d %q", body, status, text)
		}
	})
}

// expireNow ends a session as the disconnect delay does.
func (s *session) expireNow() {
	s.end(errTimeout, 1002, "Connection timed out")
	s.server.forget(s)
}
