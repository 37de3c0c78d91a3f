// Package chat holds the types that the packages of fiberchat share: users,
// messages, and the contracts of a store, an authenticator and a directory.
// It imports the standard library only, so that a store or a token check of
// your own depends on nothing else.
package chat
