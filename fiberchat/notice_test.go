package fiberchat_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"fiberchat.example/fiberchat"
)

const (
	bobsNotices  = "/user/bob/notice"
	noticeStatus = "/user/queue/rcv/status"
)

// noticed connects bob as the field's web client does: it subscribes to notices
// first.
func (d door) noticed(t *testing.T, addr string) *client {
	t.Helper()
	b := d.connect(t, addr, "t-bob")
	for _, destination := range []string{bobsNotices, noticeStatus, "/user/bob/recive", failures, sendStatus, receiveStatus} {
		b.subscribe(destination)
	}
	return b
}

// notify tells bob something.
func (s *server) notify(kind string, body any) (id int64) {
	s.t.Helper()
	id, err := s.chat.Notify(s.t.Context(), 2, kind, body)
	if err != nil {
		s.t.Fatal(err)
	}
	return id
}

func noticeText(kind string, id int64) string {
	return fmt.Sprintf(`{"ntcType":%q,"ntcBody":{"id":%d}}`, kind, id)
}

// notice wants one without a body next.
func (c *client) notice(kind string, id int64) frame {
	c.t.Helper()
	f := c.message(bobsNotices)
	f.wantBody(c.t, noticeText(kind, id))
	return f
}

// took confirms a notice.
func (c *client) took(id int64) {
	c.t.Helper()
	c.send("/socket/ntc/rcv", fmt.Sprintf(`{"ntcType":"Cmmnt","id":%d}`, id))
	c.message(noticeStatus).wantBody(c.t, success(fmt.Sprint(id)))
}

type none struct{}

// TestNotice is what the field's web client does, word by word.
func TestNotice(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, d door) {
		metrics := prometheus.NewRegistry()
		s := serve(t, fiberchat.Config{Registerer: metrics})
		b := d.noticed(t, s.addr)
		b.send("/socket/chat/init", "null")
		b.nothing() // it is begun
		type comment struct {
			Text string `json:"text"`
			Post int    `json:"post"`
		}
		id := s.notify("Cmmnt", comment{"好 <b>", 7})
		b.message(bobsNotices).wantBody(t, fmt.Sprintf(`{"ntcType":"Cmmnt","ntcBody":{"id":%d,"text":"好 <b>","post":7}}`, id))
		other := d.connect(t, s.addr, "t-carol")
		other.subscribe("/user/3/notice")
		for range 2 { // a repetition is a success
			b.send("/socket/ntc/rcv", fmt.Sprintf(`{"ntcType":"Cmmnt","id":%d}`, id))
			b.message(noticeStatus).wantBody(t, fmt.Sprintf(`{"msgID":"%d","code":200,"status":"成功","content":"(=ↀωↀ=)"}`, id))
		}
		next := s.notify("mLikee", none{})
		b.notice("mLikee", next)
		b.raw(fmt.Sprintf("SEND\ndestination:/socket/ntc/rcv\nreceipt:r\n\n{\"id\":\"%d\"}\x00", next))
		b.message(noticeStatus).wantBody(t, success(fmt.Sprint(next)))
		b.receipt("r")
		b.init()
		b.receipt("init")
		other.init()
		other.subscribe("/user/3/recive")
		other.receipt("init")
		got := gathered(t, metrics)
		for name, want := range map[string]float64{
			"operations_total notify done": 2, "operations_total notify failed": 0,
			"operations_total notice done": 2, "operations_total notice repeated": 1, "operations_total notice refused": 0,
		} {
			if got[name] != want {
				t.Errorf("%s is %v, want %v", name, got[name], want)
			}
		}
	})
}

