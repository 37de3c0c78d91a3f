package fiberchat

import (
	"encoding/json"
	"regexp"
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

var written = regexp.MustCompile(`^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?0*(\d{1,2}))?$`)

// wantInteger shifts the point by hand.
func wantInteger(raw []byte) (int64, bool) {
	number, ok := text(raw)
	if !ok {
		number = string(raw)
	}
	if n, err := strconv.ParseInt(number, 10, 64); err == nil {
		return n, true
	}
	if len(number) > 64 || !written.MatchString(number) {
		return 0, false
	}
	digits, exponent, _ := strings.Cut(strings.ToLower(number), "e")
	whole, fraction, _ := strings.Cut(digits, ".")
	shift, _ := strconv.Atoi(exponent)
	for ; shift > 0; shift-- {
		fraction += "0"
		whole, fraction = whole+fraction[:1], fraction[1:]
	}
	sign := ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "-", whole[1:]
	}
	for ; shift < 0; shift++ {
		whole = "0" + whole
		whole, fraction = whole[:len(whole)-1], whole[len(whole)-1:]+fraction
	}
	if strings.Trim(fraction, "0") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(sign+whole, 10, 64)
	return n, err == nil
}

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
	if b.receiverID, ok = wantInteger(to); !ok {
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
				if serial, ok = wantInteger(all["id"]); !ok || serial <= 0 {
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

// Clients keep numbers as doubles, and ids as strings.
func TestIntegersHoweverWritten(t *testing.T) {
	t.Parallel()
	for spelling, want := range map[string]int64{
		"2": 2, "2.0": 2, "2e0": 2, "20e-1": 2, "0.2E1": 2, "2.000000000000000000": 2, `"2"`: 2, `"2.0"`: 2, `"\u0032"`: 2, "-3.0": -3,
		"9223372036854775807": 1<<63 - 1, "9223372036854775807.0": 1<<63 - 1, "1e18": 1_000_000_000_000_000_000, "9007199254740993.0": 1<<53 + 1,
	} {
		b, f := parseSend([]byte(`{"msgID":"m","reciverId":`+spelling+`,"content":"x"}`), 100)
		if f != nil || b.receiverID != want {
			t.Errorf("reciverId %s: %d, %v", spelling, b.receiverID, f)
		}
		if want < 0 {
			continue
		}
		if _, id, f := parseConfirm([]byte(`{"msgID":"m","id":` + spelling + `}`)); f != nil || id != want {
			t.Errorf("id %s: %d, %v", spelling, id, f)
		}
	}
	for _, spelling := range []string{
		"2.5", "2e-1", "9223372036854775808", "1e19", "1e400", "1e999999999", "1e-999999999", `"1e999999999"`, "[2]", "{}", "true", `""`, `" 2"`, `"2 "`,
		`"x"`, `"0x2"`, `"1/2"`, `"Inf"`, `"2_0"`, `"\"2\""`, `"[2]"`, "2." + strings.Repeat("0", 100),
	} {
		if b, f := parseSend([]byte(`{"msgID":"m","reciverId":`+spelling+`,"content":"x"}`), 100); f == nil || f.code != -401 {
			t.Errorf("reciverId %s: %d, %v", spelling, b.receiverID, f)
		}
		if _, id, f := parseConfirm([]byte(`{"msgID":"m","id":` + spelling + `}`)); f == nil || f.code != -401 {
			t.Errorf("id %s: %d, %v", spelling, id, f)
		}
	}
}
