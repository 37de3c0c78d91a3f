//go:build linux

package main

import (
	"bytes"
	"fmt"
	"time"
)

// pair is two users in a closed loop with window 1: the sender sends again
// when it has its status and the receiver has its confirmation's.
type pair struct {
	load              *pairLoad
	a, b              *wsConn
	send, confirm     []byte // prebuilt frames
	sendID, confirmID []byte // the msgID in each
	sendIDs           [][]byte
	sent              time.Time
	waitingFor        int
}

// pairLoad drives the pairs of one run, on one thread and without locks.
type pairLoad struct {
	dialect  dialect
	pairs    []*pair
	serial   uint64
	stopping bool
	busy     int
	err      error

	measuring        bool
	exchanges        int
	delivery, status []time.Duration
}

func newPairLoad(d dialect, conns []*wsConn) *pairLoad {
	load := &pairLoad{dialect: d, serial: uint64(time.Now().UnixNano()), delivery: make([]time.Duration, 0, 1<<18), status: make([]time.Duration, 0, 1<<18)}
	for i := 0; i < len(conns); i += 2 {
		p := &pair{load: load, a: conns[i], b: conns[i+1]}
		p.send = wsFrame(opText, []byte(d.send(i+1, noID, benchContent)))
		p.confirm = wsFrame(opText, []byte(d.confirm(noID)))
		p.sendIDs = idsIn(p.send)
		p.sendID, p.confirmID = p.sendIDs[0], idIn(p.confirm)
		p.a.onMessage, p.b.onMessage = p.atSender, p.atReceiver
		load.pairs = append(load.pairs, p)
	}
	return load
}

// idsIn returns the places of a frame that hold the msgID.
func idsIn(frame []byte) (ids [][]byte) {
	for {
		_, after, found := bytes.Cut(frame, []byte(noID))
		if !found {
			return ids
		}
		ids = append(ids, frame[len(frame)-len(after)-idSize:][:idSize])
		frame = after
	}
}

func idIn(frame []byte) []byte { return idsIn(frame)[0] }

// begin starts an exchange.
func (p *pair) begin() {
	load := p.load
	load.serial++
	load.busy++
	for _, id := range p.sendIDs {
		writeID(id, load.serial)
	}
	copy(p.confirmID, p.sendID)
	p.waitingFor = 2
	p.sent = time.Now()
	if err := p.a.write(p.send); err != nil {
		load.fail(err)
	}
}

func (p *pair) atSender(payload []byte) {
	if p.load.dialect.event(payload) != statusEvent || !bytes.Contains(payload, p.sendID) {
		p.unexpected(payload)
		return
	}
	if p.load.measuring {
		p.load.status = append(p.load.status, time.Since(p.sent))
	}
	p.answered()
}

func (p *pair) atReceiver(payload []byte) {
	what := p.load.dialect.event(payload)
	if !bytes.Contains(payload, p.sendID) {
		what = other
	}
	switch what {
	case messageEvent:
		if p.load.measuring {
			p.load.delivery = append(p.load.delivery, time.Since(p.sent))
		}
		if reply := p.load.dialect.reply; reply != nil {
			p.confirm = wsFrame(opText, []byte(reply(payload, string(p.sendID))))
		}
		if err := p.b.write(p.confirm); err != nil {
			p.load.fail(err)
		}
	case confirmedEvent:
		p.answered()
	default:
		p.unexpected(payload)
	}
}

// unexpected ends the run, but for heart-beats: a server that answers
// anything else does not do the same work as the others.
func (p *pair) unexpected(payload []byte) {
	if len(payload) > 1 {
		p.load.fail(fmt.Errorf("unexpected answer %q", payload))
	}
}

func (p *pair) answered() {
	p.waitingFor--
	if p.waitingFor > 0 {
		return
	}
	if p.load.measuring {
		p.load.exchanges++
	}
	p.load.busy--
	if !p.load.stopping {
		p.begin()
	}
}

func (load *pairLoad) fail(err error) {
	if load.err == nil {
		load.err = err
	}
}
