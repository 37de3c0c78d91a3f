package sqlstore

import (
	"sync"

	"fiberchat.example/fiberchat/chat"
)

// Receivers whose last message is remembered, at 16 bytes and the map's own.
const maxRemembered = 1 << 16

// previous remembers each receiver's last message, which SQLite would need an
// index for. SQLite has one writer at a time and gives the id after the
// highest, so an id that follows the highest one remembered says that nobody
// else, be it another process, has stored anything since.
type previous struct {
	mu   sync.Mutex
	top  int64           // the highest id that what follows is about
	last map[int64]int64 // by receiver
	rest int64           // no message to the others up to top is above this
}

// fill sets Previous in the results of a transaction that was committed.
func (p *previous) fill(ops []chat.Op, results []chat.Result) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range results {
		r := &results[i]
		if ops[i].Save == nil || !r.Changed {
			continue
		}
		id, receiver := r.Message.ID, r.Message.ReceiverID
		if id != p.top+1 || len(p.last) >= maxRemembered || p.last == nil {
			p.last, p.rest = make(map[int64]int64), id-1
		}
		last, ok := p.last[receiver]
		if !ok {
			last = p.rest
		}
		r.Previous, p.last[receiver], p.top = last, id, id
	}
}
