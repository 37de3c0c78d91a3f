// Package origins is the one meaning that AllowOrigins has in fiberchat.Config
// and middleware.Config.
package origins

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// List is a list of origins as browsers send them, in lower case, and of
// patterns for all sub-domains ("https://*.example.com"). None is any.
type List []string

// Parse checks a list and brings it into the form that browsers send. "*"
// anywhere in it is any. The error names an entry that no browser's Origin can
// be like.
func Parse(entries []string) (List, error) {
	list := make(List, len(entries))
	for i, entry := range entries {
		var err error
		if list[i], err = parse(entry); err != nil {
			return nil, fmt.Errorf("%q matches no origin: %w", entry, err)
		}
	}
	if len(list) == 0 || slices.Contains(list, "*") {
		return nil, nil
	}
	return list, nil
}

func parse(entry string) (string, error) {
	switch entry {
	case "*", "null", "file://": // the last is what old Android WebViews send
		return entry, nil
	}
	u, err := url.Parse(strings.ToLower(entry))
	if err != nil || u.Scheme == "" || u.Hostname() == "" {
		return "", errors.New(`want scheme://host or scheme://host:port, such as "https://example.com"`)
	}
	if u.User != nil || strings.Trim(u.Path, "/") != "" || strings.HasPrefix(u.Path, "//") || strings.ContainsAny(entry, "?#") {
		return "", errors.New("an origin ends with its host or port")
	}
	rest := strings.TrimPrefix(u.Host, "*.")
	if strings.Contains(rest, "*") || strings.HasPrefix(rest, ".") || rest == "" {
		return "", errors.New(`a * may only stand for sub-domains, as in "https://*.example.com"`)
	}
	if u.Scheme == "http" && u.Port() == "80" || u.Scheme == "https" && u.Port() == "443" || strings.HasSuffix(u.Host, ":") {
		return "", errors.New("browsers leave the default port out")
	}
	if strings.ContainsFunc(rest, func(r rune) bool { return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789-_.:[]", r) }) {
		return "", errors.New("want the host as browsers spell it, in ASCII (xn--...)")
	}
	return u.Scheme + "://" + u.Host, nil
}

// Allows reports whether origin, as it stands in a request, is listed.
func (l List) Allows(origin string) bool {
	if len(l) == 0 {
		return true
	}
	origin = strings.ToLower(origin)
	return slices.ContainsFunc(l, func(listed string) bool {
		scheme, domain, pattern := strings.Cut(listed, "*")
		if !pattern {
			return listed == origin
		}
		name, hasScheme := strings.CutPrefix(origin, scheme)
		name, hasDomain := strings.CutSuffix(name, domain)
		// The name is nothing but a name, whatever a request may hold.
		return hasScheme && hasDomain && name != "" && !strings.ContainsAny(name, "/:@?#\\")
	})
}
