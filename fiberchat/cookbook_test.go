package fiberchat_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// cookbookApp is what the recipes find: the app's own code.
const cookbookApp = `package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/jmoiron/sqlx"

	"fiberchat.example/fiberchat"
	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/sqlstore"
)

var (
	_ = []any{bytes.NewReader, rand.Text, base64.StdEncoding, json.Marshal, errors.New, fmt.Sprint, slog.Error, http.Get, filepath.Join, time.Now}

	ctx      context.Context
	app      *fiber.App
	chats    *fiberchat.Chat
	store    *sqlstore.Store
	db       *sqlx.DB
	byTenant map[string]*fiberchat.Chat

	uuid, hookURL, uploads, text, msgID      string
	userID, buyerID, botID, aliceID, bobID   int64
	groupID, from                            int64
	tenants                                  []struct{ Name string }
	old struct {
		ID, From, To               int64
		FromName, ToName, Text     string
		SentAt                     time.Time
	}
)

type row struct {
	ID, From, To int64
	Text         string
}

type claims struct {
	ID        string
	UserID    int64
	ExpiresAt time.Time
}

type verdict struct {
	Forbidden bool
	Masked    string
}

func userByID(context.Context, int64) (u chat.User, err error)                { return }
func verifyJWT(string) (c claims, err error)                                  { return }
func identityOf(*fiber.Ctx) (i chat.Identity)                                 { return }
func requireUser(c *fiber.Ctx) error                                          { return c.Next() }
func friendsOf(context.Context, int64) (ids []int64)                          { return }
func membersOf(context.Context, int64) (ids []int64)                          { return }
func blocks(context.Context, int64, int64) (b bool, err error)                { return }
func classify(context.Context, string) (v verdict, err error)                 { return }
func sendPush(context.Context, int64, string, int) (err error)                { return }
func index(context.Context, int64, string) (err error)                        { return }
func answer(string) (s string)                                                { return }
func seal(string, string) (b []byte)                                          { return }
func publicKeyOf(context.Context, int64) (k string)                           { return }
func outbox(context.Context) (rows []row, err error)                          { return }
func deleteOutbox(context.Context, int64) (err error)                         { return }
func startSpan(c context.Context, _, _ string) (context.Context, func())      { return c, func() {} }
func moderate(context.Context, *chat.Message) (err error)                     { return }

func main() {}
`

var declared = regexp.MustCompile(`(?m)^(\w+(?:, \w+)*) := `)

// TestCookbook compiles each recipe, in a function of its own.
func TestCookbook(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("COOKBOOK.md")
	if err != nil {
		t.Fatal(err)
	}
	program := cookbookApp
	recipes := 0
	for _, section := range strings.Split(string(text), "\n## ")[1:] {
		title, rest, _ := strings.Cut(section, "\n")
		anchor := "](#" + strings.NewReplacer(" ", "-", "'", "").Replace(strings.ToLower(title)) + ")"
		if !strings.Contains(string(text), anchor) {
			t.Errorf("%q is not in the table, as %s", title, anchor)
		}
		_, code, ok := strings.Cut(rest, "```go\n")
		code, _, closed := strings.Cut(code, "```")
		if !ok || !closed {
			t.Errorf("%q has no code", title)
			continue
		}
		recipes++
		if n := strings.Count(code, "\n"); n > 20 {
			t.Errorf("%q has %d lines", title, n)
		}
		used := ""
		for _, names := range declared.FindAllStringSubmatch(code, -1) {
			for _, name := range strings.Split(names[1], ", ") {
				if name != "_" {
					used += "_ = " + name + "\n"
				}
			}
		}
		program += fmt.Sprintf("\n// %s\nfunc recipe%d() error {\n%s%sreturn nil\n}\n", title, recipes, code, used)
	}
	if recipes < 15 {
		t.Errorf("%d recipes", recipes)
	}
	file := filepath.Join(t.TempDir(), "cookbook.go")
	if err := os.WriteFile(file, []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	vet := exec.CommandContext(t.Context(), "go", "vet", file)
	vet.Dir = ".."
	if out, err := vet.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
