//go:build linux

package main

import (
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"time"

	"fiberchat.example/sqlstore"
)

// missing says what a part cannot be measured without; in CI it is an error.
func missing(part string, err error) error {
	if os.Getenv("CI") == "true" {
		return err
	}
	fmt.Printf("\nSKIPPED: part %s: %v\n", part, err)
	return nil
}

// measureCluster runs 1, 2 and 3 nodes on one PostgreSQL and one NATS. The
// two of each pair are on different nodes, where there are several.
func measureCluster(o options, r *report) error {
	db, at, natsURL, err := clusterServers()
	if err != nil {
		return missing("cluster", err)
	}
	defer db.Close()
	r.table(fmt.Sprintf("Nodes on one PostgreSQL and one NATS, window 1, medians of %d runs, all on this machine", o.runs),
		"pairs", "nodes", "exchanges/s", "nodes' CPU", "PostgreSQL's CPU", "NATS's CPU",
		"delivery p50 / p99", "status p50 / p99", "generator CPU")
	for _, n := range o.pairs {
		runs := map[string][]clusterRun{}
		kinds := []string{"1 without NATS", "1", "2", "3"}
		for range o.runs {
			for count, kind := range kinds {
				bus := natsURL
				if count == 0 {
					bus = ""
				}
				run, err := runCluster(o, db, at, bus, max(count, 1), n)
				if err != nil {
					return fmt.Errorf("%s nodes with %d pairs: %w", kind, n, err)
				}
				runs[kind] = append(runs[kind], run)
			}
		}
		for _, kind := range kinds {
			all := runs[kind]
			ms := make([]measurement, len(all))
			var postgres, broker []measurement
			for i, run := range all {
				ms[i] = run.measurement
				postgres = append(postgres, measurement{CPU: run.postgres})
				broker = append(broker, measurement{CPU: run.nats})
			}
			m := medianOf(ms)
			r.row(fmt.Sprint(n), kind, fmt.Sprintf("%.0f", m.Exchanges), micros(m.CPU), micros(medianOf(postgres).CPU),
				micros(medianOf(broker).CPU), m.Delivery.String(), m.Status.String(), micros(m.GeneratorCPU))
		}
	}
	return measureHints(db, at, natsURL, r)
}

// clusterRun is a run and what the servers behind the nodes used, for each
// exchange.
type clusterRun struct {
	measurement
	postgres, nats time.Duration
}

// cluster is the processes of a run: the nodes are what is metered as CPU.
type cluster struct {
	nodes []*child
	db    *sql.DB
	dsn   string
	// PostgreSQL's and NATS's time, at each reading.
	postgres, nats []time.Duration
}

func (c *cluster) usage() (total usage, err error) {
	for _, n := range c.nodes {
		u, err := n.usage()
		if err != nil {
			return total, err
		}
		total.CPU += u.CPU
	}
	postgres, err := postgresTime(c.db, c.dsn)
	c.postgres = append(c.postgres, postgres)
	broker, err2 := timeOf("nats-server")
	c.nats = append(c.nats, broker)
	return total, errors.Join(err, err2)
}

func (c *cluster) do(any, string, ...any) error { return nil }

// runCluster measures nodes on a fresh database with n pairs.
func runCluster(o options, db *sql.DB, at url.URL, natsURL string, nodes, n int) (run clusterRun, err error) {
	dsn, drop, err := createDatabase(db, at)
	if err != nil {
		return run, err
	}
	defer func() { err = errors.Join(err, drop()) }()
	if err := signEverybodyInAt(dsn); err != nil {
		return run, err
	}
	if err := errors.Join(os.Setenv(nodeDatabase, dsn), os.Setenv(nodeNATS, natsURL)); err != nil {
		return run, fmt.Errorf("set environment: %w", err)
	}
	c := cluster{db: db, dsn: dsn}
	for range nodes {
		server, err := startChild("node", o.dir)
		if err != nil {
			return run, err
		}
		defer server.stop()
		c.nodes = append(c.nodes, server)
	}
	var conns []*wsConn
	for user := range 2 * n {
		server := c.nodes[(user/2+user%2)%nodes]
		conn, err := dialUser(server.addr, stompDialect, user)
		if err != nil {
			closeAll(conns)
			return run, err
		}
		conns = append(conns, conn)
	}
	run.measurement, err = runConns(conns, &c, stompDialect, o.window, "")
	if err != nil {
		return run, err
	}
	each := time.Duration(run.Exchanges * o.window.Seconds())
	run.postgres, run.nats = (c.postgres[1]-c.postgres[0])/each, (c.nats[1]-c.nats[0])/each
	return run, nil
}

// signEverybodyInAt is signEverybodyIn on PostgreSQL.
func signEverybodyInAt(dsn string) error {
	store, err := sqlstore.Open(dsn) // makes the tables
	if err != nil {
		return err
	}
	if err := store.Close(); err != nil {
		return err
	}
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		return fmt.Errorf("open database: %w", err)
	}
	defer db.Close()
	for _, query := range []string{
		`INSERT INTO fiberchat_users (id, name, name_key, display_name, password, created_at) OVERRIDING SYSTEM VALUE
		 SELECT n + 1, 'bench' || n, 'bench' || n, 'bench' || n, '', 0 FROM generate_series(0, $1 - 1) AS n`,
		`INSERT INTO fiberchat_tokens (hash, user_id, expires_at)
		 SELECT sha256(convert_to('bench-token-' || n, 'UTF8')), n + 1, 4102444800000 FROM generate_series(0, $1 - 1) AS n`,
	} {
		if _, err := db.Exec(query, maxUsers); err != nil {
			return fmt.Errorf("sign everybody in: %w", err)
		}
	}
	return nil
}
