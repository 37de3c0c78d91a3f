package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"
)

// What is no small form or JSON is refused before it is looked at.
func TestBodies(t *testing.T) {
	t.Parallel()
	const form, asJSON = "application/x-www-form-urlencoded", "application/json"
	good := url.Values{"uname": {"ada"}, "passwd": {password}}.Encode()
	goodJSON := fmt.Sprintf(`{"uname":"ada","passwd":%q}`, password)
	var parts bytes.Buffer
	w := multipart.NewWriter(&parts)
	w.WriteField("uname", "ada")
	w.WriteField("passwd", password)
	w.Close()
	s := start(t, "-rate", "0")
	signUp(t, s, "ada")
	for name, test := range map[string]struct {
		contentType, body string
		status            int
		name              string
	}{
		"form":                {form, good, 200, ""},
		"form in UTF-8":       {form + "; charset=UTF-8", good, 200, ""},
		"form with the rest":  {form, "x&&=&%zz=1&" + good + "&uname", 400, "MissingField"},
		"form of separators":  {form, good + strings.Repeat("&a", (maxBody-len(good))/2), 200, ""},
		"form too long":       {form, good + strings.Repeat("&a", maxBody/2), 413, "TooLarge"},
		"JSON":                {asJSON, goodJSON, 200, ""},
		"JSON in UTF-8":       {asJSON + "; charset=utf-8", goodJSON, 200, ""},
		"JSON, another name":  {"APPLICATION/VND.API+JSON", goodJSON, 200, ""},
		"JSON as long as may": {asJSON, goodJSON + strings.Repeat(" ", maxBody-len(goodJSON)), 200, ""},
		"JSON too long":       {asJSON, goodJSON + strings.Repeat(" ", maxBody), 413, "TooLarge"},
		"not JSON":            {asJSON, good, 400, "BadJSON"},
		"not a form":          {form, goodJSON, 400, "MissingField"},
		"XML":                 {"application/xml", "<credentials><Uname>ada</Uname></credentials>", 415, "BadJSON"},
		"parts":               {w.FormDataContentType(), parts.String(), 415, "BadJSON"},
		"no type":             {"", goodJSON, 415, "BadJSON"},
		"text":                {"text/plain", goodJSON, 415, "BadJSON"},
	} {
		for _, chunked := range []bool{false, true} {
			var body io.Reader = strings.NewReader(test.body)
			if chunked {
				body = io.MultiReader(body) // of a length that is not known
			}
			req, err := http.NewRequest(http.MethodPost, s.url+"/api/user/login", body)
			if err != nil {
				t.Fatal(err)
			}
			if test.contentType != "" {
				req.Header.Set("Content-Type", test.contentType)
			}
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			r := reply{status: res.StatusCode}
			if err := json.NewDecoder(res.Body).Decode(&r); err != nil || r.status != test.status || r.errorName() != test.name {
				t.Errorf("%s, chunked %v: %v, %d %q %s, want %d %s", name, chunked, err, r.status, r.Message, r.Content, test.status, test.name)
			}
		}
	}
}

// A form costs what it has of us, not what it has.
func TestFormOfSeparatorsIsCheap(t *testing.T) { // not parallel: others allocate too
	form := []byte(strings.Repeat("a&", maxBody/2) + "uname=ada")
	if n := testing.AllocsPerRun(10, func() {
		var in credentials
		in.readForm(form)
	}); n > 20 {
		t.Errorf("%v allocations", n)
	}
}

// Of a body that is promised no more is read than fasthttp does on its own,
// 8 KiB, whatever its type: the refusal does not wait for the rest.
func TestPromisedBodyIsRefused(t *testing.T) {
	t.Parallel()
	s := start(t)
	for contentType, want := range map[string]int{"application/json": 413, "multipart/form-data; boundary=x": 415} {
		for _, length := range []int{4 << 20, 1 << 30} {
			conn, err := net.Dial("tcp", s.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			fmt.Fprintf(conn, "POST /api/user/create HTTP/1.1\r\nHost: h\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s",
				contentType, length, strings.Repeat("x", 8<<10))
			res, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			if body, err := io.ReadAll(res.Body); res.StatusCode != want || err != nil || !strings.HasPrefix(string(body), `{"code":-40`) {
				t.Errorf("%s of %d octets: status %d, %v, %s", contentType, length, res.StatusCode, err, body)
			}
		}
	}
}

// Signed in elsewhere on the same site, one has long cookies.
func TestLongCookies(t *testing.T) {
	t.Parallel()
	s := start(t)
	for length, want := range map[int]int{4_500: 200, 12_000: 200, 300_000: 431} {
		req, err := http.NewRequest(http.MethodGet, s.url+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Cookie", "sso="+strings.Repeat("x", length))
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			if want == 431 { // it may close before it has read all, and then the answer is lost
				continue
			}
			t.Fatal(err)
		}
		defer res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("cookie of %d octets: status %d, want %d", length, res.StatusCode, want)
		}
	}
}

// Nobody but an endpoint answers in another shape.
func TestFibersErrorsHaveOurShape(t *testing.T) {
	t.Parallel()
	app := newApp("", nil)
	for _, code := range []int{404, 405, 408, 413, 431, 500, 501} {
		app.Get(fmt.Sprint("/", code), func(*fiber.Ctx) error { return fiber.NewError(code, "secret") })
	}
	app.Get("/panic", func(*fiber.Ctx) error { return io.ErrUnexpectedEOF })
	s := site{app: app}
	for path, want := range map[string]struct {
		status, code int
	}{"/404": {404, -404}, "/nowhere": {404, -404}, "/405": {405, -400}, "/408": {408, -400}, "/413": {413, -400}, "/431": {431, -400}, "/500": {500, -300}, "/501": {501, -300}, "/panic": {500, -300}} {
		r := s.do(t, httptest.NewRequest(http.MethodGet, path, nil))
		if r.status != want.status || r.Code != want.code || r.errorName() == "" || r.Message == "" || strings.Contains(r.Message, "secret") {
			t.Errorf("%s: %+v, want %v", path, r, want)
		}
	}
}
