package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The environment stands in for the flags that may hold passwords, and is
// shown nowhere; a flag wins.
func TestEnvironment(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ variable, want string }{
		"database": {"FIBERCHAT_DB=postgres://me:s3cret@127.0.0.1:1/chat", "refused"},
		"NATS":     {"FIBERCHAT_NATS=nats://me:s3cret@127.0.0.1:port", "connect to NATS"},
		"Redis":    {"FIBERCHAT_REDIS=redis://me:s3cret@127.0.0.1:port", "connect to Redis"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			for _, args := range [][]string{nil, {"-no-such-flag"}} {
				cmd := command(ctx, append([]string{"-addr", "127.0.0.1:0"}, args...)...)
				cmd.Dir, cmd.Env = t.TempDir(), append(cmd.Env, c.variable)
				out, err := cmd.CombinedOutput()
				if err == nil || args == nil && !strings.Contains(string(out), c.want) {
					t.Errorf("ended with %v and %s, want %q", err, out, c.want)
				}
				if bytes.Contains(out, []byte("s3cret")) {
					t.Errorf("shows the password: %s", out)
				}
			}
		})
	}
	t.Run("a flag wins", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		cmd := command(ctx, "-addr", "127.0.0.1:0", "-db", filepath.Join(t.TempDir(), "no-folder", "chat.db"))
		cmd.Dir, cmd.Env = t.TempDir(), append(cmd.Env, "FIBERCHAT_DB=chat.db")
		out, err := cmd.CombinedOutput()
		if _, stat := os.Stat(filepath.Join(cmd.Dir, "chat.db")); err == nil || !os.IsNotExist(stat) {
			t.Errorf("ended with %v and %s", err, out)
		}
	})
}
