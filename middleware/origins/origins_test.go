package origins

import (
	"slices"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		entries []string
		want    List // nil is any
	}{
		{nil, nil},
		{[]string{"*"}, nil},
		{[]string{"https://a.example", "*"}, nil},
		{[]string{"https://A.example/", "null", "file://"}, List{"https://a.example", "null", "file://"}},
		{[]string{"http://localhost:3000", "http://[::1]", "HTTP://127.0.0.1"}, List{"http://localhost:3000", "http://[::1]", "http://127.0.0.1"}},
		{[]string{"https://*.Example.com", "https://*.example.com:8443", "http://*.localhost"}, List{"https://*.example.com", "https://*.example.com:8443", "http://*.localhost"}},
		{[]string{"capacitor://localhost", "chrome-extension://abcdefgh", "https://xn--bcher-kva.example", "https://a.example:80"}, List{"capacitor://localhost", "chrome-extension://abcdefgh", "https://xn--bcher-kva.example", "https://a.example:80"}},
	} {
		got, err := Parse(c.entries)
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%q: got %q, %v, want %q", c.entries, got, err, c.want)
		}
	}
}

func TestParseRefusesWhatCanNeverMatch(t *testing.T) {
	t.Parallel()
	for _, entry := range []string{
		"", " ", "example.com", "*.example.com", "//example.com", "https:example.com", "https://", "https:///", "example.com:8080", "localhost:3000",
		"https://example.com/app", "https://example.com//", "https://example.com/*", "https://example.com?", "https://example.com?a", "https://example.com/#", "https://me@example.com",
		" https://example.com", "https://example.com ", "https://exa mple.com", "https://a.example,https://b.example", "https://a.example, https://b.example",
		"https://example.com:443", "http://example.com:80", "https://*.example.com:443", "https://example.com:", "https://example.com:port",
		"https://*", "https://*.", "https://*.*.example.com", "https://a.*.example.com", "https://*example.com", "https://example.*", "https://*..com", "*://example.com", "https://example.com:*",
		"https://bücher.example", "https://example.com\n", "NULL", "file:///",
	} {
		if list, err := Parse([]string{"https://good.example", entry}); err == nil {
			t.Errorf("%q was taken: %q", entry, list)
		} else if !strings.Contains(err.Error(), "matches no origin") {
			t.Errorf("%q: %v", entry, err)
		}
	}
}

func TestAllows(t *testing.T) {
	t.Parallel()
	list, err := Parse([]string{"https://page.example", "https://*.example.com", "http://*.local:8080", "null"})
	if err != nil {
		t.Fatal(err)
	}
	for origin, want := range map[string]bool{
		"https://page.example": true, "HTTPS://Page.Example": true, "null": true,
		"https://a.example.com": true, "https://a.b.example.com": true, "https://A.EXAMPLE.com": true, "http://x.local:8080": true,
		"": false, "https://page.example/": false, "http://page.example": false, "https://page.example:8443": false, "https://page.example.evil": false,
		"https://example.com": false, "https://.example.com": false, "http://a.example.com": false, "https://a.example.com:8443": false,
		"https://a.example.com.evil": false, "https://aexample.com": false, "https://evil/.example.com": false, "https://evil@a.example.com": false,
		"https://evil:1.example.com": false, "https://evil#.example.com": false, "http://x.local": false, "https://x.local:8080": false, "*": false, "https://*.example.com/": false,
	} {
		if list.Allows(origin) != want {
			t.Errorf("%q: allowed %v, want %v", origin, !want, want)
		}
	}
	for _, origin := range []string{"", "null", "https://anybody.example"} {
		if !List(nil).Allows(origin) {
			t.Errorf("%q is not any", origin)
		}
	}
}

// FuzzParse: what is taken can be matched, a pattern by its sub-domains and not by its own spelling alone.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"https://a.example", "https://*.example.com:8443", "null", "*", "http://[::1]:1", "file://", "a://*.b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, entry string) {
		list, err := Parse([]string{entry})
		if err != nil || list == nil {
			return
		}
		origin := strings.Replace(list[0], "*", "any", 1)
		if !list.Allows(origin) || !list.Allows(strings.ToUpper(origin)) {
			t.Errorf("%q is %q and does not match %q", entry, list, origin)
		}
		again, err := Parse(list)
		if err != nil || !slices.Equal(again, list) {
			t.Errorf("%q is %q, and that %q, %v", entry, list, again, err)
		}
	})
}
