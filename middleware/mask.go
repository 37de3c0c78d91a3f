package middleware

import (
	"bytes"
	"net/url"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// Mask does what New does before it lets a request on: it overwrites the token
// in all that a later handler or logger can read of the request. It is for
// requests that are answered without a check. It leaves headers that may hold
// a token (Config.Header). query is needed only where
// Config.Query was set.
func Mask(c *fiber.Ctx, query ...string) {
	name := defaultQuery
	if len(query) > 0 {
		name = query[0]
	}
	mask(c.Request(), name)
}

// mask overwrites the values of the query parameter name wherever the request
// holds them. It does so in place and keeps their length: strings that Fiber
// handed out earlier point into the same memory, and so are masked too.
func mask(r *fasthttp.Request, name string) {
	for key, value := range r.URI().QueryArgs().All() {
		if string(key) == name {
			redact(value)
		}
	}
	maskParam(r.URI().QueryString(), name)
	maskParam(r.URI().Hash(), name)
	maskParam(r.Header.RequestURI(), name)
	// Referer, and what proxies tell of the original URL.
	for _, value := range r.Header.All() {
		maskParam(value, name)
	}
	for line := range bytes.Lines(r.Header.RawHeaders()) {
		maskParam(bytes.TrimRight(line, "\r\n"), name)
	}
}

// maskHeader overwrites a header that held the token.
func maskHeader(r *fasthttp.Request, name string) {
	for key, value := range r.Header.All() {
		if strings.EqualFold(string(key), name) {
			redact(value)
		}
	}
	for line := range bytes.Lines(r.Header.RawHeaders()) {
		if key, value, found := bytes.Cut(bytes.TrimRight(line, "\r\n"), []byte(":")); found && strings.EqualFold(string(key), name) {
			redact(value)
		}
	}
}

// maskParam overwrites each value of name in b, a query or a text with a URL.
// The value ends at & or at the end of b: rather too much than too little.
func maskParam(b []byte, name string) {
	start := 0 // of the key
	for i, c := range b {
		switch c {
		case '?', '&', '#':
			start = i + 1
		case '=':
			if isParam(b[start:i], name) {
				value, _, _ := bytes.Cut(b[i+1:], []byte("&"))
				redact(value)
			}
		}
	}
}

// isParam reports whether key, as a URL spells it, is name.
func isParam(key []byte, name string) bool {
	if len(key) < len(name) || len(key) > 3*len(name) {
		return false // an escape is three bytes
	}
	decoded, err := url.QueryUnescape(string(key))
	return err == nil && decoded == name
}

func redact(value []byte) {
	for i := range value {
		value[i] = 'x'
	}
}
