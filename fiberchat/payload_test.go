package fiberchat

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"fiberchat.example/fiberchat/chat"
)

const testLimit = 64 // bytes of content

// fields is the oracle of eachField: encoding/json, where the last of equal
// keys counts and null is like a key that is missing.
func fields(body []byte) (map[string]json.RawMessage, bool) {
	d := json.NewDecoder(strings.NewReader(string(body)))
	if !json.Valid(body) {
		return nil, false
	}
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, false
	}
	all := make(map[string]json.RawMessage)
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, false
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, false
		}
		if string(value) != "null" {
			all[key.(string)] = value
		}
	}
	return all, true
}

// text is the oracle of parseString, for what is UTF-8.
func text(raw json.RawMessage) (string, bool) {
	var s any
	if json.Unmarshal(raw, &s) != nil {
		return "", false
	}
	v, ok := s.(string)
	return v, ok
}

func wantMsgID(raw json.RawMessage) (id, fault string) {
	if raw == nil {
		return "", "MissingField"
	}
	id, ok := text(raw)
	if !ok || len(id) < 1 || len(id) > 64 || strings.Trim(id, printable) != "" {
		return "", "BadField"
	}
	return id, ""
}

var printable = func() string {
	var b strings.Builder
	for c := byte(0x21); c <= 0x7E; c++ {
		b.WriteByte(c)
	}
	return b.String()
}()

func wantSend(body []byte) (b sendBody, fault string) {
	all, ok := fields(body)
	if !ok {
		return b, "BadJSON"
	}
	if b.msgID, fault = wantMsgID(all["msgID"]); fault != "" {
		return b, fault
	}
	to := all["reciverId"]
	if to == nil {
		return b, "MissingField"
	}
	number, ok := text(to)
	if !ok {
		number = string(to)
	}
	var err error
	if b.receiverID, err = strconv.ParseInt(number, 10, 64); err != nil {
		return b, "BadField"
	}
	raw := all["content"]
	if raw == nil {
		raw = all["message"]
	}
	if raw == nil {
		return b, "MissingField"
	}
	content, ok := text(raw)
	switch {
	case len(raw) > 6*testLimit+2:
		return b, "TooLarge"
	case !ok || content == "":
		return b, "BadField"
	case !utf8.Valid(raw):
		return b, "" // whatever: json has replaced what is not UTF-8
	case len(content) > testLimit:
		return b, "TooLarge"
	case strings.Contains(content, "\x00"):
		return b, "BadField"
	}
	b.content = content
	return b, ""
}

