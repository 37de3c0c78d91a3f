//go:build linux

package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"strconv"
	"strings"
)

// childCommand is the hidden first argument that makes this program a server.
const childCommand = "__server"

// service is one of the servers under measurement, as it runs in the child.
type service interface {
	// Serve answers on ln until the process ends.
	Serve(ln net.Listener) error
	// Do carries out a command of its own, such as filling the store.
	Do(command string, arg int) (any, error)
}

// services opens each server with its files in dir.
var services = map[string]func(dir string) (service, error){
	"relay":     openRelay,
	"byhand":    openByHand,
	"fiberchat": openFiberchat,
	"limited":   openLimited,
	"unlimited": openUnlimited,
	"sqlite":    openSQLiteAlone,
	"node":      openNode,
}

// child is a server process, driven by one line in and one line out.
type child struct {
	addr string
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
}

func startChild(name, dir string) (*child, error) {
	dir, err := os.MkdirTemp(dir, name+"-")
	if err != nil {
		return nil, fmt.Errorf("make directory for %s: %w", name, err)
	}
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	cmd := exec.Command(self, childCommand, name, dir)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("pipe to %s: %w", name, err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("pipe from %s: %w", name, err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	c := &child{cmd: cmd, in: in, out: bufio.NewReader(out)}
	line, err := c.out.ReadString('\n')
	if err != nil {
		c.stop()
		return nil, fmt.Errorf("start %s: it ended before it was ready", name)
	}
	c.addr = strings.TrimSpace(line)
	return c, nil
}

// do sends a command and reads its answer into into, if that is not nil.
func (c *child) do(into any, command string, args ...any) error {
	if _, err := fmt.Fprintln(c.in, append([]any{command}, args...)...); err != nil {
		return fmt.Errorf("ask server to %s: %w", command, err)
	}
	line, err := c.out.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("ask server to %s: %w", command, err)
	}
	var answer struct {
		Error string
		Value json.RawMessage
	}
	if err := json.Unmarshal(line, &answer); err != nil {
		return fmt.Errorf("read answer to %s: %w", command, err)
	}
	if answer.Error != "" {
		return fmt.Errorf("ask server to %s: %s", command, answer.Error)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(answer.Value, into)
}

func (c *child) usage() (u usage, err error) { return u, c.do(&u, "usage") }

// settled is the usage after a garbage collection, with the memory given
// back: where an idle server arrives by itself some minutes later.
func (c *child) settled() (u usage, err error) { return u, c.do(&u, "settle") }

// stop ends the process: it leaves when its input does.
func (c *child) stop() {
	c.in.Close()
	_ = c.cmd.Wait() // however it ended
}

// runChild is the program's other life.
func runChild(name, dir string) error {
	open, ok := services[name]
	if !ok {
		return fmt.Errorf("no server named %q", name)
	}
	defer os.RemoveAll(dir)
	s, err := open(dir)
	if err != nil {
		return fmt.Errorf("open %s: %w", name, err)
	}
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	// Owned by the process: it ends with it, when the parent lets go of stdin.
	go func() {
		if err := s.Serve(ln); err != nil {
			fmt.Fprintf(os.Stderr, "bench: serve %s: %v\n", name, err)
		}
	}()
	fmt.Println(ln.Addr())
	answers := json.NewEncoder(os.Stdout)
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		command, arg, _ := strings.Cut(lines.Text(), " ")
		value, err := carryOut(s, command, arg)
		answer := map[string]any{"Value": value}
		if err != nil {
			answer["Error"] = err.Error()
		}
		if err := answers.Encode(answer); err != nil {
			return fmt.Errorf("answer %s: %w", command, err)
		}
	}
	return nil
}

func carryOut(s service, command, arg string) (any, error) {
	switch command {
	case "usage":
		return measureUsage()
	case "settle":
		runtime.GC()
		debug.FreeOSMemory()
		if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
			return nil, fmt.Errorf("reset peak of memory: %w", err)
		}
		return measureUsage()
	case "profile":
		if arg == "" {
			pprof.StopCPUProfile()
			return nil, nil
		}
		f, err := os.Create(filepath.Clean(arg))
		if err != nil {
			return nil, fmt.Errorf("create profile: %w", err)
		}
		return nil, pprof.StartCPUProfile(f)
	case "heap":
		f, err := os.Create(filepath.Clean(arg))
		if err != nil {
			return nil, fmt.Errorf("create profile: %w", err)
		}
		return nil, errors.Join(pprof.Lookup("heap").WriteTo(f, 0), f.Close())
	}
	n, err := strconv.Atoi(arg)
	if err != nil {
		return nil, fmt.Errorf("command %q: %w", command, err)
	}
	return s.Do(command, n)
}
