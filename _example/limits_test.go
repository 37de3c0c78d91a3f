package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/jmoiron/sqlx"
	"golang.org/x/crypto/argon2"

	"fiberchat.example/sqlstore"
)

func TestBuckets(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBuckets(10, time.Minute)
		for range 10 {
			if err := b.check("a"); err != nil {
				t.Fatal(err)
			}
			b.count("a")
		}
		if f := failureOf(b.check("a")); f.status != 429 || f.retryAfter != 6 {
			t.Errorf("the 11th: %+v", f)
		}
		if err := b.check("b"); err != nil {
			t.Errorf("another: %v", err)
		}
		time.Sleep(6 * time.Second)
		if err := b.check("a"); err != nil {
			t.Errorf("after 6 s: %v", err)
		}
		// What was under way when the last one was counted is paid for later.
		for range 10 {
			b.count("a")
		}
		if f := failureOf(b.check("a")); f.retryAfter != 60 {
			t.Errorf("with a debt: %+v", f)
		}
		time.Sleep(time.Hour)
		if err := b.check("a"); err != nil {
			t.Errorf("after an hour: %v", err)
		}
	})
}

func TestBucketsAreBounded(t *testing.T) {
	t.Parallel()
	b := newBuckets(1, time.Hour)
	for i := range 2 * maxBuckets {
		b.count(fmt.Sprint(i))
		b.check("0") //nolint:errcheck // what is asked for is kept
	}
	if n := b.kept.Len(); n != maxBuckets {
		t.Errorf("%d buckets, want %d", n, maxBuckets)
	}
	if b.check("0") == nil {
		t.Error("who comes all the time is forgotten")
	}
	var none *buckets
	none.count("a")
	if err := none.check("a"); err != nil {
		t.Error(err)
	}
}

