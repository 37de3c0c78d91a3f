// Package feed brings one session its user's messages: in order of id, each
// at most once between two inits, live as they are committed, or from the
// store where something may be missing between.
//
// # The rule
//
// The messages to one user are a log in the store, ordered by id. A session
// that listens has a cursor: everything it was owed up to this id was sent to
// it. Whoever commits a message learns its predecessor in the log, Previous,
// and offers both to the sessions, on its own node directly and on others over
// the bus. So each offer shows by itself whether it is the next one:
//
//	id <= cursor                 it was sent already: nothing to do
//	previous <= cursor < id      it is the next one: it is sent, and the cursor is at id
//	cursor < previous            something between is not here: the session is behind
//
// A session that is behind reads the log from its cursor on until nothing is
// left, and what is offered meanwhile only keeps it behind. So an offer that
// is lost, late, doubled or out of order does no harm: the next one shows the
// hole, and a look (Behind) finds what no later one shows.
//
// # Periods of listening
//
// A period is from the first subscription to the last one's end; an object of
// its own (listener), so that a reader which finds another one in its place
// knows that its work is void. It begins with its cursor at the end of the
// log: what was stored before comes by an init only.
//
// An init sends what is not confirmed up to the cursor, then goes on as if it
// were behind up to where the log ended when the init began, and answers its
// receipt. Inits that come meanwhile wait for the next turn together.
//
// # Who runs what
//
// Offers are sent by who makes them. Reading is a goroutine of its own, one at
// a time for each Feed, which exists only while something is due; it holds no
// lock while it reads, encodes or waits for space. Close waits for it.
//
// A Feed needs memory for a page of messages while it reads, and for eight
// ranges of ids. Nothing waits in it.
//
// # Files
//
//	feed.go    Feed: offers, periods of listening, inits
//	read.go    the reading goroutine
//	ranges.go  which ids a session was sent
package feed
