package fiberchat_test

import (
	"encoding/json"
	"strings"
	"testing"

	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/chattest"
)

const (
	sendStatus    = chattest.SendStatus
	receiveStatus = chattest.ReceiveStatus
	failures      = chattest.Failures
)

func success(msgID string) string {
	return `{"msgID":"` + msgID + `","code":200,"status":"成功","content":"(=ↀωↀ=)"}`
}

// message reads the body of step 3.
func (f frame) message(t testing.TB) chat.Message {
	t.Helper()
	m, err := f.Message()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func (f frame) wantBody(t testing.TB, want string) {
	t.Helper()
	if f.Body != want {
		t.Fatalf("body is %s, want %s", f.Body, want)
	}
}

// refused wants a failure notice next; msgID "" stands for null. It returns
// the notice's prose.
func (c *client) refused(msgID string, code int, name string) string {
	c.t.Helper()
	f := c.message(failures)
	var n struct {
		MsgID   *string `json:"msgID"`
		Code    int     `json:"code"`
		Status  string  `json:"status"`
		Content struct {
			Error, Message string
		} `json:"content"`
	}
	d := json.NewDecoder(strings.NewReader(f.Body))
	d.DisallowUnknownFields()
	if err := d.Decode(&n); err != nil {
		c.t.Fatal("notice", f.Body, err)
	}
	got := ""
	if n.MsgID != nil {
		got = *n.MsgID
		if got == "" {
			c.t.Error("an unknown msgID is null, not empty")
		}
	}
	if got != msgID || n.Code != code || n.Content.Error != name || n.Status != "失败" || n.Content.Message == "" {
		c.t.Fatalf("notice is %s, want %q %d %s", f.Body, msgID, code, name)
	}
	return n.Content.Message
}
