package attack

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"fiberchat.example/_example/rig"
)

// crowding is how many times as long this machine takes for a piece of work as
// it would if it had nothing else to do: 1 where the test is alone.
func crowding(t *testing.T) float64 {
	t.Helper()
	const work = 25 * time.Millisecond // of each processor
	used := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			t.Error(err)
			return time.Hour
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	begin, end := time.Now(), used()+work*time.Duration(runtime.GOMAXPROCS(0))
	var group sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() {
			for used() < end {
			}
		})
	}
	group.Wait()
	return max(1, float64(time.Since(begin))/float64(work))
}

// usage is what a process has used.
type usage struct {
	cpu            time.Duration
	resident, peak int // MiB; the peak is that since the last call
}

// measure reads what the kernel knows of the server, and lets the peak begin
// anew.
func measure(t *testing.T, server *rig.Process) (u usage) {
	t.Helper()
	dir := fmt.Sprintf("/proc/%d/", server.Pid())
	stat, err := os.ReadFile(dir + "stat")
	if err != nil {
		t.Fatal(err)
	}
	status, err := os.ReadFile(dir + "status")
	if err != nil {
		t.Fatal(err)
	}
	_ = os.WriteFile(dir+"clear_refs", []byte("5"), 0) // without it the peak is that of all attacks so far
	number := func(text string) int {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	_, rest, _ := strings.Cut(string(stat), ") ") // after the name, which may hold blanks
	fields := strings.Fields(rest)
	const tick = 10 * time.Millisecond // USER_HZ is 100 wherever Go runs
	u.cpu = time.Duration(number(fields[11])+number(fields[12])) * tick
	for line := range strings.Lines(string(status)) {
		switch f := strings.Fields(line); f[0] {
		case "VmRSS:":
			u.resident = number(f[1]) >> 10
		case "VmHWM:":
			u.peak = number(f[1]) >> 10
		}
	}
	return u
}
