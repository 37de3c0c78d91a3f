// Package stomp speaks the server side of STOMP 1.0, 1.1 and 1.2 over any
// Conn: it decodes frames within limits, keeps the protocol state of one
// client in a Session, and queues what goes out. It knows nothing of chat.
//
// See https://stomp.github.io/stomp-specification-1.2.html.
package stomp
