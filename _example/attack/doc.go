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
// is a time by the clock, the only one that a test here asserts. It is generous,
// it is longer on a machine that others use too, by as much as a piece of work
// takes longer there, and an attack has three tries. It is not run under the race
// detector, which takes the processor from all of them; CI runs what is skipped
// there once more without, and alone. The attackers run on the server's
// processors, in a process of less priority.
//
// # Files
//
//	innocents_test.go         the test, and its table
//	helper_pairs_test.go      the innocents, and what they saw
//	helper_attackers_test.go  the attackers: accounts, sessions, crowds, requests
//	helper_child_test.go      the process of the attackers
//	helper_process_test.go    what the server uses, and what the machine has left
//	chat_test.go              attacks by frames
//	door_test.go              attacks by connections
//	rest_test.go              attacks by requests
package attack
