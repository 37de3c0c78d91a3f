package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"flag"
	"fmt"
	"html"
	"io/fs"
	"net/url"
	"path"
	"strings"

	"github.com/gofiber/fiber/v2"
)

//go:embed web
var webFiles embed.FS

// cdn is where the page finds the official client libraries when its switch
// asks for them. Set by the flag, before mountPage.
var cdn = "https://cdn.jsdelivr.net/npm"

// sockjsIntegrity is the hash of sockjs-client 1.6.1, dist/sockjs.min.js.
const sockjsIntegrity = "sha384-svdnwiXBL+Js+yUneJSRFy24NgGiOfDM/vkQl/vCeVrcbYD6yW8EwPr1FnxTEZsR"

func init() {
	flag.Func("cdn", "`URL` below which the page finds sockjs-client and @stomp/stompjs, as npm names them (default "+cdn+")", func(value string) error {
		u, err := url.Parse(value)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || strings.ContainsAny(value, " ;,'\"") {
			return fmt.Errorf("want an http or https URL")
		}
		cdn = strings.TrimSuffix(value, "/")
		return nil
	})
}

var contentTypes = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".ts":   "text/plain; charset=utf-8",
	".svg":  "image/svg+xml",
	".json": "application/json",
}

// mountPage serves the page at the router's root, and the files it is made
// of beside it.
func mountPage(router fiber.Router) {
	policy := contentPolicy()
	err := fs.WalkDir(webFiles, "web", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		body, err := webFiles.ReadFile(name)
		if err != nil {
			return err
		}
		at := strings.TrimPrefix(name, "web")
		if at == "/index.html" {
			body = bytes.ReplaceAll(body, []byte("{{cdn}}"), []byte(html.EscapeString(cdn)))
			router.Get("/", withSlash, newPageFile(name, body, policy).serve)
			return nil
		}
		router.Get(at, newPageFile(name, body, policy).serve)
		return nil
	})
	if err != nil {
		panic(fmt.Sprintf("web files: %v", err)) // they are in the binary: this cannot fail later
	}
}

// withSlash sends /Mimi to /Mimi/: the page's addresses are relative to it.
func withSlash(c *fiber.Ctx) error {
	if c.Path() != "" && !strings.HasSuffix(c.Path(), "/") {
		// Relative, because a whole address would be of a host that a header names.
		return c.Redirect("./"+path.Base(c.Path())+"/", fiber.StatusPermanentRedirect)
	}
	return c.Next()
}

// contentPolicy lets the page load its own files, and the two libraries from
// the CDN. Frames, forms and scripts of our own origin are what SockJS needs
// for its iframe and JSONP transports.
func contentPolicy() string {
	return strings.Join([]string{
		"default-src 'none'",
		"script-src 'self' " + cdn + "/sockjs-client@1.6.1/ " + cdn + "/@stomp/stompjs@7.5.0/",
		"style-src 'self'",
		"img-src 'self' data:",
		"connect-src 'self'",
		"frame-src 'self'",
		"form-action 'self'",
		"base-uri 'none'",
		"frame-ancestors 'none'",
	}, "; ")
}

// pageFile is one file as it goes out, compressed once.
type pageFile struct {
	contentType, policy string
	etag, gzippedETag   string
	body, gzipped       []byte
}

func newPageFile(name string, body []byte, policy string) *pageFile {
	var packed bytes.Buffer
	w, _ := gzip.NewWriterLevel(&packed, gzip.BestCompression) // the level is valid
	_, _ = w.Write(body)                                       // a bytes.Buffer takes everything
	w.Close()
	sum := sha256.Sum256(body)
	tag := hex.EncodeToString(sum[:8])
	return &pageFile{
		contentType: contentTypes[path.Ext(name)],
		policy:      policy,
		etag:        `"` + tag + `"`,
		gzippedETag: `"` + tag + `-gzip"`,
		body:        body,
		gzipped:     packed.Bytes(),
	}
}

func (f *pageFile) serve(c *fiber.Ctx) error {
	c.Set(fiber.HeaderContentSecurityPolicy, f.policy)
	c.Set(fiber.HeaderReferrerPolicy, "no-referrer")
	c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	c.Set(fiber.HeaderCacheControl, "no-cache") // kept, but asked for each time: an ETag costs little
	c.Vary(fiber.HeaderAcceptEncoding)
	body, etag := f.body, f.etag
	// Fiber takes a missing header for "anything"; who sends none wants it plain.
	if c.Get(fiber.HeaderAcceptEncoding) != "" && c.AcceptsEncodings("gzip") == "gzip" {
		body, etag = f.gzipped, f.gzippedETag
	}
	c.Set(fiber.HeaderETag, etag)
	if strings.Contains(c.Get(fiber.HeaderIfNoneMatch), etag) {
		return c.SendStatus(fiber.StatusNotModified)
	}
	if etag == f.gzippedETag {
		c.Set(fiber.HeaderContentEncoding, "gzip")
	}
	c.Set(fiber.HeaderContentType, f.contentType)
	return c.Send(body)
}
