package chat_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"fiberchat.example/fiberchat/chat"
)

// TestMessageAsJSON is as on the wire, there and back.
func TestMessageAsJSON(t *testing.T) {
	t.Parallel()
	at := time.UnixMilli(1504712402000).UTC()
	m := chat.Message{ID: 255, ChatID: "m1", SenderName: "wususu", ReceiverName: "liaojiekx", Content: "起来聊天", Time: at, SenderID: 1, ReceiverID: 2}
	const wire = `{"id":255,"chatID":"m1","sender":"wususu","reciver":"liaojiekx","content":"起来聊天","time":1504712402000,"senderId":1,"reciverId":2`
	confirmed := m
	confirmed.ConfirmedAt = at.Add(time.Second)
	for want, m := range map[string]chat.Message{wire + "}": m, wire + `,"confirmedTime":1504712403000}`: confirmed} {
		got, err := json.Marshal([]chat.Message{m})
		if err != nil || string(got) != "["+want+"]" {
			t.Errorf("%s, %v\nwant %s", got, err, want)
		}
		var back chat.Message
		if err := json.Unmarshal([]byte(want), &back); err != nil || back != m {
			t.Errorf("%+v, %v", back, err)
		}
	}
	var back chat.Message
	if err := json.Unmarshal([]byte(`{"id":"x"}`), &back); err == nil {
		t.Error("a text was taken for an id")
	}
}

// A message in an answer of your own routes is as clients get it.
func ExampleMessage_MarshalJSON() {
	b, err := json.Marshal(chat.Message{
		ID: 255, ChatID: "m1", SenderID: 1, SenderName: "wususu", ReceiverID: 2, ReceiverName: "liaojiekx",
		Content: "起来聊天", Time: time.UnixMilli(1504712402000),
	})
	fmt.Println(string(b), err)
	// Output: {"id":255,"chatID":"m1","sender":"wususu","reciver":"liaojiekx","content":"起来聊天","time":1504712402000,"senderId":1,"reciverId":2} <nil>
}
