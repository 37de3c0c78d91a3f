package fiberchat

import (
	"bytes"
	"strconv"
	"time"

	"fiberchat.example/fiberchat/chat"
)

// The bodies of what a client asks for, and of what was read.

const (
	defaultAskLimit = 50
	maxAskLimit     = 200
)

// parseNumbers reads those fields of a JSON object that are named; each must be
// a whole number, 0 or more. What is missing is not in numbers.
func parseNumbers(body []byte, names ...string) (numbers map[string]int64, f *failure) {
	numbers = make(map[string]int64)
	ok := eachField(body, func(key string, value []byte) {
		for _, name := range names {
			if key != name || f != nil {
				continue
			}
			n, whole := parseInteger(value)
			if !whole || n < 0 {
				f = badField(name + " must be a whole number, 0 or more")
			}
			numbers[name] = n
		}
	})
	if !ok {
		return nil, badJSON()
	}
	return numbers, f
}

// limitIn is how many the client asks for.
func limitIn(numbers map[string]int64) (int, *failure) {
	limit, ok := numbers["limit"]
	if !ok {
		return defaultAskLimit, nil
	}
	if limit < 1 || limit > maxAskLimit {
		return 0, badField("limit must be 1 to " + strconv.Itoa(maxAskLimit))
	}
	return int(limit), nil
}

// userIn is a field that must hold a user's id.
func userIn(numbers map[string]int64, name string) (int64, *failure) {
	id, ok := numbers[name]
	if !ok {
		return 0, missingField(name)
	}
	if !validID(id) {
		return 0, badField(name + " must be the id of a user")
	}
	return id, nil
}

func parseRead(body []byte) (senderID, id int64, f *failure) {
	numbers, f := parseNumbers(body, "senderId", "id")
	if f != nil {
		return 0, 0, f
	}
	if senderID, f = userIn(numbers, "senderId"); f != nil {
		return 0, 0, f
	}
	id, ok := numbers["id"]
	switch {
	case !ok:
		return 0, 0, missingField("id")
	case id == 0:
		return 0, 0, badField("id must be a whole number above 0")
	}
	return senderID, id, nil
}

func parseConversations(body []byte) (before int64, limit int, f *failure) {
	numbers, f := parseNumbers(body, "before", "limit")
	if f != nil {
		return 0, 0, f
	}
	limit, f = limitIn(numbers)
	return numbers["before"], limit, f
}

func parseHistory(body []byte) (otherID int64, page chat.Page, limit int, f *failure) {
	numbers, f := parseNumbers(body, "uid", "before", "after", "limit")
	if f != nil {
		return 0, page, 0, f
	}
	if otherID, f = userIn(numbers, "uid"); f != nil {
		return 0, page, 0, f
	}
	after, fromOldest := numbers["after"]
	if _, both := numbers["before"]; both && fromOldest {
		return 0, page, 0, badField("before and after exclude each other")
	}
	page.Before = numbers["before"]
	if fromOldest {
		page.After = after
		if after == 0 {
			page.After = -1 // all of it: in a Page 0 is none
		}
	}
	limit, f = limitIn(numbers)
	return otherID, page, limit, f
}

func parseSync(body []byte) (after int64, limit int, f *failure) {
	numbers, f := parseNumbers(body, "after", "limit")
	if f != nil {
		return 0, 0, f
	}
	limit, f = limitIn(numbers)
	return numbers["after"], limit, f
}

// appendStored writes a message as step 3 has it, and when it was confirmed.
func appendStored(b []byte, m *chat.Message) []byte {
	b = appendMessage(b, m)
	if m.ConfirmedAt.IsZero() {
		return b
	}
	b = append(b[:len(b)-1], `,"confirmedTime":`...)
	b = strconv.AppendInt(b, m.ConfirmedAt.UnixMilli(), 10)
	return append(b, '}')
}

func appendSummary(b []byte, c *chat.Summary) []byte {
	b = append(b, `{"uid":`...)
	b = strconv.AppendInt(b, c.Other.ID, 10)
	b = append(b, `,"uname":`...)
	b = appendString(b, c.Other.Name)
	b = append(b, `,"last":`...)
	b = appendStored(b, &c.Last)
	b = append(b, `,"unread":`...)
	b = strconv.AppendInt(b, int64(c.Unread), 10)
	b = append(b, `,"readByMe":`...)
	b = strconv.AppendInt(b, c.ReadByMe, 10)
	b = append(b, `,"readByThem":`...)
	b = strconv.AppendInt(b, c.ReadByThem, 10)
	return append(b, '}')
}

func appendHistoryHead(b []byte, otherID int64) []byte {
	b = append(b, `{"uid":`...)
	b = strconv.AppendInt(b, otherID, 10)
	return append(b, `,"messages":[`...)
}

// appendEnd ends an answer: its list, a cursor if it has one, and whether there
// is more.
func appendEnd(b []byte, cursor string, id int64, more bool) []byte {
	b = append(b, ']')
	if cursor != "" {
		b = append(append(append(b, `,"`...), cursor...), `":`...)
		b = strconv.AppendInt(b, id, 10)
	}
	b = append(b, `,"more":`...)
	b = strconv.AppendBool(b, more)
	return append(b, '}')
}

// appendRead writes that a user has read what another one sent.
func appendRead(b []byte, readerID, senderID, upTo int64, at time.Time) []byte {
	b = append(b, `{"readerId":`...)
	b = strconv.AppendInt(b, readerID, 10)
	b = append(b, `,"senderId":`...)
	b = strconv.AppendInt(b, senderID, 10)
	b = append(b, `,"id":`...)
	b = strconv.AppendInt(b, upTo, 10)
	b = append(b, `,"time":`...)
	b = strconv.AppendInt(b, at.UnixMilli(), 10)
	return append(b, '}')
}

// senderOf finds the sender in a body that appendMessage wrote, 0 in another.
func senderOf(body []byte) int64 {
	const name = `,"senderId":`
	i := bytes.LastIndex(body, []byte(name))
	if i < 0 {
		return 0
	}
	digits, _, _ := bytes.Cut(body[i+len(name):], []byte(","))
	id, _ := strconv.ParseInt(string(digits), 10, 64)
	return id
}