func TestNoticeConfirmRefused(t *testing.T) {
	t.Parallel()
	s := serve(t, fiberchat.Config{})
	id := s.notify("Cmmnt", none{})
	b, carol := native.noticed(t, s.addr), connect(t, s.addr, "t-carol")
	carol.subscribe(failures)
	carol.send("/socket/ntc/rcv", fmt.Sprintf(`{"id":%d}`, id))
	carol.refused(fmt.Sprint(id), -404, "NoticeNotFound")
	for _, c := range []struct {
		body, msgID string
		code        int
		name        string
	}{
		{``, "", -401, "BadJSON"}, {`null`, "", -401, "BadJSON"}, {`[1]`, "", -401, "BadJSON"},
		{`{}`, "", -401, "MissingField"}, {`{"ntcType":"Cmmnt"}`, "", -401, "MissingField"}, {`{"id":null}`, "", -401, "MissingField"},
		{`{"id":0}`, "", -401, "BadField"}, {`{"id":-1}`, "", -401, "BadField"}, {`{"id":1.5}`, "", -401, "BadField"},
		{`{"id":"x"}`, "", -401, "BadField"}, {`{"id":{}}`, "", -401, "BadField"},
		{`{"id":1,"ntcType":7}`, "1", -401, "BadField"}, {`{"id":1,"ntcType":""}`, "1", -401, "BadField"},
		{`{"id":1,"ntcType":"` + strings.Repeat("x", 65) + `"}`, "1", -401, "BadField"}, {`{"id":1,"ntcType":"好"}`, "1", -401, "BadField"},
		{`{"id":999}`, "999", -404, "NoticeNotFound"}, {`{"id":1,"ntcType":"cmmnt"}`, "1", -404, "NoticeNotFound"},
		{`{"id":9223372036854775807}`, "9223372036854775807", -404, "NoticeNotFound"},
	} {
		b.raw("SEND\ndestination:/socket/ntc/rcv\n\n" + c.body + "\x00")
		b.refused(c.msgID, c.code, c.name)
		b.nothing()
		if t.Failed() {
			t.Fatalf("of %.100q", c.body)
		}
	}
	b.init()
	b.notice("Cmmnt", id)
	b.receipt("init")
	for _, body := range []string{`{"id":1.0,"ntcType":null}`, `{"id":"1"}`, `{"ntcType":"Cmmnt","id":1e0}`} {
		b.send("/socket/ntc/rcv", body)
		b.message(noticeStatus).wantBody(t, success("1"))
	}
	b.raw("SEND\ndestination:/socket/ntc/rcv\nreceipt:r\n\n{\"id\":999}\x00")
	b.refused("999", -404, "NoticeNotFound")
	if e := b.fails("refused", 1008); e.Headers["receipt-id"] != "r" {
		t.Error("got", e)
	}
}

// TestNoticesAcrossNodes, with or without a bus that works, and over a restart.
func TestNoticesAcrossNodes(t *testing.T) {
	t.Parallel()
	for name, copies := range map[string]int{"sound": 1, "doubled": 2, "lost": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := openStore(t)
			c := newCluster(t, 2, store)
			c.set(func() { c.copies = func([]byte) int { return copies } })
			var bobs []*client
			for i, d := range []door{native, sockws, xhr} {
				bobs = append(bobs, d.noticed(t, c.nodes[i%2].addr))
			}
			for i := range 10 {
				id := c.nodes[i%2].notify("Cmmnt", none{})
				for _, b := range bobs {
					b.notice("Cmmnt", id)
				}
				if i < 5 {
					bobs[0].took(id)
				}
			}
			for _, b := range bobs {
				b.nothing()
			}
			for _, node := range c.nodes {
				if err := node.app.Shutdown(); err != nil {
					t.Fatal(err)
				}
			}
			again := c.start(t, c.join(t))
			b := sockws.noticed(t, again.addr)
			b.init()
			for id := int64(6); id <= 10; id++ {
				b.notice("Cmmnt", id)
			}
			b.receipt("init")
		})
	}
}

// TestNoticesOverARestart of one node with its file.
func TestNoticesOverARestart(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "chat.db")
	var last int64
	for round := range 3 {
		s := serve(t, fiberchat.Config{Store: openStoreAt(t, path)})
		b := native.noticed(t, s.addr)
		b.init()
		if round > 0 {
			b.notice("Cmmnt", last)
		}
		b.receipt("init")
		if round > 0 {
			b.took(last)
		}
		last = s.notify("Cmmnt", none{})
		if err := s.app.Shutdown(); err != nil {
			t.Fatal(err)
		}
	}
}
