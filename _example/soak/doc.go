// Package soak holds the tests of a day at work: hundreds of users come and go
// over every transport while the network, the database, the clients and the
// machine misbehave, against the example server in a process of its own.
// Nothing that was accepted may get lost, come twice or reach another person,
// and when all have left the server holds what it held at the start.
//
//	go test -race ./_example/soak
//
// runs a minute of it with 100 users. Twenty minutes with 500 users are
//
//	FIBERCHAT_SOAK=20m go test -v -timeout 40m -run TestSoak ./_example/soak
//
// FIBERCHAT_SEED=N repeats the random choices of an earlier run, whose seed
// the test logs.
package soak
