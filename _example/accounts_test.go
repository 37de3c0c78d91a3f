package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// reply is a REST answer.
type reply struct {
	status  int
	header  http.Header
	Code    int
	Message string
	Content json.RawMessage
}

// errorName is content.error of a failure.
func (r reply) errorName() string {
	var content struct{ Error string }
	json.Unmarshal(r.Content, &content) // anything else has no error
	return content.Error
}

// call sends body as JSON, url.Values as a form, a string as it is.
func call(t *testing.T, s *server, method, path, secret string, body any) reply {
	t.Helper()
	var in io.Reader
	contentType := "application/json"
	switch b := body.(type) {
	case nil:
	case string:
		in = strings.NewReader(b)
	case url.Values:
		in, contentType = strings.NewReader(b.Encode()), "application/x-www-form-urlencoded"
	default:
		raw, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		in = bytes.NewReader(raw)
	}
	req, err := http.NewRequest(method, s.url+path, in)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	if secret != "" {
		req.Header.Set("Authorization", "Bearer "+secret)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	r := reply{status: res.StatusCode, header: res.Header}
	if method == "HEAD" {
		return r
	}
	if err := json.NewDecoder(res.Body).Decode(&r); err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return r
}

func (r reply) decode(t *testing.T, into any) {
	t.Helper()
	if r.status != 200 || r.Code != 200 {
		t.Fatalf("status %d, code %d, %s %s", r.status, r.Code, r.Message, r.Content)
	}
	if err := json.Unmarshal(r.Content, into); err != nil {
		t.Fatalf("%s: %v", r.Content, err)
	}
}

// person is a signed-in user.
type person struct {
	Secret             string
	User               user
	TmCreate, TmExpire int64
}

const password = "correct horse"

func signUp(t *testing.T, s *server, name string) person {
	t.Helper()
	var created user
	call(t, s, "POST", "/api/user/create", "", map[string]string{"uname": name, "nname": "the " + name, "passwd": password, "rpasswd": password}).decode(t, &created)
	p := signIn(t, s, name)
	if p.User != created || created.UID <= 0 || created.Uname != name {
		t.Errorf("created %+v, signed in %+v", created, p.User)
	}
	return p
}

func signIn(t *testing.T, s *server, name string) person {
	t.Helper()
	var p person
	call(t, s, "POST", "/api/user/login", "", url.Values{"uname": {name}, "passwd": {password}}).decode(t, &p)
	now := time.Now().UnixMilli()
	if p.Secret == "" || p.TmCreate > now || p.TmExpire <= now {
		t.Errorf("signed in: %+v", p)
	}
	return p
}

func TestAccounts(t *testing.T) {
	t.Parallel()
	s := start(t)
	ada, bob := signUp(t, s, "ada"), signUp(t, s, "小明")

	var me, other user
	call(t, s, "GET", "/api/user/me", ada.Secret, nil).decode(t, &me)
	call(t, s, "GET", "/api/user/profile/"+url.PathEscape("小明"), ada.Secret, nil).decode(t, &other)
	if me != ada.User || other != bob.User {
		t.Errorf("me %+v, want %+v; other %+v, want %+v", me, ada.User, other, bob.User)
	}

	for query, want := range map[string][]user{
		"":                                     {ada.User, bob.User},
		"?limit=1":                             {ada.User},
		"?limit=0":                             {},
		fmt.Sprintf("?after=%d", me.UID):       {bob.User},
		fmt.Sprintf("?after=%d", bob.User.UID): {},
	} {
		var got []user
		call(t, s, "GET", "/api/user/list"+query, ada.Secret, nil).decode(t, &got)
		if fmt.Sprint(got) != fmt.Sprint(want) || got == nil {
			t.Errorf("list%s: %v, want %v", query, got, want)
		}
	}

	again := signIn(t, s, "ada")
	if r := call(t, s, "POST", "/api/user/logout", ada.Secret, nil); r.Code != 200 {
		t.Errorf("logout: %+v", r)
	}
	if r := call(t, s, "GET", "/api/user/me", ada.Secret, nil); r.Code != -200 {
		t.Errorf("after logout: %+v", r)
	}
	if r := call(t, s, "GET", "/api/user/me", again.Secret, nil); r.Code != 200 {
		t.Errorf("the other token went with it: %+v", r)
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	s := start(t)
	ada := signUp(t, s, "ada")
	type form = map[string]string
	for _, test := range []struct {
		method, path, secret string
		body                 any
		status, code         int
		name                 string
	}{
		{"POST", "/api/user/create", "", form{"uname": "bob", "passwd": "secret1", "rpasswd": "secret2"}, 400, -401, "PasswordMismatch"},
		{"POST", "/api/user/create", "", form{"uname": "bob", "passwd": "secret1"}, 400, -401, "MissingField"},
		{"POST", "/api/user/create", "", form{"passwd": "secret1", "rpasswd": "secret1"}, 400, -401, "MissingField"},
		{"POST", "/api/user/create", "", form{"uname": "bob", "passwd": "short", "rpasswd": "short"}, 400, -401, "BadField"},
		{"POST", "/api/user/create", "", form{"uname": "a/b", "passwd": "secret1", "rpasswd": "secret1"}, 400, -401, "BadField"},
		{"POST", "/api/user/create", "", form{"uname": strings.Repeat("名", 65), "passwd": "secret1", "rpasswd": "secret1"}, 400, -401, "BadField"},
		{"POST", "/api/user/create", "", url.Values{"uname": {"ADA"}, "passwd": {"secret1"}, "rpasswd": {"secret1"}}, 409, -401, "NameTaken"},
		{"POST", "/api/user/create", "", `{"uname":`, 400, -401, "BadJSON"},
		{"POST", "/api/user/create", "", `{"uname":1,"passwd":2,"rpasswd":2}`, 400, -401, "BadJSON"},
		{"POST", "/api/user/create", "", "", 400, -401, "BadJSON"},
		{"POST", "/api/user/login", "", form{"uname": "ada", "passwd": "wrong"}, 401, -200, "Unauthorized"},
		{"POST", "/api/user/login", "", form{"uname": "nobody", "passwd": password}, 401, -200, "Unauthorized"},
		{"POST", "/api/user/login", "", form{"uname": "ada"}, 400, -401, "MissingField"},
		{"POST", "/api/user/logout", "", nil, 401, -200, "Unauthorized"},
		{"GET", "/api/user/me", "nonsense", nil, 401, -200, "Unauthorized"},
		{"GET", "/api/user/list", "", nil, 401, -200, "Unauthorized"},
		{"GET", "/api/user/profile/ada", "", nil, 401, -200, "Unauthorized"},
		{"GET", "/api/chat/history?with=1", "", nil, 401, -200, "Unauthorized"},
		{"GET", "/api/user/profile/nobody", ada.Secret, nil, 404, -404, "UserNotFound"},
		{"GET", "/api/user/profile/%25zz", ada.Secret, nil, 404, -404, "UserNotFound"},
		{"GET", "/api/user/list?limit=-1", ada.Secret, nil, 400, -401, "BadField"},
		{"GET", "/api/user/list?after=x", ada.Secret, nil, 400, -401, "BadField"},
		{"GET", "/api/chat/history", ada.Secret, nil, 400, -401, "MissingField"},
		{"GET", "/api/chat/history?with=bob", ada.Secret, nil, 400, -401, "BadField"},
		{"GET", "/api/chat/history?with=1&before=99999999999999999999", ada.Secret, nil, 400, -401, "BadField"},
		{"HEAD", "/api/chat/history?with=1", ada.Secret, nil, 404, 0, ""},
		{"HEAD", "/api/user/me", ada.Secret, nil, 404, 0, ""},
		{"POST", "/api/user/login", "", url.Values{"uname": {"ada"}, "passwd": {password}, "x": {strings.Repeat("x", maxBody)}}, 413, -400, "TooLarge"},
		{"POST", "/api/user/create", "", form{"uname": strings.Repeat("x", maxBody)}, 413, -400, "TooLarge"},
		{"POST", "/api/user/create", "", strings.Repeat(" ", 100<<10), 413, -400, "TooLarge"},
		{"GET", "/api/user/login", "", nil, 404, -404, "NoSuchDestination"},
		{"POST", "/api", "", nil, 404, -404, "NoSuchDestination"},
	} {
		r := call(t, s, test.method, test.path, test.secret, test.body)
		if r.status != test.status || r.Code != test.code || r.errorName() != test.name || r.Message == "" && test.method != "HEAD" {
			t.Errorf("%s %s %v: %d %d %q %s, want %d %d %s", test.method, test.path, test.body,
				r.status, r.Code, r.Message, r.Content, test.status, test.code, test.name)
		}
		if strings.Contains(r.Message, "sqlstore") || strings.Contains(r.Message, "\n") {
			t.Errorf("%s %s: message %q", test.method, test.path, r.Message)
		}
		if r.header.Get("Cache-Control") != "no-store" || r.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s %s: headers %v", test.method, test.path, r.header)
		}
	}
}

// 400 KiB that unpack to 400 MiB took the server 2 GiB.
func TestPackedBodyStaysPacked(t *testing.T) {
	t.Parallel()
	s := start(t)
	signUp(t, s, "ada")
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	fmt.Fprintf(w, `{"uname":"ada","passwd":%q}`, password)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequest("POST", s.url+"/api/user/login", &packed)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Content-Encoding", "gzip")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != 400 {
		t.Errorf("status %d, want 400", res.StatusCode)
	}
}

func TestNoLimitsWithRateZero(t *testing.T) {
	t.Parallel()
	s := start(t, "-rate", "0")
	signUp(t, s, "ada")
	for range 12 {
		if r := call(t, s, "POST", "/api/user/login", "", map[string]string{"uname": "ada", "passwd": "wrong one"}); r.Code != -200 {
			t.Fatalf("got %+v", r)
		}
	}
	signIn(t, s, "ada")
}
