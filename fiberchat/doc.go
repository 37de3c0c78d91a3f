// Package fiberchat adds durable point-to-point chat to a Fiber v2 app:
//
//	app := fiber.New()
//	chats, err := fiberchat.New(app)
//
// opens two endpoints that speak STOMP 1.0 to 1.2 to existing clients,
// GET {prefix}/client over WebSocket and {prefix}/socketServer over SockJS,
// both with ?srect=TOKEN, which may be a ticket for one connection, and keeps messages, users and tokens in the SQLite
// file fiberchat.db. [Config] names another store, the app's own users, a rule
// for who may write to whom, limits, and a bus to other nodes. OPERATING.md has
// limits, nginx and metrics, SCALING.md several nodes, CONFORMANCE.md the rules
// of the protocols and their tests; package chattest is for the tests of your app.
//
// # The exchange
//
//	A --(1) SEND: a message with a msgID----> server
//	A <-(2) status: it is durable------------ server
//	                                          server --(3) the message------------> B
//	                                          server <-(4) SEND: its confirmation-- B
//	                                          server --(5) status: so is that-----> B
//
// What is refused or fails is answered on a queue of its own. A client that was
// away sends an init and gets what is not confirmed; one that got no answer
// sends the same msgID again, which is answered the same way and stored once.
//
// What else clients and server have to say to each other goes over the same
// connection: [Chat.Handle] takes it, [Request.Reply] and [Chat.Push] send it, and
// nothing of it is stored. [Chat.Online] knows who is there, on any node.
//
// What the server itself has to tell a user is a notice ([Chat.Notify]): kept and
// replayed like a message until the user has confirmed it.
//
// All methods of Chat are safe for concurrent use, and so must be what Config
// and Handle are given: Store, Authenticator, Directory, Bus, hooks and
// handlers are called by many goroutines at once. What they panic with is
// recovered, logged, and answered with code -300.
//
// # What an app can hook into
//
// CanSend decides who may write to whom, BeforeSave sees and may change each
// message before it is stored: both are waited for by the session that sends.
// AfterSave, AfterConfirm, OnConnect and OnDisconnect hear of what has happened
// on this node, each from a queue of its own, so they hold up nobody. Overdue is
// the durable one: it hears of every message that stays unconfirmed, until it has
// returned nil, whatever dies. [Chat.SendAs] and [Chat.MayWrite] are for the
// other direction.
//
// # One message through the code
//
//	internal/ws or internal/sockjs  the bytes of one connection (a stomp.Conn)
//	internal/stomp                  the session's reader decodes a frame
//	handle_send.go                  checks the body, the rate, the receiver, CanSend, BeforeSave
//	internal/commit                 what is queued goes to chat.Store.Apply in one transaction
//	handle_send.go                  step 2 to the sender
//	deliver.go                      step 3 to the receiver's sessions here, found in internal/hub,
//	node.go                         and over the Bus to those on other nodes
//	internal/feed                   what one session is sent: at once, or read from the store in its turn
//	internal/stomp                  the receiver's queue, and its writer
//
// handle_confirm.go and handle_ack.go do the same for step 4, handle_init.go
// begins a replay. A notice goes from notify.go to the store, and sessions read
// it there; handle_notice.go confirms it.
//
// # What makes it exact
//
// Nobody hears of a message before it is stored, and ids of one receiver become
// visible in ascending order. Each message names its predecessor to the same
// receiver, Previous, and each session has a cursor. A message goes straight out
// when its predecessor is not beyond the cursor, whether it comes from this
// node's committer or over the Bus. Otherwise something between is missing, and
// the session reads the store until there is nothing left. Package
// internal/feed has the whole rule.
//
// What a client asks for beside its feed (conversations, history, sync) its
// reader reads from the store and answers itself, one after the other.
//
// So a Bus may lose, repeat and reorder. A node publishes what it commits, with
// Previous; the others skip what they have no session for. What no later
// message shows is found by looking in the store: every two seconds with a Bus
// (catchup.go), and for a while after a commit whose outcome is not known, since
// the database may yet finish it (unknown_commit.go).
//
// # Who runs what
//
// A session is one goroutine, the connection's own, which reads; a second
// writes while there is something to write, a third reads from the store while
// the feed needs it. A lone frame is written by whoever queues it, if the socket
// takes it at once.
//
// The reader does not wait for the disk: it submits an operation and reads on,
// with at most 64 in flight. The committer has two goroutines: one commits a
// batch while the other reports the outcomes of the batch before it, in order.
// A lone operation that comes while nothing is being committed is committed by
// its reader, which then answers and delivers too.
//
// A handler of the app runs on a goroutine of its own, which its session's
// reader waits for.
//
// Each Chat has a goroutine for what is due by the clock, one that writes who
// comes and goes, and one that waits for the app's shutdown; with a Bus one that
// catches up and one that publishes; with AfterSave, AfterConfirm, OnConnect or
// OnDisconnect one for each that has a queue, with Overdue one that looks and up
// to eight that call it. Close waits for all of them, except for the
// one that waits for the shutdown, which ends when Close begins.
//
// Every queue is bounded. What overflows ends the session with a close code
// that says so, and loses no message, since all of them are stored.
//
// # Files
//
// In parentheses is where the tests are, if not in the _test file of the same
// name. TestModel (model_test.go) is for all of it: clients at random against
// what the protocol promises. conformance_*_test.go hold the doors against the
// standards (CONFORMANCE.md). helper_*_test.go and cluster_test.go are what
// tests stand on.
//
//	fiberchat.go       New and Chat: how the parts are put together (api_surface_test.go, new_test.go, exchange_test.go, consumer_test.go, readme_test.go, forget_test.go)
//	config.go          Config: collaborators and hooks (new_test.go)
//	config_limits.go   Limits, Timeouts and SockJS (limit_test.go, new_test.go)
//	mount.go           the routes, and who is let in (sockjs_routes_test.go, token_test.go, subscribe_test.go, nginx_test.go, middlewares_test.go)
//	router.go          the app: which it is, what it must be like, and its shutdown (new_test.go, shutdown_test.go)
//	close.go           Close and the app's shutdown
//	conversations.go   Chat.Conversations and Chat.MarkRead (handle_ask_test.go too)
//	send.go            Chat.Send, SendAs, MayWrite and Conversation (api_test.go, send_as_test.go)
//	notify.go          Chat.Notify, and what brings a notice to the sessions (notice_test.go and notice_bus_test.go too)
//	revoke.go          Chat.Revoke and Chat.Disconnect (token_test.go, revoke_test.go, bounds_test.go)
//	revoke_bus.go      revocations as bytes (revoke_test.go)
//	ticket.go          Chat.Ticket: tokens for one connection (ticket_test.go)
//	ticket_use.go      which are good and which are used, at the doors and on other nodes (ticket_bus_test.go too)
//
//	client.go          one connection: what its frames mean for chat (subscribe_test.go, malformed_test.go, log_test.go, expire_test.go)
//	client_feed.go     what the connection's feed needs of it (feed_test.go, replay_test.go)
//	handle_send.go     steps 1 to 3 (send_test.go, answer_test.go, resend_test.go, order_test.go, fault_test.go)
//	handle_confirm.go  steps 4 and 5 (confirm_test.go, confirm_limit_test.go)
//	handle_ack.go      ACK as step 4 (ack_limit_test.go too)
//	handle_app.go      Chat.Handle and Request: what clients send to the app (app_test.go)
//	push.go            Chat.Push, and what the app's queues are called (push_test.go)
//	sessions.go        Chat.Sessions (presence_test.go)
//	presence.go        Chat.Online
//	presence_keeper.go  writes who comes and goes to the store (presence_keeper_test.go)
//	handle_ask.go      conversations, history, sync and read (conversations_test.go too)
//	before_save.go     BeforeSave, once for each message
//	handle_notice.go   the confirmation of a notice, also by ACK (notice_test.go, notice_limit_test.go)
//	handle_init.go     an init (init_test.go, notice_init_test.go, replay_test.go, replay_limit_test.go)
//	deliver.go         step 3 to sessions and other nodes (exchange_test.go, bus_test.go)
//	limiter.go         the rates (limit_*_test.go, bounds_test.go)
//	pending.go         the limit of unconfirmed messages (bounds_test.go too)
//	receivers.go       finds the users that messages are addressed to (brokenpeople_test.go too)
//	unknown_commit.go  messages that may be stored after all (fault_test.go too)
//
//	hooks.go           calls the app's hooks; those who are told afterwards
//	hook_messages.go   AfterSave and AfterConfirm
//	hook_connect.go    OnConnect and OnDisconnect
//	overdue.go         Overdue (overdue_pace_test.go, overdue_kill_test.go too)
//
//	bus.go             the Bus interface (bustest)
//	node.go            this process among those that share the store (bus_test.go, bus_down_test.go, node_entry_test.go)
//	node_entry.go      what a publication has in it
//	outage.go          tells the log that the bus is away, and back
//	catchup.go         finds what the Bus lost (bus_late_test.go too)
//
//	destination.go     what clients send and subscribe to; the wire's spelling stands here and in payload.go
//	payload.go         the JSON bodies of the wire
//	payload_notice.go  those of notices
//	payload_ask.go     those of what is asked for (handle_ask_test.go)
//	log.go             the app's log handler, whose panics cost nobody anything (robust_test.go)
//	json.go            JSON strings and objects (payload_test.go)
//	failure.go         all that a client is answered when something fails (fault_test.go)
//	metrics.go         counts outcomes and refused tokens
package fiberchat
