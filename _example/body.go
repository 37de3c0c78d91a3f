package main

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// maxBody is how many octets a request's body may have: names and passwords.
const maxBody = 16 << 10

// credentials are read from JSON and forms alike.
type credentials struct {
	Uname   string `json:"uname"`
	Nname   string `json:"nname"`
	Passwd  string `json:"passwd"`
	Rpasswd string `json:"rpasswd"`
}

// readCredentials reads a body once its type and its size are known to be
// harmless. It does not use Fiber's BodyParser, which unpacks what is
// compressed and makes a hundred times as much of a form that is all separators.
func readCredentials(c *fiber.Ctx) (credentials, error) {
	var in credentials
	mediaType, _, _ := strings.Cut(strings.ToLower(c.Get(fiber.HeaderContentType)), ";")
	mediaType = strings.TrimSpace(mediaType)
	isJSON := strings.HasSuffix(mediaType, "json")
	if !isJSON && mediaType != fiber.MIMEApplicationForm {
		return in, errBodyType
	}
	body, err := readBody(c.Request())
	if err != nil {
		return in, err
	}
	if !isJSON {
		in.readForm(body)
	} else if json.Unmarshal(body, &in) != nil {
		return in, errBody
	}
	if in.Uname == "" {
		return in, missing("uname")
	}
	if in.Passwd == "" {
		return in, missing("passwd")
	}
	return in, nil
}

// readForm looks at the fields that it knows, and leaves all others as they are.
func (in *credentials) readForm(form []byte) {
	fields := map[string]*string{"uname": &in.Uname, "nname": &in.Nname, "passwd": &in.Passwd, "rpasswd": &in.Rpasswd}
	for pair := range bytes.SplitSeq(form, []byte{'&'}) {
		name, value, _ := bytes.Cut(pair, []byte{'='})
		if field := fields[string(name)]; field != nil {
			*field = string(fasthttp.AppendUnquotedArg(nil, value))
		}
	}
}

// readBody reads a body that comes with its length or in chunks.
func readBody(r *fasthttp.Request) ([]byte, error) {
	if r.Header.ContentLength() > maxBody {
		return nil, errBodySize
	}
	if !r.IsBodyStream() {
		return r.Body(), nil
	}
	body, err := io.ReadAll(io.LimitReader(r.BodyStream(), maxBody+1))
	if err != nil {
		return nil, errBody
	}
	if len(body) > maxBody {
		return nil, errBodySize
	}
	return body, nil
}