func FuzzParseSend(f *testing.F) {
	for _, body := range []string{
		`{"msgID":"m1","reciverId":2,"content":"x"}`,
		`{"msgID":"m1","reciverId":"2","message":"x"}`,
		" {\t\"msgID\" :\n\"m\\u0031\" ,\r\"reciverId\": -0 , \"content\":\"\\ud83d\\ude00\\ud800\" } ",
		`{"content":"a","content":null,"\u0063ontent":"b","msgID":"m","reciverId":1e3,"x":{"content":["}",{}]}}`,
		`{"msgID":"m","reciverId":9223372036854775808,"content":"x"}`,
		`{"msgID":"\\\"","reciverId":2,"content":"\\\"}"}`,
		`{"a":nul,"msgID":"m"}`, `{"":"","msgID":"m","reciverId":2,"content":""}`, `[]`, `null`, ``, "{\"msgID\":\"m\",\"reciverId\":2,\"content\":\"\xff\\n\"}",
		`{"msgID":"m","reciverId":2,"content":"\u0000"}`, `{"a":true,"b":false,"c":-1.5e+3,"msgID":"m","reciverId":2,"content":7}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, fault := parseSend(body, testLimit)
		want, name := wantSend(body)
		if name == "" && !utf8.Valid(body) {
			if fault == nil && !utf8.ValidString(got.content) {
				t.Fatalf("took %q", got.content)
			}
			return
		}
		if !utf8.Valid(body) && fault != nil {
			return // invalid keys and values differ in which fault comes first
		}
		switch {
		case (fault == nil) != (name == ""):
			t.Fatalf("fault %v, want %q", fault, name)
		case fault != nil && fault.name != name:
			t.Fatalf("fault %s, want %s", fault.name, name)
		case got.msgID != want.msgID:
			t.Fatalf("msgID %q, want %q", got.msgID, want.msgID)
		case fault == nil && got != want:
			t.Fatalf("%+v, want %+v", got, want)
		}
	})
}

func FuzzParseConfirm(f *testing.F) {
	for _, body := range []string{
		`{"msgID":"m1"}`, `{"msgID":"m1","id":255}`, `{"id":1,"msgID":"m","id":null}`, `{"msgID":"m","id":"7"}`, `{"msgID":"m","id":0}`,
		`{"msgID":"m","id":1.0}`, `{"msgID":"m","id":1e2}`, `{"msgID":" "}`, `{}`, `{"msgID":"m"}x`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if !utf8.Valid(body) {
			_, _, _ = parseConfirm(body) // it must not panic
			return
		}
		msgID, id, fault := parseConfirm(body)
		all, ok := fields(body)
		name := "BadJSON"
		wantID, serial := "", int64(0)
		if ok {
			if wantID, name = wantMsgID(all["msgID"]); name == "" && all["id"] != nil {
				var err error
				if serial, err = strconv.ParseInt(string(all["id"]), 10, 64); err != nil || serial <= 0 {
					serial, name = 0, "BadField"
				}
			}
		}
		switch {
		case (fault == nil) != (name == ""):
			t.Fatalf("fault %v, want %q", fault, name)
		case fault != nil && fault.name != name:
			t.Fatalf("fault %s, want %s", fault.name, name)
		case msgID != wantID || id != serial:
			t.Fatalf("%q %d, want %q %d", msgID, id, wantID, serial)
		}
	})
}

// FuzzBodies reads back what the server writes.
func FuzzBodies(f *testing.F) {
	f.Add("m1", "wususu", "起来聊天 \u2028 \x00\x1f\"\\/<>&\x7f", int64(255))
	f.Add("", "a\xffb", "\xed\xa0\x80\xf0\x9f", int64(-1))
	f.Fuzz(func(t *testing.T, id, name, content string, n int64) {
		at := time.UnixMilli(n % 1e15)
		m := &chat.Message{ID: n, ChatID: id, SenderName: name, ReceiverName: name, Content: content, Time: at, SenderID: n, ReceiverID: n}
		valid := func(s string) string { return strings.ToValidUTF8(replaced(s), "") }
		read := func(body []byte, v any) {
			d := json.NewDecoder(strings.NewReader(string(body)))
			d.DisallowUnknownFields()
			if err := d.Decode(v); err != nil || d.More() || strings.ContainsAny(string(body), "\n\x00") {
				t.Fatalf("%q: %v", body, err)
			}
		}
		var got struct {
			ID                  int64
			ChatID              string `json:"chatID"`
			Sender              string
			Reciver             string
			Content             string
			Time                int64
			SenderID, ReciverID int64
		}
		read(appendMessage(nil, m), &got)
		if got.ID != n || got.ChatID != valid(id) || got.Sender != valid(name) || got.Reciver != valid(name) ||
			got.Content != valid(content) || got.Time != at.UnixMilli() || got.SenderID != n || got.ReciverID != n {
			t.Fatalf("%+v of %+v", got, m)
		}
		var status struct {
			MsgID   *string
			Code    int
			Status  string
			Content json.RawMessage
		}
		read(appendSuccess(nil, id), &status)
		if *status.MsgID != valid(id) || status.Code != 200 || status.Status != "成功" || string(status.Content) != `"(=ↀωↀ=)"` {
			t.Fatal(status)
		}
		read(appendFailure(nil, id, &failure{int(int32(n)), name, content}), &status)
		if (status.MsgID == nil) != (id == "") || status.Code != int(int32(n)) || status.Status != "失败" {
			t.Fatal(status)
		}
		read(appendDelivered(nil, m, at), &status)
		if *status.MsgID != valid(id) || status.Status != "已送达" {
			t.Fatal(status)
		}
	})
}

// replaced is s with each byte that is not UTF-8 as U+FFFD, as JSON has it.
func replaced(s string) string {
	var b strings.Builder
	for _, r := range s {
		b.WriteRune(r)
	}
	return b.String()
}
