// Package stomp speaks the server side of STOMP 1.0, 1.1 and 1.2 over any
// Conn: it decodes frames within limits, keeps the protocol state of one
// client in a Session, and queues what goes out. It knows nothing of chat.
//
// See https://stomp.github.io/stomp-specification-1.2.html.
//
// # Files
//
//	conn.go          Conn, what carries a session, and its close codes
//	session.go       Session, its Config and Handler: the reader and the frames it handles
//	subscription.go  SUBSCRIBE and UNSUBSCRIBE
//	negotiate.go     what CONNECT agrees on: version and heart-beats
//	heartbeat.go     what is due by the clock: heart-beats, pings, silence
//	queue.go         frames into the outbox
//	outbox.go        the frames that wait, bounded
//	writer.go        the frames out of it
//	end.go           the ends of a session
//	errors.go        Error, what an ERROR frame says
//	frame.go         Command and Frame
//	decode.go        bytes to frames, within Limits
//	encode.go        frames to bytes
//	escape.go        the escapes of headers, by version
package stomp
