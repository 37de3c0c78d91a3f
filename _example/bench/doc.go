// Command bench measures what one exchange of messages costs: the five steps
// from a sender's SEND to the receiver's confirmation on disk.
//
//	go run ./_example/bench
//
// Each server runs in a child process, so that its processor time is its own
// rusage; the parent is the load generator, one thread over epoll, the same
// for all of them. Beside fiberchat it runs, in the same minutes on the same
// machine:
//
//   - relay: Fiber and contrib/websocket forwarding frames of the same sizes,
//     with nothing parsed or stored: what the network alone costs;
//   - byhand: contrib/websocket, encoding/json and one INSERT and one UPDATE
//     on SQLite, each durable by itself: what people write in an afternoon;
//   - sqlite: the same INSERT and UPDATE, 64 exchanges a commit and no
//     network: what the disk alone costs.
//
// What the limits of bytes and of unconfirmed messages cost is
//
//	go run ./_example/bench -parts pairs -pairs 50 -servers unlimited,limited -runs 5
//
// Part cluster runs 1, 2 and 3 nodes of fiberchat on one PostgreSQL
// (SQLSTORE_TEST_POSTGRES) and one NATS (NATS_URL), and compares them with one
// node without a bus; part sweep is what grows beside it; part rabbitmq makes the
// same exchange through RabbitMQ's Web STOMP (RABBITMQ_WEB_STOMP, the address).
// They use the servers of this machine, and are skipped where there are none.
//
// It needs Linux (epoll, /proc) and a C compiler for SQLite. See -help.
package main
