// Package cluster holds the tests of several nodes: example servers in
// processes of their own, on one PostgreSQL database and one NATS server, and
// what may happen to each of them under load.
//
//	go test -race ./_example/cluster
//
// PostgreSQL is sought at SQLSTORE_TEST_POSTGRES, by default
// postgres://postgres@127.0.0.1:5432/postgres, and each test makes a database
// of its own there; the test that stops PostgreSQL starts one with initdb and
// pg_ctl. NATS is the program nats-server, one for each test. What is missing
// is skipped, and fails where CI=true.
package cluster
