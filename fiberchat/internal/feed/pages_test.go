package feed

import (
	"strings"
	"testing"
	"testing/synctest"

	"fiberchat.example/fiberchat/internal/stomp"
)

// sizedLog holds messages of these sizes, all unconfirmed, and notes how many
// bytes were kept of each page.
type sizedLog struct {
	sizes      []int
	pages      [][]Entry
	rows, most int
}

func (l *sizedLog) Last(Kind) (int64, error)                { return int64(len(l.sizes)), nil }
func (l *sizedLog) Inbox(Kind, int64, int) ([]Entry, error) { return nil, nil }
func (l *sizedLog) Pending(_ Kind, after int64, limit int) (page []Entry, err error) {
	l.note()
	for i, size := range l.sizes[after:min(int(after)+limit, len(l.sizes))] {
		page = append(page, Entry{after + int64(i) + 1, []byte(strings.Repeat("x", size))})
	}
	l.rows = max(l.rows, limit)
	l.pages = append(l.pages, page)
	return page, nil
}

// note is called when the last page was cut to what is kept.
func (l *sizedLog) note() {
	if len(l.pages) == 0 {
		return
	}
	size := 0
	for _, m := range l.pages[len(l.pages)-1] {
		size += len(m.Body)
	}
	l.most = max(l.most, size)
}

// What a session that reads nothing holds of a replay is bounded in bytes, and
// short messages are read many at a time.
func TestPagesAreBoundedInBytes(t *testing.T) {
	const budget = 256 << 10
	repeat := func(n, size int) (sizes []int) {
		for range n {
			sizes = append(sizes, size)
		}
		return sizes
	}
	for name, c := range map[string]struct {
		sizes       []int
		most, reads int // at most
	}{
		"short":            {repeat(1000, 100), budget, 40},
		"long":             {repeat(100, 48<<10), budget, 26},
		"short, then long": {append(repeat(100, 10), repeat(100, 48<<10)...), budget, 40},
		"longer than all":  {repeat(5, 1<<20), 1 << 20, 6},
		"empty":            {nil, 0, 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			l, o := &sizedLog{sizes: c.sizes}, &outlet{}
			f := New(l, o, budget)
			defer f.Close()
			if err := f.Listen(Messages, &stomp.Subscription{}); err != nil {
				t.Fatal(err)
			}
			if err := f.Init("r"); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			l.note()
			if len(o.sent) != len(c.sizes) || len(o.receipts) != 1 {
				t.Errorf("%s: %d of %d messages were sent, %d receipts", name, len(o.sent), len(c.sizes), len(o.receipts))
			}
			if l.most > c.most || len(l.pages) > c.reads {
				t.Errorf("%s: %d bytes were kept, want %d at most; %d reads, want %d at most", name, l.most, c.most, len(l.pages), c.reads)
			}
		})
	}
}
