// Package attack holds the test of what people feel while somebody attacks:
// pairs of innocents exchange messages beside each attack, against the example
// server in a process of its own, with its default limits.
//
//	go test -v -run TestInnocents ./_example/attack
//
// gives each attack a second and prints a table: how long a message takes from
// when it was to be sent to its receiver, before the attack and during it, what
// the attackers got done, and what the server used. Ten seconds of replays are
//
//	FIBERCHAT_ATTACK=10s go test -v -run TestInnocents/replays ./_example/attack
//
// No message may get lost, and half of them must come within half a second. That
// is a time by the clock, the only one that a test here asserts, and generous:
// so it is not run under the race detector, which takes the processor from all of
// them, nor beside other tests in CI. The attackers run on the same processors
// as the server, and take their share.
//
// # Files
//
//	innocents_test.go         the test, and its table
//	helper_pairs_test.go      the innocents, and what they saw
//	helper_attackers_test.go  the attackers: accounts, sessions, crowds, requests
//	helper_process_test.go    what the server uses
//	chat_test.go              attacks by frames
//	door_test.go              attacks by connections
//	rest_test.go              attacks by requests
package attack
