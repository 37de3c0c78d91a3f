package sqlstore

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// ErrBadName: a user name or display name that cannot be taken; the wrapping
// error says why in words fit for the user.
var ErrBadName = errors.New("sqlstore: name not valid")

const (
	maxName = 64 // characters
	// maxSpelling is how many octets another spelling of a name may have: a
	// letter with three marks beside it takes nine.
	maxSpelling = 16 * maxName
)

// checkName refuses what cannot be part of a STOMP destination or header, and
// what cannot be seen.
func checkName(name string) error {
	if err := checkShown(name); err != nil {
		return err
	}
	if strings.ContainsAny(name, `/\:`) {
		return fmt.Errorf(`%w: / \ and : are not allowed`, ErrBadName)
	}
	return nil
}

// checkShown holds for a display name too, which never gets into a destination.
func checkShown(name string) error {
	switch n := utf8.RuneCountInString(name); {
	case !utf8.ValidString(name):
		return fmt.Errorf("%w: not UTF-8", ErrBadName)
	case n == 0 || n > maxName:
		return fmt.Errorf("%w: want 1 to %d characters", ErrBadName, maxName)
	case strings.TrimSpace(name) != name:
		return fmt.Errorf("%w: space at the beginning or the end", ErrBadName)
	case nameKey(name) == "":
		return fmt.Errorf("%w: nothing to be seen", ErrBadName)
	}
	for _, r := range name {
		if !unicode.IsGraphic(r) {
			return fmt.Errorf("%w: %U is not allowed", ErrBadName, r)
		}
	}
	return nil
}

// nameKey is the form in which names are compared: two names that read the
// same, but for case, width, composition or what is invisible, are one. It is
// empty for what can be nobody's name: folding a text of megabytes, which is
// easily sent to a sign-in, takes seconds and grows it tenfold.
func nameKey(name string) string {
	if len(name) > maxSpelling {
		return ""
	}
	folded := norm.NFKC.String(cases.Fold().String(norm.NFKC.String(name)))
	visible := strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point) {
			return -1
		}
		return r
	}, folded)
	return strings.Join(strings.Fields(visible), " ")
}
