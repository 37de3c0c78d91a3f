//go:build linux

package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

// report prints the figures as the Markdown that the README shows, and
// remembers the targets to judge at the end.
type report struct {
	started time.Time
	targets []target
}

type target struct {
	what, want, got string
	met             bool
}

// atMost and atLeast judge one figure against its target.
func (r *report) atMost(what string, got, limit float64, unit string) {
	r.judge(what, "<= ", got, limit, unit, got <= limit)
}

func (r *report) atLeast(what string, got, limit float64, unit string) {
	r.judge(what, ">= ", got, limit, unit, got >= limit)
}

func (r *report) judge(what, sign string, got, limit float64, unit string, met bool) {
	r.targets = append(r.targets, target{what, sign + number(limit) + unit, number(got) + unit, met})
}

func number(f float64) string {
	if f >= 100 {
		return fmt.Sprintf("%.0f", f)
	}
	return strings.TrimSuffix(strings.TrimSuffix(fmt.Sprintf("%.2f", f), "0"), ".0")
}

// table prints a title and the head of a table.
func (r *report) table(title string, columns ...string) {
	fmt.Printf("\n%s\n\n| %s |\n|%s\n", title, strings.Join(columns, " | "), strings.Repeat("---|", len(columns)))
}

func (r *report) row(cells ...string) { fmt.Printf("| %s |\n", strings.Join(cells, " | ")) }

// machine names what the figures hold for.
func (r *report) machine() {
	fmt.Printf("Measured %s on %s, %d cores, Linux %s, %s, load generator on the same machine.\n",
		r.started.Format(time.DateOnly), processorName(), runtime.NumCPU(), kernelVersion(), runtime.Version())
}

func processorName() string {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "an unknown processor"
	}
	_, after, _ := strings.Cut(string(info), "model name")
	line, _, _ := strings.Cut(after, "\n")
	return strings.Trim(line, "\t :")
}

func kernelVersion() string {
	v, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return "of unknown version"
	}
	return strings.TrimSpace(string(v))
}

// finish judges and says how long it all took.
func (r *report) finish() {
	if len(r.targets) > 0 {
		r.table("Targets", "target", "wanted", "measured", "")
		for _, t := range r.targets {
			verdict := "met"
			if !t.met {
				verdict = "**not met**"
			}
			r.row(t.what, t.want, t.got, verdict)
		}
	}
	fmt.Printf("\n%v in all.\n", time.Since(r.started).Round(time.Second))
}

func micros(d time.Duration) string { return fmt.Sprintf("%d µs", d.Microseconds()) }

func millis(d time.Duration) string { return fmt.Sprintf("%.2f", d.Seconds()*1000) }

func (q quantiles) String() string { return millis(q.P50) + " / " + millis(q.P99) + " ms" }

func kib(bytes int64) string { return fmt.Sprintf("%.1f KiB", float64(bytes)/1024) }
