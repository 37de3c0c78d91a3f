package main

import (
	"compress/gzip"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"
)

func pageApp(prefix string) *fiber.App {
	app := fiber.New()
	mountPage(app.Group(prefix))
	return app
}

func getPage(t *testing.T, app *fiber.App, target string, headers ...string) (*http.Response, string) {
	t.Helper()
	req := httptest.NewRequest(http.MethodGet, target, nil)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := app.Test(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(body)
}

func TestPageIsServedWithItsPolicy(t *testing.T) {
	t.Parallel()
	res, body := getPage(t, pageApp(""), "/")
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Fatalf("got %d %q", res.StatusCode, res.Header.Get("Content-Type"))
	}
	policy := res.Header.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "script-src 'self' https://cdn.jsdelivr.net/npm/sockjs-client@1.6.1/", "frame-ancestors 'none'"} {
		if !strings.Contains(policy, want) {
			t.Errorf("policy %q lacks %q", policy, want)
		}
	}
	if strings.Contains(policy, "unsafe") {
		t.Errorf("policy %q allows what is unsafe", policy)
	}
	if res.Header.Get("Referrer-Policy") != "no-referrer" || res.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("headers %v", res.Header)
	}
	if !strings.Contains(body, `content="https://cdn.jsdelivr.net/npm"`) || strings.Contains(body, "{{") {
		t.Error("the CDN is not filled in")
	}
	if regexp.MustCompile(`<script[^>]*>[^<]|<style|\sstyle=|\son\w+=`).MatchString(body) {
		t.Error("something inline, which the policy forbids")
	}
}

// Every file of the page is in the binary, has a type, and is named by
// nothing that is missing.
func TestPageFilesAreComplete(t *testing.T) {
	t.Parallel()
	app := pageApp("")
	_, index := getPage(t, app, "/")
	for _, match := range regexp.MustCompile(`(?:href|src)="([^"]+)"`).FindAllStringSubmatch(index, -1) {
		if res, _ := getPage(t, app, "/"+match[1]); res.StatusCode != 200 {
			t.Errorf("%s: %d", match[1], res.StatusCode)
		}
	}
	err := fs.WalkDir(webFiles, "web", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && contentTypes[path.Ext(name)] == "" {
			t.Errorf("%s has no content type", name)
		}
		module := path.Ext(name) == ".js" && name != "web/app/main.js"
		if module && !strings.Contains(index, `modulepreload" href="`+strings.TrimPrefix(name, "web/")+`"`) {
			t.Errorf("%s is not preloaded: a round trip more before the first paint", name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestPageIsCompressedAndRevalidated(t *testing.T) {
	t.Parallel()
	app := pageApp("")
	plain, body := getPage(t, app, "/app/main.js")
	packed, small := getPage(t, app, "/app/main.js", "Accept-Encoding", "gzip")
	if plain.Header.Get("Content-Encoding") != "" || packed.Header.Get("Content-Encoding") != "gzip" || packed.Header.Get("Vary") != "Accept-Encoding" {
		t.Fatalf("headers %v and %v", plain.Header, packed.Header)
	}
	r, err := gzip.NewReader(strings.NewReader(small))
	if err != nil {
		t.Fatal(err)
	}
	if unpacked, err := io.ReadAll(r); err != nil || string(unpacked) != body {
		t.Errorf("what is compressed is another file (%v)", err)
	}
	if plain.Header.Get("ETag") == packed.Header.Get("ETag") {
		t.Error("two representations, one ETag")
	}
	again, body := getPage(t, app, "/app/main.js", "If-None-Match", plain.Header.Get("ETag"))
	if again.StatusCode != 304 || body != "" {
		t.Errorf("known file: %d with %d octets", again.StatusCode, len(body))
	}
}

func TestPageBelowAPrefix(t *testing.T) {
	t.Parallel()
	app := pageApp("/Mimi")
	// To the host that was asked, whichever a header names.
	res, _ := getPage(t, app, "/Mimi", "X-Forwarded-Host", "evil.example", "Host", "evil.example")
	to, err := (&url.URL{Scheme: "https", Host: "chat.example", Path: "/Mimi"}).Parse(res.Header.Get("Location"))
	if res.StatusCode != 308 || err != nil || to.String() != "https://chat.example/Mimi/" {
		t.Errorf("without slash: %d to %q", res.StatusCode, res.Header.Get("Location"))
	}
	for _, target := range []string{"/Mimi/", "/Mimi/app/main.js"} {
		if res, _ := getPage(t, app, target); res.StatusCode != 200 {
			t.Errorf("%s: %d", target, res.StatusCode)
		}
	}
}
