package cluster

import (
	"cmp"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"

	"fiberchat.example/_example/rig"
)

var databases atomic.Int64

// newDatabase makes a database on the shared server until the test ends, and
// returns its dsn.
func newDatabase(t *testing.T) string {
	t.Helper()
	u, err := url.Parse(cmp.Or(os.Getenv("SQLSTORE_TEST_POSTGRES"), "postgres://postgres@127.0.0.1:5432/postgres"))
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("pgx", u.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if err := db.Ping(); err != nil {
		rig.Need(t, false, fmt.Sprintf("a PostgreSQL server at %s: %v", u.Redacted(), err))
	}
	name := fmt.Sprintf("fiberchat_cluster_%d_%d", os.Getpid(), databases.Add(1))
	if _, err := db.Exec("CREATE DATABASE " + name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := db.Exec("DROP DATABASE " + name + " WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})
	u.Path = "/" + name
	return u.String()
}

// postgres is a server of the test's own, which it may stop.
type postgres struct {
	dsn, bin, dir string
	cred          *syscall.Credential // root may not run it
}

func startPostgres(t *testing.T) *postgres {
	t.Helper()
	p := &postgres{dir: t.TempDir()}
	installed, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		t.Fatal(err)
	}
	if len(installed) > 0 {
		p.bin = filepath.Dir(installed[len(installed)-1])
	} else if path, err := exec.LookPath("initdb"); err == nil {
		p.bin = filepath.Dir(path)
	}
	rig.Need(t, p.bin != "", "PostgreSQL's initdb and pg_ctl")
	if os.Getuid() == 0 {
		u, err := user.Lookup("postgres")
		if err != nil {
			rig.Need(t, false, "a user postgres to run a server as")
		}
		uid, _ := strconv.ParseUint(u.Uid, 10, 32)
		gid, _ := strconv.ParseUint(u.Gid, 10, 32)
		p.cred = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		for dir := p.dir; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
			if err := os.Chmod(dir, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Chown(p.dir, int(uid), int(gid)); err != nil {
			t.Fatal(err)
		}
	}
	port := freePort(t)
	p.run(t, "initdb", "-D", p.data(), "-A", "trust", "-U", "postgres", "--no-sync")
	p.run(t, "pg_ctl", "start", "-w", "-D", p.data(), "-l", filepath.Join(p.dir, "log"),
		"-o", fmt.Sprintf("-p %d -c listen_addresses=127.0.0.1 -c unix_socket_directories=''", port))
	t.Cleanup(func() { p.run(t, "pg_ctl", "stop", "-w", "-m", "immediate", "-D", p.data()) })
	p.dsn = fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres", port)
	return p
}

func (p *postgres) data() string { return filepath.Join(p.dir, "data") }

// crash ends every process of the server as a fault would, and starts it.
func (p *postgres) crash(t *testing.T) {
	t.Helper()
	p.run(t, "pg_ctl", "restart", "-w", "-m", "immediate", "-D", p.data(), "-l", filepath.Join(p.dir, "log"))
}

func (p *postgres) run(t *testing.T, program string, args ...string) {
	t.Helper()
	cmd := exec.Command(filepath.Join(p.bin, program), args...)
	cmd.Dir = p.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: p.cred}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", program, err, out)
	}
}
