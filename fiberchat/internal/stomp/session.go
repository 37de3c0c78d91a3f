package stomp

import (
	"crypto/rand"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"
)

const tokenVersion = "version-not-supported"

// Config holds what all sessions of a server share. No field has a default.
type Config struct {
	Limits
	Subscriptions  int           // a session may have
	Queue          int           // bytes that may wait for a client
	HeartBeat      time.Duration // offered both ways, 0 for none
	PingInterval   time.Duration // of transport pings where the client beats not
	ConnectTimeout time.Duration // from the start to the CONNECT frame
	Server         string        // the server header of CONNECTED
	MaxContent     int           // the max-content header: bytes a message may have

	// FramesIn and FramesOut count frames; either may be nil.
	FramesIn, FramesOut interface{ Inc() }
}

// Handler is what a session is for. The session's reader calls it, one call
// at a time. An *Error that a method returns goes to the client, and the
// session ends.
type Handler interface {
	// OnSend takes a SEND, and the duty to answer f's receipt, at once or later:
	// by Receipt, or by Fail with an Error of that Receipt. f is valid until it
	// returns.
	OnSend(f *Frame) error
	OnSubscribe(sub *Subscription) error
	OnUnsubscribe(sub *Subscription)
	// OnAck takes an ACK of a message that was sent with this id, by Message, to
	// a subscription that is up and whose Ack is not AckAuto; of ids that were
	// not, nothing must come. The duty to answer the receipt is as with OnSend.
	OnAck(sub *Subscription, id int64, receipt string)
	// OnDisconnect returns when all that came before is carried out.
	OnDisconnect()
}

// Session is one client's STOMP conversation. The caller of Run reads and
// owns the protocol state; a second goroutine writes while there is something
// to write. All methods except for Run, WaitSpace and More are safe for
// concurrent use, return at once, and do nothing once it is over.
type Session struct {
	conn    Conn
	cfg     *Config
	user    User
	handler Handler
	out     outbox
	work    sync.WaitGroup // writers, and closing
	begun   time.Time

	// The reader's own.
	dec        *Decoder
	subs       []*Subscription
	subscribed uint64 // how many SUBSCRIBEs there were

	// waiting is since when the reader waits for bytes, as now gives it,
	// 0 while it is at work.
	waiting atomic.Int64

	// The clock's, under out.mu.
	timer     *time.Timer
	connected bool // CONNECT came
	beat      heartBeat
	noPing    bool // the transport cannot
	lastWrite time.Duration
	lastPing  time.Duration
	expelAt   time.Duration // when the connection is cut, 0 for not at all
}

// User is whom CONNECTED greets.
type User struct {
	ID   int64
	Name string
}

// NewSession returns a session of a user over conn.
func NewSession(conn Conn, cfg *Config, user User, h Handler) *Session {
	return &Session{
		conn: conn, cfg: cfg, user: user, handler: h,
		out:   outbox{limit: cfg.Queue, space: make(chan struct{}, 1), turn: make(chan struct{}, 1), done: make(chan struct{})},
		begun: time.Now(),
		dec:   NewDecoder(cfg.Limits),
	}
}

// Run serves the client until the session is over, for whatever reason.
func (s *Session) Run() {
	s.conn.Watch(s.alive)
	s.startClock()
	defer func() {
		s.out.mu.Lock()
		s.out.end(CloseInternal, "") // only a handler's panic gets here with the session up
		s.startWriter()
		s.out.gone = true
		if s.expelAt == 0 { // else a stuck writer is cut
			s.timer.Stop()
		}
		s.out.mu.Unlock()
		s.work.Wait() // nobody writes after Run has returned
	}()
	s.read()
}

func (s *Session) read() {
	connected := false
	for {
		f, err := s.dec.Next()
		if f != nil && s.cfg.FramesIn != nil {
			s.cfg.FramesIn.Inc()
		}
		switch {
		case err != nil:
			s.Fail(asError(err, s.dec.PartialReceipt()))
			return
		case f == nil:
			s.waiting.Store(int64(s.now()))
			n, err := s.conn.Read(s.dec.Space())
			s.waiting.Store(0)
			if err != nil {
				s.end(CloseNormal, "")
				return
			}
			s.dec.Filled(n)
		case !connected:
			if err := s.connect(f); err != nil {
				s.Fail(asError(err, f.Receipt()))
				return
			}
			connected = true
		case f.Command == Disconnect && !inTransaction(f):
			s.handler.OnDisconnect()
			s.Receipt(f.Receipt())
			s.end(CloseNormal, "")
			return
		default:
			if err := s.handle(f); err != nil {
				s.Fail(asError(err, f.Receipt()))
				return
			}
		}
		if s.Over() {
			return
		}
	}
}

func (s *Session) connect(f *Frame) error {
	if f.Command != Connect {
		return badFrame("the first frame must be CONNECT or STOMP")
	}
	accept, present := f.Header("accept-version")
	v, ok := negotiate(string(accept), present)
	if !ok {
		return &Error{Token: tokenVersion, Text: "supported versions are 1.0, 1.1 and 1.2", Code: CloseProtocolError}
	}
	if len(f.Body) > 0 && v != V10 {
		return badBody()
	}
	hb, present := f.Header("heart-beat")
	beat, err := agreeBeat(string(hb), present, s.cfg.HeartBeat)
	if err != nil {
		return err
	}
	s.put(func(b []byte) []byte {
		s.dec.Version = v // under the queue's lock: others encode by it
		return appendConnected(b, v, beat, rand.Text(), s.cfg, s.user)
	})
	s.setBeat(beat)
	return nil
}

func (s *Session) handle(f *Frame) error {
	if inTransaction(f) {
		return noTransactions()
	}
	switch f.Command {
	case Send:
		if len(f.Destination()) == 0 {
			return badFrame("SEND needs a destination")
		}
		return s.handler.OnSend(f)
	case Subscribe:
		if err := s.subscribe(f); err != nil {
			return err
		}
	case Unsubscribe:
		if err := s.unsubscribe(f); err != nil {
			return err
		}
	case Ack:
		if s.acknowledge(f) {
			return nil
		}
	case Nack: // the message stays unconfirmed
	case Connect:
		return badFrame("the session is connected already")
	default:
		return noTransactions()
	}
	s.Receipt(f.Receipt())
	return nil
}

func inTransaction(f *Frame) bool {
	_, ok := f.Header("transaction")
	return ok
}

func noTransactions() *Error {
	return &Error{Token: "transactions-unsupported", Text: "this server has no transactions", Code: CloseProtocolError}
}

// More reports whether the client has sent more than the frame that the Handler
// has. It is for the Handler's methods alone.
func (s *Session) More() bool { return s.dec.start < s.dec.end || s.conn.Unread() }

// asError makes sure that only what is meant for the client reaches it.
func asError(err error, receipt string) *Error {
	if e, ok := err.(*Error); ok && utf8.ValidString(e.Text) {
		return &Error{e.Token, e.Text, e.Code, receipt}
	}
	return &Error{Token: "internal-error", Text: "the server could not carry this out", Code: CloseInternal, Receipt: receipt}
}
