//go:build linux

package main

import (
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
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

// clusterKinds are the set-ups that are compared, the first of them alone.
var clusterKinds = []struct {
	name  string
	nodes int
	bus   bool
}{{"1 without a bus", 1, false}, {"1", 1, true}, {"2", 2, true}, {"3", 3, true}}

// measureCluster runs 1, 2 and 3 nodes on one PostgreSQL and one NATS, in
// turns. The two of each pair are on different nodes, where there are several.
func measureCluster(o options, r *report) error {
	db, at, natsURL, err := clusterServers()
	if err != nil {
		return missing("cluster", err)
	}
	defer db.Close()
	r.table(fmt.Sprintf("Nodes on one PostgreSQL and one NATS, window 1, medians of %d runs, all on this machine", o.runs),
		"pairs", "nodes", "exchanges/s", "nodes' CPU", "PostgreSQL's CPU", "NATS's CPU", "all to one without a bus",
		"operations a commit", "delivery p50 / p99", "status p50 / p99", "generator CPU")
	for _, n := range o.pairs {
		runs := make([][]clusterRun, len(clusterKinds))
		for range o.runs {
			for k, kind := range clusterKinds {
				bus := ""
				if kind.bus {
					bus = natsURL
				}
				run, err := runCluster(o, db, at, bus, kind.nodes, n)
				if err != nil {
					return fmt.Errorf("%s nodes with %d pairs: %w", kind.name, n, err)
				}
				runs[k] = append(runs[k], run)
			}
		}
		alone := medianOfCluster(runs[0])
		for k, kind := range clusterKinds {
			m := medianOfCluster(runs[k])
			to := m.to(alone)
			r.row(fmt.Sprint(n), kind.name, fmt.Sprintf("%.0f", m.Exchanges), micros(m.CPU), micros(m.postgres), micros(m.nats),
				fmt.Sprintf("%.2fx; %.2fx; %.2fx", to.exchanges, to.cpu, to.postgres), fmt.Sprintf("%.1f", m.batch),
				m.Delivery.String(), m.Status.String(), micros(m.GeneratorCPU))
			judgeCluster(r, n, kind.name, to)
		}
	}
	return nil
}

// clusterRun is a run and what the servers behind the nodes used, for each
// exchange.
type clusterRun struct {
	measurement
	postgres, nats time.Duration
	batch          float64 // operations a transaction
}

// medianOfCluster takes the median of every figure by itself.
func medianOfCluster(all []clusterRun) (m clusterRun) {
	var ms, postgres, nats, batches []measurement
	for _, run := range all {
		ms = append(ms, run.measurement)
		postgres = append(postgres, measurement{CPU: run.postgres})
		nats = append(nats, measurement{CPU: run.nats})
		batches = append(batches, measurement{Exchanges: run.batch})
	}
	return clusterRun{medianOf(ms), medianOf(postgres).CPU, medianOf(nats).CPU, medianOf(batches).Exchanges}
}

type clusterRatio struct{ exchanges, cpu, postgres float64 }

func (run clusterRun) to(alone clusterRun) clusterRatio {
	return clusterRatio{
		run.Exchanges / alone.Exchanges, float64(run.CPU) / float64(alone.CPU), float64(run.postgres) / float64(alone.postgres),
	}
}

// judgeCluster holds the targets for a number of pairs and of nodes.
func judgeCluster(r *report, pairs int, kind string, to clusterRatio) {
	wanted, ok := map[string]clusterRatio{
		"50 1": {0.85, 1.4, 0}, "500 1": {0.85, 1.4, 0},
		"50 2": {0.9, 1.7, 1.2}, "50 3": {0.75, 2.3, 1.4},
		"500 2": {0.85, 1.6, 1.2}, "500 3": {0.8, 1.8, 1.3},
	}[fmt.Sprint(pairs, kind)]
	if !ok {
		return
	}
	what := fmt.Sprintf("%d pairs, nodes %s, to one without a bus: ", pairs, kind)
	r.atLeast(what+"exchanges/s", to.exchanges, wanted.exchanges, "x")
	r.atMost(what+"nodes' CPU", to.cpu, wanted.cpu, "x")
	if wanted.postgres > 0 {
		r.atMost(what+"PostgreSQL's CPU", to.postgres, wanted.postgres, "x")
	}
}

// cluster is the processes of a run: the nodes are what is metered as CPU.
type cluster struct {
	nodes []*child
	db    *sql.DB
	dsn   string
	// At each reading: PostgreSQL's and NATS's time, and the nodes' commits.
	postgres, nats []time.Duration
	commits        []commits
}

func (c *cluster) usage() (total usage, err error) {
	var all commits
	for _, n := range c.nodes {
		u, err := n.usage()
		if err != nil {
			return total, err
		}
		total.CPU += u.CPU
		var each commits
		if err := n.do(&each, "commits", 0); err != nil {
			return total, err
		}
		all.Count += each.Count
		all.Operations += each.Operations
	}
	c.commits = append(c.commits, all)
	postgres, err := postgresTime(c.db, c.dsn)
	c.postgres = append(c.postgres, postgres)
	broker, err2 := timeOf("nats-server")
	c.nats = append(c.nats, broker)
	return total, errors.Join(err, err2)
}

// do is asked to profile, and has the first node do it.
func (c *cluster) do(into any, command string, args ...any) error {
	return c.nodes[0].do(into, command, args...)
}

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
	run.measurement, err = runConns(conns, &c, stompDialect, o.window, o.profileName(strings.TrimSuffix(fmt.Sprintf("%d-nodes-%s", nodes, natsURL[:min(4, len(natsURL))]), "-"), n))
	if err != nil {
		return run, err
	}
	each := time.Duration(run.Exchanges * o.window.Seconds())
	run.batch = (c.commits[1].Operations - c.commits[0].Operations) / float64(max(c.commits[1].Count-c.commits[0].Count, 1))
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
