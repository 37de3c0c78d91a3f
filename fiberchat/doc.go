// Package fiberchat adds durable point-to-point chat to a Fiber v2 app:
//
//	app := fiber.New()
//	chats, err := fiberchat.New(app)
//
// opens two doors that speak STOMP 1.0 to 1.2 to existing clients,
// GET {prefix}/client over WebSocket and {prefix}/socketServer over SockJS,
// both with ?srect=TOKEN, and keeps messages, users and tokens in the SQLite
// file fiberchat.db. Config names another store, the app's own users, a rule
// for who may write to whom, limits, and a bus to other nodes.
//
// # The exchange
//
//	A --(1) SEND /socket/chat/send-----------> server
//	A <-(2) MESSAGE /user/queue/send/status--- server        the message is durable
//	                                           server --(3) MESSAGE /user/{B}/recive--> B
//	                                           server <-(4) SEND /socket/chat/recive--- B
//	                                           server --(5) MESSAGE /user/queue/recive/status--> B   and so is this
//
// A failure comes as a MESSAGE on /user/queue/status, and SEND
// /socket/chat/init replays what is not confirmed. What a client may subscribe
// and send to is in destination.go, bodies are in payload.go, codes in
// status.go.
//
// # One message through the code
//
//	internal/ws or internal/sockjs   octets of one connection (a stomp.Conn)
//	internal/stomp  session.go       the reader decodes frames and keeps the protocol's state
//	peer.go, handle_send.go          checks the body, the rate, the receiver, CanSend
//	internal/commit                  whatever is queued goes to chat.Store.Apply in one transaction
//	deliver.go                       step 3 to the receiver's sessions on this node, found in internal/hub,
//	                                 and a hint over the Bus to the others
//	feed.go, feed_read.go            what one session is sent: at once, or read from the store in its turn
//	internal/stomp  outbox.go        the receiver's queue; writer.go sends it
//	handle_send.go                   step 2 to the sender
//
// handle_receive.go does the same for step 4, handle_init.go replays.
//
// # What makes it exact
//
// Everything is stored before anybody is told, and ids of one receiver become
// visible in ascending order. A session knows up to which id it was sent the
// live messages, and which ids it was sent at all (feed). While something
// before a message may be missing, or an init runs, messages are only noted and
// then read from the store, until there is nothing left: so what is live and
// what is replayed meet without a hole and without a repetition. That is so at
// every hint of a Bus, and for a while after a commit whose outcome is not
// known (doubt.go), since the database may yet finish it.
//
// # Who runs what
//
// A session is one goroutine, the connection's own, which reads; a second
// writes while there is something to write, a third reads from the store while
// the feed needs it. A lone frame is written by whoever queues it, if the
// socket takes it at once. The reader does not wait for the disk: it hands an
// operation over and reads on, with at most 64 in flight; only a lone operation
// that finds nobody at the store it takes there itself. The committer carries
// out one batch at a time and tells the outcomes of the one before meanwhile,
// in order, with a goroutine for each. Each Chat has a goroutine for what is
// due by the clock, one that waits for the app's shutdown, and with a Bus one
// that looks for what the bus lost and one that publishes. Close waits for all
// of them, but for the one that waits for the shutdown, which its beginning ends.
//
// Every queue is bounded; what overflows ends the session with a close code
// that says so, and loses nothing, since all of it is stored.
//
// All methods of Chat are safe for concurrent use, and so must be what Config
// is given: Store, Authenticator, Directory and CanSend are called by many
// goroutines at once. What they panic with is recovered, logged, and answered
// with code -300.
package fiberchat
