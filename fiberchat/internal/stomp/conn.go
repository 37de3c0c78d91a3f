package stomp

// Conn is one client's connection, whatever carries it: it moves bytes of
// STOMP in and whole STOMP frames out and knows nothing of either.
type Conn interface {
	// Watch names the function to call at every sign of life that Read does
	// not show, such as a ping or pong of the transport. It is called once,
	// before the first Read.
	Watch(alive func())
	// Read fills p with bytes from the peer and blocks until there are some;
	// message boundaries of the transport do not matter. io.EOF when the peer
	// left cleanly, net.ErrClosed after Close, another error when it was lost.
	// Only the session's reader calls it.
	Read(p []byte) (int, error)
	// WriteMessages sends each element as one text message and blocks until
	// the transport has taken all of them. It keeps nothing of msgs. When
	// nothing moved for the transport's write time-out, it fails. Only the
	// session's writer calls it.
	WriteMessages(msgs [][]byte) error
	// TryWriteMessages writes without waiting: it either takes all of msgs as
	// WriteMessages does and reports true, or nothing. A transport that cannot
	// reports false. Anyone may call it.
	TryWriteMessages(msgs [][]byte) bool
	// Ping asks the peer for a sign of life and reports whether the transport
	// can; one that cannot finds silent peers by itself. Only the session's
	// writer calls it.
	Ping() (can bool, err error)
	// Unread reports whether the peer has sent something that Read has not
	// returned; a transport that cannot know reports false. Only the session's
	// reader calls it.
	Unread() bool
	// Close ends the connection with a WebSocket close code and a short
	// reason, and wakes the reader and the writer. What WriteMessages took
	// goes out first, as far as the peer takes it. It may be called by anyone, any number of
	// times; the first call's code and reason count.
	Close(code int, reason string) error
}

// Close codes of RFC 6455 section 7.4.1 that sessions end with.
const (
	CloseNormal        = 1000
	CloseGoingAway     = 1001
	CloseProtocolError = 1002
	ClosePolicy        = 1008
	CloseTooLarge      = 1009
	CloseInternal      = 1011
	CloseTryLater      = 1013
)
