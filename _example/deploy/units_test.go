package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"fiberchat.example/_example/rig"
)

// units are the files, and the names that they are started by.
var units = map[string]string{"fiberchat.service": "fiberchat.service", "fiberchat@.service": "fiberchat@1.service"}

// TestUnits: systemd has nothing to say against them.
func TestUnits(t *testing.T) {
	t.Parallel()
	analyze := program(t, "systemd-analyze")
	for file, unit := range units {
		// Everything but the program is as on the machine where it is installed.
		path := write(t, file, strings.Replace(read(t, file), "/usr/local/bin/fiberchat", os.Args[0], 1))
		cmd := exec.CommandContext(t.Context(), analyze, "verify", filepath.Join(filepath.Dir(path), unit))
		if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%s: %v\n%s", file, err, out)
		}
	}
}

// TestUnitsStart: the units' command lines start the program, which takes its
// passwords from the environment. Not parallel: it sets that.
func TestUnitsStart(t *testing.T) {
	for file, unit := range units {
		_, command, _ := strings.Cut(read(t, file), "\nExecStart=/usr/local/bin/fiberchat ")
		command, _, ok := strings.Cut(command, "\n")
		if !ok {
			t.Fatalf("%s: no ExecStart", file)
		}
		state := t.TempDir()
		t.Setenv("FIBERCHAT_DB", filepath.Join(state, "chat.db"))
		if err := os.Mkdir(filepath.Join(state, "fiberchat"), 0o700); err != nil {
			t.Fatal(err)
		}
		_, instance, _ := strings.Cut(strings.TrimSuffix(unit, ".service"), "@")
		command = strings.NewReplacer("%S", state, "%i", instance).Replace(command)
		command = regexp.MustCompile(`127\.0\.0\.1:\d+`).ReplaceAllString(command, "127.0.0.1:0")
		rig.Start(t, strings.Fields(command)...).Stop(t, patience)
	}
}

// TestComposeFlags: the nodes of compose.yaml start with these flags.
func TestComposeFlags(t *testing.T) {
	t.Parallel()
	args := []string{"-db", filepath.Join(t.TempDir(), "chat.db")}
	for _, match := range regexp.MustCompile(`(?m)^ +- (-\S+)$`).FindAllStringSubmatch(read(t, "compose.yaml"), -1) {
		args = append(args, regexp.MustCompile(`0\.0\.0\.0:\d+`).ReplaceAllString(match[1], "127.0.0.1:0"))
	}
	if len(args) < 3 {
		t.Fatal("compose.yaml has no command line")
	}
	rig.Start(t, args...)
}
