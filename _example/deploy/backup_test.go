package deploy

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"fiberchat.example/_example/rig"
	"fiberchat.example/fiberchat/chattest"
)

// database is one that OPERATING.md's commands save, and put back.
type database struct {
	dir            string   // where the commands are run
	live, restored string   // -db before and after
	save, restore  []string // the environment of the commands
	rename         []string // what the commands have, and what stands in for it
}

// commands returns OPERATING.md's block that has this line, for sh.
func commands(t *testing.T, line string) string {
	t.Helper()
	for _, block := range strings.Split(read(t, "../../fiberchat/OPERATING.md"), "```sh\n")[1:] {
		if block, _, _ = strings.Cut(block, "```"); strings.Contains(block, line) {
			return block
		}
	}
	t.Fatalf("OPERATING.md has no block with %q", line)
	return ""
}

func (d database) run(t *testing.T, env []string, line string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-ec", strings.NewReplacer(d.rename...).Replace(commands(t, line)))
	cmd.Dir, cmd.Env = d.dir, append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", line, err, out)
	}
}

// sender writes to a user, one message after the other, until it is stopped.
type sender struct {
	stored atomic.Int64 // how many are: those with the msgIDs 0 to stored-1
	stop   context.CancelFunc
	over   chan error
}

func startSender(t *testing.T, p *rig.Process, token string, to int64) *sender {
	t.Helper()
	conn, err := chattest.Open(t.Context(), p.Addr, token, chattest.Patience(patience))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &sender{stop: stop, over: make(chan error, 1)}
	const most = 5_000
	go func() { // joined by end
		defer conn.Cut()
		err := conn.Connect(chattest.SendStatus)
		for i := 0; err == nil && ctx.Err() == nil && i < most; i++ {
			if err = conn.Send(strconv.Itoa(i), to, "起来聊天 "+strings.Repeat("x", 200)); err == nil {
				_, err = conn.Until(func(f chattest.Frame) bool { return f.On(chattest.SendStatus) })
			}
			if err == nil {
				s.stored.Add(1)
			}
		}
		s.over <- err
	}()
	t.Cleanup(stop)
	return s
}

func (s *sender) wait(t *testing.T, stored int64) {
	t.Helper()
	rig.Until(t, fmt.Sprint(stored, " messages are stored"), func() bool { return s.stored.Load() >= stored })
}

func (s *sender) end(t *testing.T) {
	t.Helper()
	s.stop()
	if err := <-s.over; err != nil {
		t.Fatal(err)
	}
}

// test saves a database while messages are written to it, loses it, and puts
// it back: all that was stored before is there, and no id is given again.
func (d database) test(t *testing.T, save, restore string) {
	live := rig.Start(t, "-db", d.live, "-rate", "0")
	ann, bob := live.SignUp(t, "ann"), live.SignUp(t, "bob")
	writes := startSender(t, live, ann.Token, bob.ID)
	writes.wait(t, 100)
	before := writes.stored.Load()
	d.run(t, d.save, save)
	writes.wait(t, writes.stored.Load()+50) // the chat has gone on
	writes.end(t)
	last := pending(t, live, bob, writes.stored.Load())
	live.Kill() // and leaves behind what a crash does

	d.run(t, d.restore, restore)
	restored := rig.Start(t, "-db", d.restored, "-rate", "0")
	pending(t, restored, bob, before)
	b := chattest.At(t, restored.Addr).Dial(bob.Token)
	if s := chattest.At(t, restored.Addr).Dial(ann.Token).Send(bob.ID, "after"); s.Code != 200 {
		t.Fatal(s)
	}
	if m := b.Next(); m.ID <= last {
		t.Errorf("id %d is given again after %d", m.ID, last)
	}
	restored.Stop(t, patience)
}

// pending wants at least the first messages of the sender in an init, in
// order, and returns the highest id.
func pending(t *testing.T, p *rig.Process, of rig.Account, want int64) (last int64) {
	t.Helper()
	c := chattest.At(t, p.Addr).Dial(of.Token, chattest.Patience(patience))
	c.Init()
	for i := range want {
		m := c.Next()
		if m.ChatID != strconv.FormatInt(i, 10) || m.ID <= last {
			t.Fatalf("message %d of %d is %s, id %d after %d", i, want, m.ChatID, m.ID, last)
		}
		last = m.ID
	}
	c.Cut()
	return last
}

func TestBackupSQLite(t *testing.T) {
	t.Parallel()
	program(t, "sqlite3")
	dir := t.TempDir()
	file := filepath.Join(dir, "chat.db")
	d := database{dir: dir, live: file, restored: file}
	d.test(t, "VACUUM INTO", "rm -f chat.db-wal")
	for _, name := range []string{"chat.db", "copy.db"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v, want a file for its owner alone", name, info, err)
		}
	}
}

func TestBackupPostgres(t *testing.T) {
	t.Parallel()
	program(t, "pg_dump")
	admin := cmp.Or(os.Getenv("SQLSTORE_TEST_POSTGRES"), "postgres://postgres@127.0.0.1:5432/postgres")
	sql := func(statement string) error {
		out, err := exec.Command("psql", "-w", admin, "-c", statement).CombinedOutput()
		if err != nil {
			return fmt.Errorf("%s: %w\n%s", statement, err, out)
		}
		return nil
	}
	rig.Need(t, sql("SELECT 1") == nil, "PostgreSQL")
	d := database{dir: t.TempDir()}
	for _, db := range []struct {
		name string
		env  *[]string
		dsn  *string
	}{{"live", &d.save, &d.live}, {"restored", &d.restore, &d.restored}} {
		name := fmt.Sprintf("deploy_test_%d_%s", os.Getpid(), db.name)
		if err := sql("CREATE DATABASE " + name); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := sql("DROP DATABASE " + name + " WITH (FORCE)"); err != nil {
				t.Error(err)
			}
		})
		u, err := url.Parse(admin)
		if err != nil {
			t.Fatal(err)
		}
		u.Path = "/" + name
		*db.dsn, *db.env = u.String(), []string{"FIBERCHAT_DB=" + u.String()}
	}
	d.test(t, "pg_dump", "pg_restore")
}

func TestBackupMariaDB(t *testing.T) {
	t.Parallel()
	program(t, "mariadb-dump")
	u, err := url.Parse(cmp.Or(os.Getenv("SQLSTORE_TEST_MYSQL"), "mysql://root@127.0.0.1:3306/test"))
	if err != nil {
		t.Fatal(err)
	}
	password, _ := u.User.Password()
	options := fmt.Sprintf("[client]\nhost=%s\nport=%s\nprotocol=tcp\nuser=%s\npassword=%s\n", u.Hostname(), cmp.Or(u.Port(), "3306"), u.User.Username(), password)
	env := []string{"HOME=" + filepath.Dir(write(t, ".my.cnf", options))}
	sql := func(statement string) error {
		cmd := exec.Command("mariadb", "-e", statement)
		cmd.Env = append(os.Environ(), env...)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", statement, err, out)
		}
		return nil
	}
	rig.Need(t, sql("SELECT 1") == nil, "MariaDB")
	name := fmt.Sprintf("deploy_test_%d", os.Getpid())
	u.Path = "/" + name
	d := database{dir: t.TempDir(), live: u.String(), restored: u.String(), save: env, restore: env, rename: []string{"fiberchat ", name + " ", "| mariadb fiberchat", "| mariadb " + name}}
	if err := sql("CREATE DATABASE " + name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sql("DROP DATABASE " + name); err != nil {
			t.Error(err)
		}
	})
	d.test(t, "mariadb-dump", "mariadb fiberchat < chat.sql")
}
