package fiberchat

import (
	"bytes"
	"encoding/json"
	"testing"
	"unicode/utf8"

	"fiberchat.example/fiberchat/chat"
)

func TestNoticeBody(t *testing.T) {
	t.Parallel()
	type post struct {
		ID   int64  `json:"id"`
		Text string `json:"text"`
	}
	for _, c := range []struct {
		body any
		want string
	}{
		{struct{}{}, `{"id":419}`},
		{map[string]any{}, `{"id":419}`},
		{json.RawMessage(` { } `), `{"id":419}`},
		{post{7, "a<b>&\u2028"}, `{"id":419,"text":"a<b>&\u2028"}`},
		{&post{Text: "\x00\"\\\n"}, `{"id":419,"text":"\u0000\"\\\n"}`},
		{map[string]any{"z": 1, "a": nil, "id": "x", "ID": true}, `{"id":419,"ID":true,"a":null,"z":1}`},
		{json.RawMessage(`{"z": 1.50e0, "id": [1, {"id": 2}], "a": "\u4f60\ud83d", "n": {"id": 3}, "id": null}`), `{"id":419,"z":1.50e0,"a":"\u4f60\ud83d","n":{"id":3}}`},
		{json.RawMessage(`{"\u0069d":1,"b":[ ]}`), `{"id":419,"b":[]}`},
		{json.RawMessage(`{"a":null}`), `{"id":419,"a":null}`},
	} {
		body, err := noticeBody(c.body, 1000)
		if err != nil {
			t.Errorf("%v: %v", c.body, err)
			continue
		}
		got := string(appendNotice(nil, &chat.Notice{ID: 419, Kind: `C"m`, Body: body}))
		if want := `{"ntcType":"C\"m","ntcBody":` + c.want + `}`; got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
	}
}

// Whatever object an app hands over, what comes is one object with the notice's
// id and the app's other members as they were.
func FuzzNoticeBody(f *testing.F) {
	for _, seed := range []string{`{}`, `{"id":1}`, `{"a":null,"id":{"b":[]},"c":"}"}`, `[]`, `{"a":1}{"b":2}`, "{\"\xff\":1}", `{"\u0069d":1}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var want map[string]any
		isObject := json.Unmarshal(text, &want) == nil && want != nil
		body, err := noticeBody(json.RawMessage(text), len(text)+2)
		if err != nil {
			if isObject && utf8.Valid(text) {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		if !isObject {
			t.Fatalf("%q was taken", text)
		}
		var got struct{ NtcBody map[string]any }
		if err := json.Unmarshal(appendNotice(nil, &chat.Notice{ID: 419, Kind: "x", Body: body}), &got); err != nil {
			t.Fatalf("%q became no JSON: %v", text, err)
		}
		want["id"] = 419.0
		a, _ := json.Marshal(want)
		b, _ := json.Marshal(got.NtcBody)
		if !bytes.Equal(a, b) {
			t.Fatalf("%q: %s, want %s", text, b, a)
		}
	})
}
