//go:build linux

package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// options is the command line.
type options struct {
	pairs    []int
	servers  []string
	parts    []string
	window   time.Duration
	runs     int
	open     int
	messages int
	dir      string
	profile  string
	heap     string
}

var allParts = []string{"pairs", "idle", "open", "sockjs", "init", "slow", "growth", "cluster", "sweep", "rabbitmq"}

func main() {
	if len(os.Args) == 4 && os.Args[1] == childCommand {
		exitOn(runChild(os.Args[2], os.Args[3]))
		return
	}
	o, err := parseOptions(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	exitOn(err)
	exitOn(run(o))
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func parseOptions(args []string) (o options, err error) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	pairs := flags.String("pairs", "1,50,500", "numbers of pairs to run")
	servers := flags.String("servers", "relay,byhand,fiberchat", "servers to run the pairs on")
	parts := flags.String("parts", strings.Join(allParts, ","), "parts to run")
	flags.IntVar(&o.runs, "runs", 3, "runs whose median each figure of the pairs is")
	flags.DurationVar(&o.window, "d", 3*time.Second, "time each figure is measured, after a warm-up of a second")
	flags.IntVar(&o.open, "open", 10_000, "connections to open at once")
	flags.IntVar(&o.messages, "messages", 1_000_000, "messages stored before the growth run")
	flags.StringVar(&o.dir, "dir", os.TempDir(), "directory for the databases: its disk is what is measured")
	flags.StringVar(&o.profile, "cpuprofile", "", "prefix of the servers' CPU profiles, one a run (profiling slows the run)")
	flags.StringVar(&o.heap, "memprofile", "", "prefix of heap profiles of the servers with idle connections (set GODEBUG=memprofilerate=1 for all of it)")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	o.servers, o.parts = strings.Split(*servers, ","), strings.Split(*parts, ",")
	for _, s := range o.servers {
		if _, ok := dialects[s]; !ok {
			return o, fmt.Errorf("flag -servers: no server %q", s)
		}
	}
	for _, p := range o.parts {
		if !slices.Contains(allParts, p) {
			return o, fmt.Errorf("flag -parts: no part %q, only %s", p, strings.Join(allParts, ","))
		}
	}
	for _, field := range strings.Split(*pairs, ",") {
		n, err := strconv.Atoi(field)
		if err != nil || n < 1 || n > maxUsers/2 {
			return o, fmt.Errorf("flag -pairs: %q is not between 1 and %d", field, maxUsers/2)
		}
		o.pairs = append(o.pairs, n)
	}
	if o.open < 1 || o.open > maxUsers-warmConns {
		return o, fmt.Errorf("flag -open: %d is not between 1 and %d", o.open, maxUsers-warmConns)
	}
	if o.runs < 1 {
		return o, fmt.Errorf("flag -runs: %d is less than 1", o.runs)
	}
	if o.window < 100*time.Millisecond {
		return o, fmt.Errorf("flag -d: %v is shorter than 100ms", o.window)
	}
	return o, nil
}

// run measures part after part and prints each table as soon as it is whole.
func run(o options) error {
	dir, err := os.MkdirTemp(o.dir, "fiberchat-bench-")
	if err != nil {
		return fmt.Errorf("make directory: %w", err)
	}
	defer os.RemoveAll(dir)
	o.dir = dir
	r := &report{started: time.Now()}
	r.machine()
	for _, part := range []struct {
		name string
		run  func(options, *report) error
	}{
		{"pairs", measurePairs}, {"idle", measureIdle}, {"open", measureOpen},
		{"sockjs", measureSockJS}, {"init", measureInit}, {"slow", measureSlow}, {"growth", measureGrowth},
		{"cluster", measureCluster}, {"sweep", measureSweep}, {"rabbitmq", measureRabbitMQ},
	} {
		if !slices.Contains(o.parts, part.name) {
			continue
		}
		if err := part.run(o, r); err != nil {
			return fmt.Errorf("part %s: %w", part.name, err)
		}
	}
	r.finish()
	return nil
}