// One address does not take all the room there is.
func TestCrowds(t *testing.T) {
	t.Parallel()
	c := newLimits(1, 1).crowds
	var leave func()
	for range maxCrowd {
		var err error
		if leave, err = c.enter("a"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.enter("a"); failureOf(err).status != 429 {
		t.Errorf("one more: %v", err)
	}
	if other, err := c.enter("b"); err != nil {
		t.Errorf("another: %v", err)
	} else {
		other()
	}
	leave()
	if _, err := c.enter("a"); err != nil {
		t.Errorf("after one has left: %v", err)
	}
	if len(c.here) != 1 {
		t.Errorf("%d addresses are kept, want 1", len(c.here))
	}
}

// site is the REST side in this process, with passwords that take no time.
type site struct {
	app   *fiber.App
	store *sqlstore.Store
	db    *sqlx.DB
}

func newSite(t *testing.T, l limits, people ...string) site {
	t.Helper()
	db, err := sqlx.Open("sqlite3", "file:"+filepath.Join(t.TempDir(), "chat.db")+"?_busy_timeout=10000&_journal_mode=WAL")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	store, err := sqlstore.New(db)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	salt := make([]byte, 16)
	b64 := base64.RawStdEncoding.EncodeToString
	stored := "$argon2id$v=19$m=8,t=1,p=1$" + b64(salt) + "$" + b64(argon2.IDKey([]byte(password), salt, 1, 8, 1, 32))
	for _, name := range people {
		db.MustExec("INSERT INTO fiberchat_users (name, name_key, display_name, password, created_at) VALUES (?, ?, ?, ?, 0)", name, sqlstore.NameKey(name), name, stored)
	}
	s := site{newApp("X-Real-IP", []string{"0.0.0.0"}), store, db} // the address of app.Test
	mountAccounts(s.app, store, nil, l)
	return s
}

// post sends body as JSON from an address.
func (s site) post(t *testing.T, path, from string, body any) reply {
	raw, err := json.Marshal(body)
	if err != nil {
		t.Error(err)
	}
	req := httptest.NewRequest(http.MethodPost, path, strings.NewReader(string(raw)))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Real-IP", from)
	return s.do(t, req)
}

func (s site) do(t *testing.T, req *http.Request) reply {
	res, err := s.app.Test(req, -1)
	if err != nil {
		t.Error(err)
		return reply{}
	}
	defer res.Body.Close()
	r := reply{status: res.StatusCode, header: res.Header}
	if err := json.NewDecoder(res.Body).Decode(&r); err != nil && req.Method != http.MethodHead {
		t.Errorf("%s %s: %v", req.Method, req.URL, err)
	}
	return r
}

func (s site) signIn(t *testing.T, from, name, passwd string) reply {
	return s.post(t, "/api/user/login", from, map[string]string{"uname": name, "passwd": passwd})
}

func (r reply) wantRefused(t *testing.T) {
	t.Helper()
	if r.status != 429 || r.Code != -400 || r.errorName() != "RateLimited" || r.header.Get("Retry-After") == "" {
		t.Errorf("%d %d %s %s, Retry-After %q, want 429", r.status, r.Code, r.Message, r.Content, r.header.Get("Retry-After"))
	}
}

// A school's computers share an address, and a lesson begins for all at once.
func TestClassSignsInAtOnce(t *testing.T) {
	t.Parallel()
	var people []string
	for i := range 100 {
		people = append(people, fmt.Sprint("pupil", i))
	}
	s := newSite(t, newLimits(50, 10), people...)
	var all sync.WaitGroup
	for _, name := range people {
		all.Go(func() { // awaited below
			if r := s.signIn(t, "192.0.2.1", name, password); r.status != 200 {
				t.Errorf("%s: %d %s", name, r.status, r.Message)
			}
		})
	}
	all.Wait()
}

func TestWrongPasswordsAreLimited(t *testing.T) {
	t.Parallel()
	s := newSite(t, newLimits(50, 10), "ada", "bob")
	for range 10 {
		if r := s.signIn(t, "192.0.2.1", "ada", "wrong one"); r.Code != -200 {
			t.Fatalf("got %+v", r)
		}
	}
	// From now on the right password does not help either, however it is typed.
	for _, name := range []string{"ada", "ADA", "a\u200dda", "ａｄａ"} {
		s.signIn(t, "192.0.2.1", name, password).wantRefused(t)
	}
	for from, name := range map[string]string{"192.0.2.1": "bob", "192.0.2.2": "ada"} {
		if r := s.signIn(t, from, name, password); r.status != 200 {
			t.Errorf("%s from %s: %d %s", name, from, r.status, r.Message)
		}
	}
	// By the address too, whatever the names. The strangers' passwords are
	// really hashed, so some come back meanwhile.
	for i := 0; s.signIn(t, "192.0.2.1", fmt.Sprint("stranger", i), "wrong one").status != 429; i++ {
		if i > 1000 {
			t.Fatal("no limit")
		}
	}
	// Nothing is hashed or looked up for who is refused: there is no store any more.
	s.signIn(t, "192.0.2.3", "ada", password)
	s.db.Close()
	s.signIn(t, "192.0.2.1", "ada", password).wantRefused(t)
	if r := s.signIn(t, "192.0.2.3", "ada", password); r.status != 500 {
		t.Errorf("from elsewhere: %d %s, want 500 of the closed database", r.status, r.Message)
	}
}

// What the server could not check is nobody's attempt.
func TestServersFaultIsNotCounted(t *testing.T) {
	t.Parallel()
	s := newSite(t, newLimits(50, 10), "ada")
	s.db.Close()
	for range 70 {
		if r := s.signIn(t, "192.0.2.1", "ada", password); r.status != 500 {
			t.Fatalf("got %+v", r)
		}
	}
}

func TestRightPasswordsAreLimited(t *testing.T) {
	t.Parallel()
	s := newSite(t, newLimits(50, 10), "ada", "bob")
	for i := 0; ; i++ {
		r := s.signIn(t, fmt.Sprintf("192.0.2.%d", i%10), "ada", password)
		if r.status == 429 && i >= 60 {
			r.wantRefused(t)
			break
		}
		if r.status != 200 || i > 1000 {
			t.Fatalf("sign-in %d: %d %s", i+1, r.status, r.Message)
		}
	}
	if r := s.signIn(t, "192.0.2.1", "bob", password); r.status != 200 {
		t.Errorf("bob: %d %s", r.status, r.Message)
	}
	var tokens int
	if err := s.db.Get(&tokens, "SELECT COUNT(*) FROM fiberchat_tokens"); err != nil || tokens > 65 {
		t.Errorf("%d tokens, %v", tokens, err)
	}
}

func TestSignUpsAreLimited(t *testing.T) {
	t.Parallel()
	s := newSite(t, newLimits(50, 3), "ada")
	create := func(from, name string) reply {
		return s.post(t, "/api/user/create", from, map[string]string{"uname": name, "passwd": password, "rpasswd": password})
	}
	for _, test := range []struct {
		name string
		want int
	}{{"a/b", 400}, {"one", 200}, {"ADA", 409}, {"two", 200}, {"ada", 409}, {"three", 200}} { // what is refused costs nothing
		if r := create("192.0.2.1", test.name); r.status != test.want {
			t.Errorf("%s: %d %s, want %d", test.name, r.status, r.Message, test.want)
		}
	}
	create("192.0.2.1", "four").wantRefused(t)
	if r := create("192.0.2.2", "five"); r.status != 200 {
		t.Errorf("from elsewhere: %d %s", r.status, r.Message)
	}
	// Who asks which names are taken is limited as who guesses passwords is.
	for i := 0; create("192.0.2.3", "ada").status != 429; i++ {
		if i > 1000 {
			t.Fatal("no limit")
		}
	}
	s.db.Close()
	create("192.0.2.1", "six").wantRefused(t)
	create("192.0.2.3", "six").wantRefused(t)
}

// What one user asks for is limited, and nobody else suffers.
func TestRequestsAreLimited(t *testing.T) {
	t.Parallel()
	s := newSite(t, newLimits(1, 10), "ada", "bob")
	get := func(name string) func() reply {
		var p person
		s.signIn(t, "192.0.2.1", name, password).decode(t, &p)
		return func() reply {
			req := httptest.NewRequest(http.MethodGet, "/api/user/list", nil)
			req.Header.Set("Authorization", "Bearer "+p.Secret)
			return s.do(t, req)
		}
	}
	ada, ada2, bob := get("ada"), get("ada"), get("bob")
	var r reply
	for i := 0; r.status != 429; i++ {
		if r = ada(); i > 1000 {
			t.Fatal("no limit")
		}
	}
	r.wantRefused(t)
	for i := 0; r.status != 429; i++ {
		if r = ada2(); i > 1000 {
			t.Fatal("another token of hers is not limited")
		}
	}
	if r := bob(); r.status != 200 {
		t.Errorf("bob: %d %s", r.status, r.Message)
	}
}

func TestAddressOf(t *testing.T) {
	t.Parallel()
	type headers map[string]string
	for name, test := range map[string]struct {
		header, proxies string
		sent            headers
		want            string
	}{
		"no proxy":                           {"", privateNetworks, headers{"X-Real-IP": "203.0.113.9", "X-Forwarded-For": "203.0.113.9"}, "0.0.0.0"},
		"proxy's header":                     {"X-Real-IP", "0.0.0.0", headers{"X-Real-IP": "203.0.113.9", "X-Forwarded-For": "6.6.6.1, 203.0.113.9"}, "203.0.113.9"},
		"not from the proxy":                 {"X-Real-IP", privateNetworks, headers{"X-Real-IP": "203.0.113.9"}, "0.0.0.0"},
		"header missing":                     {"X-Real-IP", "0.0.0.0", nil, "0.0.0.0"},
		"no address":                         {"X-Real-IP", "0.0.0.0", headers{"X-Real-IP": strings.Repeat("x", 9000)}, "0.0.0.0"},
		"a list, whose head the client sent": {"X-Forwarded-For", "0.0.0.0", headers{"X-Forwarded-For": "6.6.6.1, 203.0.113.9"}, "0.0.0.0"},
		"IPv6, one customer":                 {"X-Real-IP", "0.0.0.0", headers{"X-Real-IP": "2001:db8:1:2:3:4:5:6"}, "2001:db8:1:2::/64"},
		"IPv6 of a link":                     {"X-Real-IP", "0.0.0.0", headers{"X-Real-IP": "fe80::1%eth0"}, "fe80::/64"},
		"IPv4 as IPv6":                       {"X-Real-IP", "0.0.0.0", headers{"X-Real-IP": "::ffff:203.0.113.9"}, "203.0.113.9"},
	} {
		proxies, err := parseProxies(test.proxies)
		if err != nil {
			t.Fatal(err)
		}
		app := newApp(test.header, proxies)
		app.Get("/", func(c *fiber.Ctx) error { return c.SendString(addressOf(c)) })
		req := httptest.NewRequest(http.MethodGet, "/", nil)
		for header, value := range test.sent {
			req.Header.Set(header, value)
		}
		res, err := app.Test(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if got, err := io.ReadAll(res.Body); err != nil || string(got) != test.want {
			t.Errorf("%s: %q, %v, want %q", name, got, err, test.want)
		}
	}
}

// Behind a proxy its clients are counted apart, and what one of them writes
// into headers of its own does not make it another.
func TestClientsBehindAProxy(t *testing.T) {
	t.Parallel()
	s := start(t, "-proxy-header", "X-Real-IP")
	signUp(t, s, "ada")
	signIn := func(from, claimed, passwd string) int {
		req, err := http.NewRequest(http.MethodPost, s.url+"/api/user/login", strings.NewReader(fmt.Sprintf(`{"uname":"ada","passwd":%q}`, passwd)))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("X-Real-IP", from) // as nginx overwrites it
		req.Header.Set("X-Forwarded-For", claimed+", "+from)
		req.Header.Set("Forwarded", "for="+claimed)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		return res.StatusCode
	}
	for i := 0; signIn("203.0.113.1", fmt.Sprint("6.6.6.", i), "wrong one") != 429; i++ {
		if i > 200 {
			t.Fatal("no limit")
		}
	}
	if status := signIn("203.0.113.2", "203.0.113.1", password); status != 200 {
		t.Errorf("another client: status %d", status)
	}
}

func TestSignUpsAreLimitedByDefault(t *testing.T) {
	t.Parallel()
	s := start(t)
	create := func(i int) reply {
		return call(t, s, "POST", "/api/user/create", "", map[string]string{"uname": fmt.Sprint("user", i), "passwd": password, "rpasswd": password})
	}
	for i := range 10 {
		if r := create(i); r.status != 200 {
			t.Fatalf("account %d: %d %s", i+1, r.status, r.Message)
		}
	}
	create(10).wantRefused(t)
}
