package attack

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"
)

// attackersEnv makes the test's program the attackers: a process of their own,
// and a nice one, so that what the innocents feel is the server's doing, and not
// that of whoever makes the noise on the same processors.
const attackersEnv = "FIBERCHAT_ATTACKERS"

type child struct {
	in  io.WriteCloser
	out io.Reader
}

// launch starts the attackers, who wait for their task, until the test ends.
func launch(t *testing.T) child {
	t.Helper()
	cmd := exec.Command("nice", "-n", "10", os.Args[0])
	cmd.Env = append(os.Environ(), attackersEnv+"=yes")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // an error when it has ended
		_ = cmd.Wait()         // however it ended
	})
	return child{in, out}
}

// task is what the attackers are told, and report what they got done.
type task struct {
	Attackers *attackers
	Attack    string
	For       time.Duration
}

type report struct{ Asked, Answered int64 }

// attack lets the attackers attack for a time, and waits until they have done.
func (c child) attack(a *attackers, name string, d time.Duration) (asked, answered int64, err error) {
	var r report
	if err := json.NewEncoder(c.in).Encode(task{a, name, d}); err != nil {
		return 0, 0, fmt.Errorf("tell the attackers: %w", err)
	}
	if err := json.NewDecoder(c.out).Decode(&r); err != nil {
		return 0, 0, fmt.Errorf("hear from the attackers: %w", err)
	}
	return r.Asked, r.Answered, nil
}

// beAttackers is the program's other life.
func beAttackers() {
	var t task
	if err := json.NewDecoder(os.Stdin).Decode(&t); err != nil {
		return // the test has ended before
	}
	ctx, cancel := context.WithTimeout(context.Background(), t.For)
	defer cancel()
	a := t.Attackers
	for _, one := range attacks {
		if one.name == t.Attack {
			one.act(ctx, a)
		}
	}
	_ = json.NewEncoder(os.Stdout).Encode(report{a.asked.Load(), a.answered.Load()}) // without it the test fails
}
