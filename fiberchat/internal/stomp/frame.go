package stomp

// Command is the first line of a client's frame.
type Command uint8

// The commands that a client may send.
const (
	cmdUnknown Command = iota
	Connect            // CONNECT or STOMP
	Send
	Subscribe
	Unsubscribe
	Ack
	Nack
	Begin
	Commit
	Abort
	Disconnect
)

// parseCommand does not allocate: the compiler compares b in place.
func parseCommand(b []byte) Command {
	switch string(b) {
	case "SEND":
		return Send
	case "SUBSCRIBE":
		return Subscribe
	case "UNSUBSCRIBE":
		return Unsubscribe
	case "CONNECT", "STOMP":
		return Connect
	case "DISCONNECT":
		return Disconnect
	case "ACK":
		return Ack
	case "NACK":
		return Nack
	case "BEGIN":
		return Begin
	case "COMMIT":
		return Commit
	case "ABORT":
		return Abort
	}
	return cmdUnknown
}

// Frame is a decoded client frame. It points into the decoder's buffer and is
// valid until the next call of Decoder.Next.
type Frame struct {
	Command Command
	Body    []byte
	headers []header
}

type header struct{ key, value []byte }

// Header returns the value of the first header of that name; of repeated
// headers the first counts (STOMP 1.2, Repeated Header Entries).
func (f *Frame) Header(key string) (value []byte, ok bool) {
	for i := range f.headers {
		if string(f.headers[i].key) == key {
			return f.headers[i].value, true
		}
	}
	return nil, false
}

// text is Header as a string of its own, "" when missing.
func (f *Frame) text(key string) string {
	v, _ := f.Header(key)
	return string(v)
}

// Receipt returns the receipt id that the client asks for, "" when it does not.
func (f *Frame) Receipt() string { return f.text("receipt") }

// Destination returns the destination header; it is valid as long as f.
func (f *Frame) Destination() []byte {
	v, _ := f.Header("destination")
	return v
}
