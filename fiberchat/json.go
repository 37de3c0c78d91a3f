package fiberchat

import (
	"bytes"
	"encoding/json"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// appendString writes a JSON string (RFC 8259, section 7): escapes what must
// be, and replaces what is not UTF-8.
func appendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				b = append(append(b, s[from:i]...), "\uFFFD"...)
				from = i + 1
			}
			i += size
			continue
		}
		if c < ' ' || c == '"' || c == '\\' {
			b = append(b, s[from:i]...)
			switch c {
			case '"', '\\':
				b = append(b, '\\', c)
			case '\n':
				b = append(b, '\\', 'n')
			case '\r':
				b = append(b, '\\', 'r')
			case '\t':
				b = append(b, '\\', 't')
			default:
				b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
			}
			from = i + 1
		}
		i++
	}
	return append(append(b, s[from:]...), '"')
}

// parseString decodes a JSON string that is well-formed. A lone surrogate becomes U+FFFD; bytes
// that are not UTF-8 stay, for the caller to refuse.
func parseString(raw []byte) (string, bool) {
	if raw[0] != '"' {
		return "", false
	}
	in := raw[1 : len(raw)-1]
	if bytes.IndexByte(in, '\\') < 0 || !utf8.Valid(in) {
		return string(in), true
	}
	return unquote(in), true
}

// unquote decodes what stands between the quotes of a well-formed string:
// json.Unmarshal would check it once more, which is half of what a text costs
// that is all escapes.
func unquote(in []byte) string {
	out := make([]byte, 0, len(in))
	for {
		text, rest, found := bytes.Cut(in, []byte{'\\'})
		out = append(out, text...)
		if !found {
			return string(out)
		}
		c := rest[0]
		in = rest[1:]
		switch c {
		case 'b':
			c = '\b'
		case 'f':
			c = '\f'
		case 'n':
			c = '\n'
		case 'r':
			c = '\r'
		case 't':
			c = '\t'
		case 'u':
			r := codeUnit(in)
			in = in[4:]
			if utf16.IsSurrogate(r) {
				low := rune(-1)
				if bytes.HasPrefix(in, []byte(`\u`)) {
					low = codeUnit(in[2:])
				}
				if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
					in = in[6:]
				}
			}
			out = utf8.AppendRune(out, r)
			continue
		}
		out = append(out, c)
	}
}

// codeUnit reads the four digits of an escape.
func codeUnit(digits []byte) (r rune) {
	for _, c := range digits[:4] {
		r <<= 4
		switch {
		case c <= '9':
			r |= rune(c - '0')
		default:
			r |= rune(c | 0x20 - 'a' + 10)
		}
	}
	return r
}

// maxNumber is how long a number may be written.
const maxNumber = 64

// parseInteger reads a whole number, or a string that holds one. Clients that
// keep numbers as doubles write 2 as 2.0 or 2e0.
func parseInteger(raw []byte) (int64, bool) {
	text, ok := parseString(raw)
	if !ok {
		text = string(raw)
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, true
	}
	if len(text) > maxNumber || !json.Valid([]byte(text)) || strings.IndexByte("-0123456789", text[0]) < 0 {
		return 0, false
	}
	if _, exponent, found := strings.Cut(strings.ToLower(text), "e"); found && len(strings.Trim(exponent, "+-0")) > 2 {
		return 0, false // an exponent of a thousand is a number of a thousand digits
	}
	n, ok := new(big.Rat).SetString(text)
	if !ok || !n.IsInt() || !n.Num().IsInt64() {
		return 0, false
	}
	return n.Num().Int64(), true
}

// maxName is how many characters a msgID, a notice's kind and a queue's name have.
const maxName = 64

// isPrintable reports whether s is 1 to 64 printable ASCII characters, of which
// lowest is the first: a space, or the one after it.
func isPrintable(s string, lowest byte) bool {
	for i := range len(s) {
		if s[i] < lowest || s[i] > '~' {
			return false
		}
	}
	return s != "" && len(s) <= maxName
}

func validText(s string) bool {
	for i := range len(s) {
		if s[i] == 0 {
			return false
		}
	}
	return utf8.ValidString(s)
}

// eachField calls each for the members of a JSON object, in order, with the
// value as it is spelt; null counts as missing. It reports false when body is
// no JSON object.
func eachField(body []byte, each func(key string, value []byte)) bool {
	return eachMember(body, func(key string, _, value []byte) {
		if value[0] != 'n' {
			each(key, value)
		}
	})
}

// eachMember is eachField with null, and with the member as it is spelt.
func eachMember(body []byte, each func(key string, member, value []byte)) bool {
	if !json.Valid(body) {
		return false
	}
	i := skipSpace(body, 0)
	if body[i] != '{' {
		return false
	}
	// From here on body is known to be well-formed.
	for i = skipSpace(body, i+1); body[i] != '}'; i = skipSpace(body, i) {
		if body[i] == ',' {
			i = skipSpace(body, i+1)
		}
		begin, end := i, valueEnd(body, i)
		key, _ := parseString(body[i:end])
		i = skipSpace(body, skipSpace(body, end)+1)
		end = valueEnd(body, i)
		each(key, body[begin:end], body[i:end])
		i = end
	}
	return true
}

func skipSpace(b []byte, i int) int {
	for b[i] == ' ' || b[i] == '\t' || b[i] == '\n' || b[i] == '\r' {
		i++
	}
	return i
}

// valueEnd returns where the value that begins at i ends, in well-formed JSON.
func valueEnd(b []byte, i int) int {
	depth := 0
	for ; ; i++ {
		switch b[i] {
		case '"':
			for i++; b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				}
			}
			if depth == 0 {
				return i + 1
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i // of the object that holds a bare value
			}
			if depth--; depth == 0 {
				return i + 1
			}
		case ',', ' ', '\t', '\n', '\r':
			if depth == 0 {
				return i
			}
		case ':':
		}
	}
}
