package crash

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"fiberchat.example/_example/rig"
)

// TestDiskFull: on a full disk messages are refused with -300; when there is
// room again, the same server goes on.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	rig.Need(t, os.Getuid() == 0, "root, to mount a small tmpfs")
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=24m"); err != nil {
		rig.Need(t, false, "a tmpfs: "+err.Error())
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	server := start(t, filepath.Join(dir, "chat.db"))
	ballast := filepath.Join(dir, "ballast")
	fill := func() {
		f, err := os.Create(ballast)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		block := make([]byte, 4096)
		for err == nil {
			_, err = f.Write(block)
		}
	}
	free := func() {
		if err := os.Remove(ballast); err != nil {
			t.Error(err)
		}
	}
	outage(t, server, fill, free)
}
