// Package chat holds the types that the packages of fiberchat share: users,
// messages, and the contracts of a store, an authenticator and a directory.
// It imports the standard library only, so that a store or a token check of
// your own depends on nothing else.
//
// # Files
//
//	user.go     User and MaxUserID
//	auth.go     Authenticator and Directory
//	message.go  Message, Confirmation, and the operations on them
//	notice.go   Notice, and the Notices that a Store may offer
//	conversations.go Conversations and Summary, and what of them a Store may offer
//	store.go    Store, and what one may offer in addition
//	presence.go Presence and PresenceStore
//	payload.go  Message as JSON, as the wire has it
//	store.go    Store, and what one may offer in addition
//	overdue.go  OverdueQueue, which a Store may offer too
//	errors.go   the errors they return
//	refuse.go   Refuse: a refusal with words of the app's own
package chat
