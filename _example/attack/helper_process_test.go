package attack

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"fiberchat.example/_example/rig"
)

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
