package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"fiberchat.example/fiberchat/chat"
)

// A page ends where it is large enough, whatever JSON makes of a content, and
// the pages together are the whole conversation.
func TestHistoryPages(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{
		"short": "hello", "longest": strings.Repeat("x", 48<<10), "markup": strings.Repeat("<", 48<<10), "control": strings.Repeat("\x01", 48<<10), "one of 300 KiB": strings.Repeat("x", 300<<10),
	} {
		const stored = 120
		largest, read := 0, 0
		conversation := func(before int64, limit int) ([]chat.Message, error) {
			if before == 0 {
				before = stored + 1
			}
			var found []chat.Message
			for id := before - 1; id > 0 && len(found) < limit; id-- {
				found = append(found, chat.Message{ID: id, Content: content})
			}
			read += len(found)
			return found, nil
		}
		next := int64(stored)
		for before := int64(0); ; before = next + 1 {
			read = 0
			page, err := historyPage(conversation, before, maxHistory)
			if err != nil {
				t.Fatal(err)
			}
			if len(page) == 0 {
				break
			}
			size := 0
			for _, raw := range page {
				var m message
				if err := json.Unmarshal(raw, &m); err != nil || m.ID != next || m.Content != content {
					t.Fatalf("%s: message %d, %v, want %d", name, m.ID, err, next)
				}
				size, next = size+len(raw), next-1
			}
			largest = max(largest, size)
			if read > len(page)+historyRead {
				t.Errorf("%s: %d read for a page of %d", name, read, len(page))
			}
		}
		if next != 0 {
			t.Errorf("%s: ended before message %d", name, next)
		}
		one, _ := encodeJSON(message{Content: content})
		if largest > historyBytes+len(one)+100 {
			t.Errorf("%s: a page of %d octets", name, largest)
		}
	}
	if page, err := historyPage(func(int64, int) ([]chat.Message, error) { return nil, context.Canceled }, 0, 5); page != nil || err == nil {
		t.Errorf("of a failing store: %v, %v", page, err)
	}
	if page, err := historyPage(nil, 0, 0); len(page) != 0 || page == nil || err != nil {
		t.Errorf("with limit 0: %v, %v", page, err)
	}
}

// What a browser does not need escaped takes no six octets.
func TestAnswersAreNotEscapedForHTML(t *testing.T) {
	t.Parallel()
	s := newSite(t, limits{}, "<ada>")
	req := httptest.NewRequest(http.MethodPost, "/api/user/login", strings.NewReader(fmt.Sprintf(`{"uname":"<ada>","passwd":%q}`, password)))
	req.Header.Set("Content-Type", "application/json")
	r := s.do(t, req)
	if r.status != 200 || !strings.Contains(string(r.Content), `"uname":"<ada>"`) || r.header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%d %s %v", r.status, r.Content, r.header)
	}
}
