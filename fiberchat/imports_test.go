package fiberchat_test

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// arrows says which of our own packages each package may import. Those named
// in standardOnly import nothing foreign either, so that protocol rules and
// contracts depend on nothing that can be exchanged.
var arrows = map[string][]string{
	"fiberchat": {
		"fiberchat/chat", "middleware", "sqlstore", // the store for one thing: the default
		"fiberchat/internal/commit", "fiberchat/internal/feed", "fiberchat/internal/hub", "fiberchat/internal/metrics",
		"fiberchat/internal/sockjs", "fiberchat/internal/stomp", "fiberchat/internal/ws", "middleware/origins",
	},
	"fiberchat/chat":             nil,
	"fiberchat/chattest":         {"fiberchat/chat"},
	"fiberchat/storetest":        {"fiberchat/chat"},
	"fiberchat/bustest":          nil,
	"fiberchat/natsbus":          nil, // fits Bus by its shape
	"fiberchat/redisbus":         nil,
	"fiberchat/internal/commit":  {"fiberchat/chat"},
	"fiberchat/internal/feed":    {"fiberchat/chat", "fiberchat/internal/stomp"},
	"fiberchat/internal/hub":     nil,
	"fiberchat/internal/metrics": nil,
	"fiberchat/internal/sockjs":  {"fiberchat/internal/ws", "middleware/origins"}, // an endpoint knows nothing of STOMP, nor of chat
	"fiberchat/internal/stomp":   nil,
	"fiberchat/internal/ws":      nil,
	"middleware/origins":         nil,
	"middleware":                 {"fiberchat/chat", "middleware/origins"},
	"sqlstore":                   {"fiberchat/chat"},
}

var standardOnly = []string{
	"fiberchat/chat", "fiberchat/storetest", "fiberchat/bustest",
	"fiberchat/internal/commit", "fiberchat/internal/feed", "fiberchat/internal/hub", "fiberchat/internal/stomp", "middleware/origins",
}

func TestImports(t *testing.T) {
	t.Parallel()
	const module = "fiberchat.example/"
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", module+"...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	seen := 0
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var pkg struct {
			ImportPath string
			Imports    []string
		}
		if err := decoder.Decode(&pkg); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimPrefix(pkg.ImportPath, module)
		allowed, known := arrows[name]
		if !known {
			t.Errorf("%s is a package without arrows: say here what it may import", name)
			continue
		}
		seen++
		for _, path := range pkg.Imports {
			own, isOwn := strings.CutPrefix(path, module)
			first, _, _ := strings.Cut(path, "/")
			switch {
			case isOwn && !slices.Contains(allowed, own):
				t.Errorf("%s imports %s, which is against the arrows", name, own)
			case !isOwn && strings.Contains(first, ".") && slices.Contains(standardOnly, name):
				t.Errorf("%s imports %s, and may import the standard library only", name, path)
			}
		}
	}
	if seen != len(arrows) {
		t.Errorf("found %d packages, %d have arrows: is one of them gone?", seen, len(arrows))
	}
}

// TestFileMap: doc.go names every file of this package, and no other.
func TestFileMap(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if !strings.HasSuffix(name, "_test.go") && name != "doc.go" && !strings.Contains(string(doc), "\n//\t"+name+" ") {
			t.Errorf("doc.go does not say what is in %s", name)
		}
	}
	for _, match := range regexp.MustCompile(`[\s(](\w+\.go)\b`).FindAllStringSubmatch(string(doc), -1) {
		if !slices.Contains(files, match[1]) {
			t.Errorf("doc.go names %s, which is not there", match[1])
		}
	}
}

// TestSpelling: the wire's misspelt words are in two files.
func TestSpelling(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") || name == "payload.go" || name == "destination.go" {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if word := regexp.MustCompile(`(?i)\w*reciv\w*`).Find(text); word != nil {
			t.Errorf("%s has %s: use a constant of destination.go, or a function of payload.go", name, word)
		}
	}
}

// TestConformanceNamesTests: every test that CONFORMANCE.md names is there.
func TestConformanceNamesTests(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("CONFORMANCE.md")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	err = filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		for _, match := range regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`).FindAllSubmatch(source, -1) {
			found[string(match[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`((?:Test|Fuzz)\\w+)`").FindAllSubmatch(text, -1)
	if len(named) == 0 {
		t.Error("CONFORMANCE.md names no test")
	}
	for _, match := range named {
		if !found[string(match[1])] {
			t.Errorf("CONFORMANCE.md names %s, which is not there", match[1])
		}
	}
}
