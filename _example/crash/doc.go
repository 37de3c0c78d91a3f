// Package crash holds the tests of the promise that a sender who has seen
// code 200 can rely on: the message is on disk and reaches its receiver,
// whatever dies meanwhile. They run the example server in a process of its
// own and kill it, take its disk away, lock its database; and push the library
// with long backlogs, slow readers and clients that reconnect all the time.
//
//	go test -race ./_example/crash
//
// runs them at a size for every day. At full size, 10 kills, 100,000 ordered
// messages and a backlog of 200,000, they take some minutes:
//
//	FIBERCHAT_FULL=1 go test -timeout 30m ./_example/crash
//
// FIBERCHAT_SEED=N repeats the random choices of an earlier run, whose seed
// every test logs.
package crash
