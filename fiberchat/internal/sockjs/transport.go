package sockjs

import (
	"bytes"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"
)

// transport is one way to receive: what it looks like on the wire.
type transport struct {
	method      string
	contentType string
	stream      bool // many frames a response, not one
	callback    bool // needs the c parameter, and is used by pages of other origins
	prelude     func(callback string) []byte
	frame       func(dst, frame []byte, callback string) []byte
}

var transports = map[string]*transport{
	"xhr": {
		method:      fiber.MethodPost,
		contentType: "application/javascript; charset=UTF-8",
		frame:       lineFrame,
	},
	"xhr_streaming": {
		method:      fiber.MethodPost,
		contentType: "application/javascript; charset=UTF-8",
		stream:      true,
		prelude:     func(string) []byte { return xhrPrelude },
		frame:       lineFrame,
	},
	"eventsource": {
		method:      fiber.MethodGet,
		contentType: "text/event-stream",
		stream:      true,
		prelude:     func(string) []byte { return []byte("\r\n") },
		frame:       eventFrame,
	},
	"htmlfile": {
		method:      fiber.MethodGet,
		contentType: "text/html; charset=UTF-8",
		stream:      true,
		callback:    true,
		prelude:     htmlPrelude,
		frame: func(dst, frame []byte, _ string) []byte {
			dst = append(dst, "<script>\np("...)
			return append(appendScript(dst, frame), ");\n</script>\r\n"...)
		},
	},
	"jsonp": {
		method:      fiber.MethodGet,
		contentType: "application/javascript; charset=UTF-8",
		callback:    true,
		// The comment keeps the callback's name from being the first bytes
		// of what a plug-in might take for its own format.
		frame: func(dst, frame []byte, callback string) []byte {
			dst = append(append(append(dst, "/**/"...), callback...), '(')
			return append(appendScript(dst, frame), ");\r\n"...)
		},
	},
}

// Old browsers show nothing of a stream before its first 2 KiB. It is clipped,
// since frames are appended to it, by many requests at once.
var xhrPrelude = slices.Clip(append(bytes.Repeat([]byte{'h'}, 2048), '\n'))

func lineFrame(dst, frame []byte, _ string) []byte {
	return append(append(dst, frame...), '\n')
}

// eventFrame escapes the percent sign, because the client decodes the data
// as a URI; JSON has no line ends.
func eventFrame(dst, frame []byte, _ string) []byte {
	dst = append(dst, "data: "...)
	for {
		i := bytes.IndexByte(frame, '%')
		if i < 0 {
			break
		}
		dst = append(append(dst, frame[:i]...), "%25"...)
		frame = frame[i+1:]
	}
	return append(append(dst, frame...), "\r\n\r\n"...)
}

// htmlPrelude is the page that calls into its parent; some browsers run
// nothing of it before 1 KiB has come.
func htmlPrelude(callback string) []byte {
	head := `<!doctype html>
<html><head>
  <meta http-equiv="X-UA-Compatible" content="IE=edge" />
  <meta http-equiv="Content-Type" content="text/html; charset=UTF-8" />
</head><body><h2>Don't panic!</h2>
  <script>
    document.domain = document.domain;
    var c = parent.` + callback + `;
    c.start();
    function p(d) {c.message(d);};
    window.onload = function() {c.stop();};
  </script>
`
	return []byte(head + strings.Repeat(" ", max(0, 1024-len(head))) + "\r\n\r\n")
}

// validCallback lets only the name of a function through: it is written into
// a script.
func validCallback(name string) bool {
	if len(name) > 32 {
		return false
	}
	for _, b := range []byte(name) {
		if !(b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b == '-' || b == '_' || b == '.') {
			return false
		}
	}
	return true
}
