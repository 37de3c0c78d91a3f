package fiberchat

import (
	"errors"
	"sync"
	"time"
)

// outageAfter is how long a bus is away before the log says so: a broker that
// starts again, and a publication that is late, are no outage.
const outageAfter = 5 * time.Second

var errNoBroker = errors.New("fiberchat: not connected to the broker")

// outage is what the log tells of a bus that is away: once that it is, and
// once that it is back.
type outage struct {
	since time.Time // zero while the bus is up; the house keeper's own
	told  bool

	mu    sync.Mutex
	cause error // of the last publication that failed
}

func (o *outage) failed(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.cause = err
}

// watchBus looks whether the bus is up. It is called every second.
func (n *node) watchBus(now time.Time) {
	if n.alone() {
		return
	}
	defer n.chat.recovered("look at the bus")
	o, log := &n.outage, n.chat.cfg.Logger
	switch up := n.isUp() == 1; {
	case up && o.told:
		log.Info("the bus is back", "away", now.Sub(o.since).Round(time.Second).String())
		fallthrough
	case up:
		o.since, o.told = time.Time{}, false
		o.failed(nil)
	case o.since.IsZero():
		o.since = now
	case !o.told && now.Sub(o.since) >= outageAfter:
		o.told = true
		o.mu.Lock()
		cause := o.cause
		o.mu.Unlock()
		if cause == nil { // nothing was to be published yet
			cause = errNoBroker
		}
		log.Warn("the bus is away: messages to users on other nodes come when those look into the store, every two seconds", "error", cause)
	}
}
