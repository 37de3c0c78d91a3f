//go:build linux

package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// usage is what a server process has used.
type usage struct {
	CPU         time.Duration
	RSS         int64
	Peak        int64 // of RSS, since the last settle
	Heap, Stack int64 // the parts of RSS that Go calls so
	Goroutines  int
}

// measureUsage is of this process.
func measureUsage() (usage, error) {
	cpu, err := processorTime()
	if err != nil {
		return usage{}, err
	}
	rss, err := memoryLine("/proc/self/smaps_rollup", "\nRss:")
	if err != nil {
		return usage{}, err
	}
	peak, err := memoryLine("/proc/self/status", "\nVmHWM:")
	if err != nil {
		return usage{}, err
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return usage{
		CPU: cpu, RSS: rss, Peak: peak, Heap: int64(m.HeapInuse), Stack: int64(m.StackInuse), Goroutines: runtime.NumGoroutine(),
	}, nil
}

// memoryLine reads a line in kB of one of Linux's files.
func memoryLine(file, name string) (int64, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, fmt.Errorf("read resident memory: %w", err)
	}
	_, after, _ := strings.Cut(string(text), name)
	var kib int64
	if _, err := fmt.Sscan(after, &kib); err != nil {
		return 0, fmt.Errorf("read resident memory: %w", err)
	}
	return kib << 10, nil
}

// growth is what n connections added to before, each.
func (u usage) growth(before usage, n int) usage {
	each := int64(n)
	return usage{
		RSS: (u.RSS - before.RSS) / each, Heap: (u.Heap - before.Heap) / each, Stack: (u.Stack - before.Stack) / each,
		Goroutines: (u.Goroutines - before.Goroutines + n/2) / n,
	}
}

// cells are the columns of memoryColumns.
func (u usage) cells() []string {
	return []string{kib(u.RSS), kib(u.Heap), kib(u.Stack), fmt.Sprint(u.Goroutines)}
}

var memoryColumns = []string{"resident", "of it heap", "stacks", "goroutines"}

// processorTime is what this process has used, in user and system mode.
func processorTime() (time.Duration, error) {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0, fmt.Errorf("get resource usage: %w", err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano()), nil
}
