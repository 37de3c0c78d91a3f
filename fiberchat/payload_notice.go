package fiberchat

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"

	"fiberchat.example/fiberchat/chat"
)

// appendNotice writes the MESSAGE of a notice, whose body gets its id.
func appendNotice(b []byte, n *chat.Notice) []byte {
	b = append(b, `{"ntcType":`...)
	b = appendString(b, n.Kind)
	b = append(b, `,"ntcBody":{"id":`...)
	b = strconv.AppendInt(b, n.ID, 10)
	if rest := bytes.TrimPrefix(n.Body, []byte("{")); len(rest) > 1 {
		b = append(append(b, ','), rest...)
	} else {
		b = append(b, '}')
	}
	return append(b, '}')
}

// noticeBody returns v as a chat.Notice has it: a compact JSON object without a
// member "id", whose other members are spelt as v spells them.
func noticeBody(v any, limit int) (json.RawMessage, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, fmt.Errorf("body: %w", err)
	}
	body := []byte{'{'}
	isObject := eachMember(text.Bytes(), func(key string, member, _ []byte) {
		switch {
		case key == "id":
			return
		case len(body) > 1:
			body = append(body, ',')
		}
		body = append(body, member...)
	})
	body = append(body, '}')
	switch {
	case !isObject:
		return nil, errors.New("body must be a JSON object")
	case len(body) > limit:
		return nil, fmt.Errorf("body may have %d bytes", limit)
	case !utf8.Valid(body):
		return nil, errors.New("body must be UTF-8")
	}
	return body, nil
}

// validKind reports whether a notice can be of that kind.
func validKind(kind string) bool { return isPrintable(kind, ' ') }

// parseNoticeConfirm reads the body of a notice's confirmation; kind is empty
// when it has none. An id that could be read is set also with a failure.
func parseNoticeConfirm(body []byte) (id int64, kind string, f *failure) {
	var rawID, rawKind []byte
	ok := eachField(body, func(key string, value []byte) {
		switch key {
		case "id":
			rawID = value
		case "ntcType":
			rawKind = value
		}
	})
	switch {
	case !ok:
		return 0, "", badJSON()
	case rawID == nil:
		return 0, "", missingField("id")
	}
	if id, ok = parseInteger(rawID); !ok || id <= 0 {
		return 0, "", badField("id must be a whole number above 0")
	}
	if rawKind != nil {
		if kind, ok = parseString(rawKind); !ok || !validKind(kind) {
			return id, "", badField("ntcType must be a text of 1 to 64 printable ASCII characters")
		}
	}
	return id, kind, nil
}
