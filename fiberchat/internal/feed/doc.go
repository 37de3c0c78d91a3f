// Package feed brings one session its user's messages and notices: each kind in
// order of id, each at most once between two inits, live as they are committed,
// or from the store where something may be missing between.
//
// # The rule
//
// The messages to one user are a log in the store, ordered by id. A session
// that listens has a cursor: everything up to this id that was stored since it
// began to listen was sent to it. Whoever commits a message learns the id of
// its predecessor in the log, Previous, and offers the message with that id to
// the sessions, on its own node directly and on others over the bus. So each
// offer shows by itself whether it is the next one:
//
//	id <= cursor                 it was sent already: nothing to do
//	previous <= cursor < id      it is the next one: it is sent, and the cursor is at id
//	cursor < previous            something between is not here: the session is behind
//
// A session that is behind reads the log from its cursor on until nothing is
// left, and what is offered meanwhile only keeps it behind; so do offers of
// more copies than may be queued at once. An offer that is lost, late, doubled
// or out of order does no harm: the next one shows the hole. What no later one
// shows is found because somebody looks: the node for what the bus lost and
// for commits of unknown outcome, by Behind.
//
// Notices are a second log, under the same rule. They are rare, so they are
// never offered: whoever stores one has the session read, by Behind. Messages
// that are offered meanwhile are read too.
//
// # Periods of listening
//
// A period of a log is from the first subscription to the last one's end; an object of
// its own (listener), so that a reader which finds another one in its place
// knows that its work is void. It begins with its cursor at the end of the
// log: what was stored before comes by an init only.
//
// An init sends what is not confirmed up to the cursor, then, as if it were
// behind, all of the log up to where it ended when the init began, and answers
// its receipt. Inits that come meanwhile wait for the next turn together, and
// those without a subscription for the first one. Drain, for DISCONNECT, serves
// them first.
//
// After the messages, and before the receipt, come the notices, in the same way.
// Where nobody listens to messages they come at once, and the receipt with the
// messages; where nobody listens to notices the receipt does not wait, and they
// come with the first subscription to them.
//
// # When a read fails
//
// An init that could not be carried out is answered by InitFailed. Reading
// begins again after a second, with what is due then. Where the log does not
// show a message that was offered, the store lags or the message was deleted:
// it is looked for ten times, a second apart, and then forgotten.
//
// # Who runs what
//
// Offers are sent by who makes them. Reading is a goroutine of its own, one at
// a time for each Feed, which exists only while something is due; it holds no
// lock while it reads, encodes or waits for space. Close waits for it.
//
// A Feed needs memory for a page of a log while it reads, which is bounded
// in bytes (half of the session's queue), for the receipts
// of 64 inits, and for eight ranges of ids: those of what it has sent, by which
// a confirmation that names no id finds its message (Sent), and as many again
// for each subscription that acknowledges (SentTo). No message waits in it.
//
// # Tests
//
// model_test.go plays one feed against a log that fails and offers that get
// lost, feed_test.go the corners; package fiberchat's model tests do so for
// whole nodes.
//
// # Files
//
//	feed.go    Feed: offers, periods of listening, inits
//	log.go     Log and Outlet: what it stands between
//	read.go    the reading goroutine
//	replay.go  what it does for an init
//	pages.go   how much it reads at once
//	ranges.go  which ids a session was sent
package feed
