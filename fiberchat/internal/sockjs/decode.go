package sockjs

import (
	"encoding/json"
	"errors"
	"unicode/utf16"
	"unicode/utf8"
)

var (
	errPayload = errors.New("sockjs: no messages in body")
	errBroken  = errors.New("sockjs: body is not JSON strings")
)

// decoder turns the JSON a client sends into the bytes of its messages.
//
// A client may cut its text anywhere between two UTF-16 units, so a high
// surrogate at the end of one string waits for the next string's first unit.
type decoder struct {
	high  rune // a high surrogate that has no partner yet, or 0
	begun bool // an array, whose next part begins with a comma
}

// array appends the bytes of all strings in body, a JSON array of strings. On
// an error dst's contents beyond its length and the decoder's state count for
// nothing: the caller keeps its own copies.
func (d *decoder) array(dst, body []byte) ([]byte, error) {
	p := parser{decoder: d, in: body, out: dst}
	switch p.space(); {
	case len(body) == 0:
		return nil, errPayload
	case p.opened():
		if d.begun = false; p.elements() {
			return p.end()
		}
	case json.Valid(body):
		return nil, errPayload
	}
	return nil, errBroken
}

// part appends the bytes of the strings of an array that goes on behind body,
// and returns how much of body they are, up to the comma behind the last one:
// the array goes on there. It is 0 if there is none, whatever the reason.
func (d *decoder) part(dst, body []byte) (decoded []byte, taken int) {
	p := parser{decoder: d, in: body, out: dst}
	if p.space(); p.opened() {
		p.elements()
	}
	if p.whole.in == 0 {
		return dst, 0
	}
	d.high, d.begun = p.whole.high, true
	return p.out[:p.whole.out], p.whole.in
}

// arrayOrString also takes one string without brackets.
func (d *decoder) arrayOrString(dst, body []byte) ([]byte, error) {
	p := parser{decoder: d, in: body, out: dst}
	if p.space(); p.i == len(p.in) || p.in[p.i] != '"' {
		return d.array(dst, body)
	}
	if !p.string() {
		return nil, errBroken
	}
	return p.end()
}

type parser struct {
	*decoder
	in, out []byte
	i       int
	whole   struct { // what was read up to the last comma
		in, out int
		high    rune
	}
}

func (p *parser) space() {
	for p.i < len(p.in) && (p.in[p.i] == ' ' || p.in[p.i] == '\t' || p.in[p.i] == '\n' || p.in[p.i] == '\r') {
		p.i++
	}
}

// end returns what was read, if nothing but space follows it.
func (p *parser) end() ([]byte, error) {
	if p.space(); p.i != len(p.in) {
		return nil, errBroken
	}
	return p.out, nil
}

// opened reports whether an array begins here, or goes on.
func (p *parser) opened() bool {
	first := byte('[')
	if p.begun {
		first = ','
	}
	return p.i < len(p.in) && p.in[p.i] == first
}

// elements reads from a bracket, or a comma, to the bracket's partner, and reports whether it was an array of strings.
func (p *parser) elements() bool {
	for first := p.in[p.i] == '['; ; first = false {
		p.i++ // the bracket or the comma
		p.space()
		if p.i == len(p.in) {
			return false
		}
		if first && p.in[p.i] == ']' {
			break
		}
		if !p.string() {
			return false
		}
		p.space()
		if p.i == len(p.in) || p.in[p.i] != ',' && p.in[p.i] != ']' {
			return false
		}
		if p.in[p.i] == ']' {
			break
		}
		p.whole.in, p.whole.out, p.whole.high = p.i, len(p.out), p.high
	}
	p.i++
	return true
}

// string reads one string, quotes included, and reports whether it was one.
func (p *parser) string() bool {
	if p.in[p.i] != '"' {
		return false
	}
	p.i++
	for p.i < len(p.in) {
		switch b := p.in[p.i]; {
		case b == '"':
			p.i++
			return true
		case b < 0x20:
			return false
		case b == '\\':
			if !p.escape() {
				return false
			}
		case b < utf8.RuneSelf:
			p.unit(rune(b))
			p.i++
		default:
			r, size := utf8.DecodeRune(p.in[p.i:])
			if r == utf8.RuneError && size == 1 {
				return false // not UTF-8; a U+FFFD put here would be stored as the user's own
			}
			p.unit(r)
			p.i += size
		}
	}
	return false
}

func (p *parser) escape() bool {
	if p.i+1 >= len(p.in) {
		return false
	}
	b := p.in[p.i+1]
	p.i += 2
	switch b {
	case '"', '\\', '/':
	case 'b':
		b = '\b'
	case 'f':
		b = '\f'
	case 'n':
		b = '\n'
	case 'r':
		b = '\r'
	case 't':
		b = '\t'
	case 'u':
		return p.hex()
	default:
		return false
	}
	p.unit(rune(b))
	return true
}

func (p *parser) hex() bool {
	if p.i+4 > len(p.in) {
		return false
	}
	var r rune
	for _, b := range p.in[p.i : p.i+4] {
		switch {
		case b >= '0' && b <= '9':
			b -= '0'
		case b >= 'a' && b <= 'f':
			b -= 'a' - 10
		case b >= 'A' && b <= 'F':
			b -= 'A' - 10
		default:
			return false
		}
		r = r<<4 | rune(b)
	}
	p.i += 4
	p.unit(r)
	return true
}

// unit takes one UTF-16 unit, or a whole rune beyond them.
func (p *parser) unit(r rune) {
	if p.high != 0 {
		high := p.high
		p.high = 0
		if r >= 0xdc00 && r <= 0xdfff {
			p.out = utf8.AppendRune(p.out, utf16.DecodeRune(high, r))
			return
		}
		p.out = utf8.AppendRune(p.out, utf8.RuneError)
	}
	if r >= 0xd800 && r <= 0xdbff {
		p.high = r
		return
	}
	p.out = utf8.AppendRune(p.out, r) // a low surrogate alone becomes U+FFFD here
}
