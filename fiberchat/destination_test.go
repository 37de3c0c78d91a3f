package fiberchat

import (
	"net/url"
	"strconv"
	"strings"
	"testing"

	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/sqlstore"
)

// TestNamesThatLookLikeDestinations: whatever a name holds, it opens nothing
// but its owner's own.
func TestNamesThatLookLikeDestinations(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "queue", "queue/send/status", "bob/recive", "2", "*", "..", "a b", "名字", "recive", "/", "queue/status"} {
		u := chat.User{ID: 1, Name: name}
		for _, foreign := range []string{"/user/2x/recive", "/user/bob/recive", "/user//recive", "/user/recive", "/user/bob/notice", "/user/11/recive"} {
			if strings.Contains(foreign, "/"+name+"/") && name != "" {
				continue // their own name
			}
			if _, ok := subjectOf(foreign, u); ok {
				t.Errorf("%q may subscribe to %s", name, foreign)
			}
		}
		for destination, want := range map[string]subject{
			"/user/1/recive": aboutMessages, "/user/1/notice": aboutNotices,
			"/user/queue/send/status": aboutSendStatus, "/user/queue/recive/status": aboutConfirmStatus,
			"/user/queue/status": aboutFailures, "/user/queue/delivered": aboutDelivered, "/user/queue/rcv/status": aboutNoticeStatus,
		} {
			if got, ok := subjectOf(destination, u); !ok || got != want {
				t.Errorf("%q: %s is about %d, %v", name, destination, got, ok)
			}
		}
	}
}

// One's own name is recognised however it is written.
func TestOwnNameInEverySpelling(t *testing.T) {
	t.Parallel()
	for name, spellings := range map[string][]string{
		"Liaojiekx":  {"liaojiekx", "LIAOJIEKX", "%4Ciaojiekx", "Ｌiaojiekx"},
		"张伟":         {"%E5%BC%A0%E4%BC%9F", "%e5%bc%a0%e4%bc%9f"},
		"José":       {"Jose\u0301", "JOSE%CC%81", "jos%C3%A9"},
		"a b/c":      {"a%20b%2Fc", "A b/c"},
		"ශ්\u200dරී": {"ශ්\u200dරී", "ශ්රී", url.PathEscape("ශ්\u200dරී")},
	} {
		u := chat.User{ID: 7, Name: name}
		for _, who := range spellings {
			if about, ok := subjectOf("/user/"+who+"/recive", u); !ok || about != aboutMessages {
				t.Errorf("%q may not subscribe as %q", name, who)
			}
		}
		for _, who := range []string{"8", "%37x", "", "%", "%00", "Liaojiek", "other"} {
			if _, ok := subjectOf("/user/"+who+"/recive", u); ok {
				t.Errorf("%q may subscribe as %q", name, who)
			}
		}
	}
}

func FuzzSubjectOf(f *testing.F) {
	for _, d := range []string{
		"/user/bob/recive", "/user/2/recive", "/user/queue/status", "/user/queue/recive/status", "/user/bob/notice", "/user//recive", "/user/queue/app/room/7", "/user/queue/app/",
		"/user/recive", "user/2/recive", "/user/02/recive", "/user/2/recive/", "/user/a/b/recive", "",
	} {
		f.Add(d, "bob", int64(2))
		f.Add(d, "2", int64(1))
		f.Add(d, "a/b", int64(3))
	}
	f.Fuzz(func(t *testing.T, destination, name string, id int64) {
		about, ok := subjectOf(destination, chat.User{ID: id, Name: name})
		own := []string{strconv.FormatInt(id, 10)}
		if name != "" {
			own = append(own, name)
		}
		// The table of the protocol, spelt out; the fixed ones come first.
		want := map[string]subject{}
		for _, who := range own {
			want["/user/"+who+"/recive"] = aboutMessages
		}
		for _, who := range own {
			if _, taken := want["/user/"+who+"/notice"]; !taken {
				want["/user/"+who+"/notice"] = aboutNotices
			}
		}
		want["/user/queue/send/status"] = aboutSendStatus
		want["/user/queue/recive/status"] = aboutConfirmStatus
		want["/user/queue/status"] = aboutFailures
		want["/user/queue/delivered"] = aboutDelivered
		if queue, of := strings.CutPrefix(destination, "/user/queue/app/"); of && queue != "" && len(queue) <= 64 && !strings.ContainsFunc(queue, func(r rune) bool { return r <= ' ' || r > '~' }) {
			if _, own := want[destination]; !own {
				want[destination] = aboutApp
			}
		}
		want["/user/queue/rcv/status"] = aboutNoticeStatus
		want["/user/queue/sent"] = aboutSent
		want["/user/queue/read"] = aboutRead
		want["/user/queue/conversations"] = aboutConversations
		want["/user/queue/history"] = aboutHistory
		want["/user/queue/sync"] = aboutSync
		if _, exact := want[destination]; ok && !exact {
			// Then it is the name in another spelling.
			who := strings.TrimSuffix(strings.TrimSuffix(strings.TrimPrefix(destination, "/user/"), "/recive"), "/notice")
			if decoded, err := url.PathUnescape(who); err == nil {
				who = decoded
			}
			if key := sqlstore.NameKey(who); key == "" || key != sqlstore.NameKey(name) {
				t.Fatalf("%q may subscribe to %q", name, destination)
			}
			return
		}
		if w, may := want[destination]; may != ok || may && w != about {
			t.Fatalf("%q of %q %d: %d %v, want %d %v", destination, name, id, about, ok, w, may)
		}
	})
}
