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
	// maxSpelling is how many bytes another spelling of a name may have: a
	// letter with three marks beside it takes nine.
	maxSpelling = 16 * maxName
	maxKey      = 36 * maxName // the most that folding makes of maxName
	maxFolds    = 8            // two are usual, and the second finds nothing to do

	// blanks are letters, marks and symbols to Unicode, and nothing to the eye.
	blanks = "\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\U00016fe4\U0001d159"
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

// checkShown holds for a display name too, which never gets into a
// destination. Joiners pass: words of several scripts and many emoji cannot be
// written without them.
func checkShown(name string) error {
	switch n := utf8.RuneCountInString(name); {
	case !utf8.ValidString(name):
		return fmt.Errorf("%w: not UTF-8", ErrBadName)
	case n == 0 || n > maxName:
		return fmt.Errorf("%w: want 1 to %d characters", ErrBadName, maxName)
	case strings.TrimSpace(name) != name:
		return fmt.Errorf("%w: space at the beginning or the end", ErrBadName)
	}
	for _, r := range name {
		if !unicode.IsGraphic(r) && !unicode.Is(unicode.Join_Control, r) || strings.ContainsRune(blanks, r) {
			return fmt.Errorf("%w: %U is not allowed", ErrBadName, r)
		}
	}
	if NameKey(name) == "" {
		return fmt.Errorf("%w: nothing to be seen", ErrBadName)
	}
	return nil
}

// NameKey is the form in which names are compared: one for all that differ in
// case, width, composition, white space or what is invisible alone. Letters of
// two scripts that look alike stay different. It has at most 2304 bytes, and it is empty for what can be nobody's name, such as a text of
// megabytes, one that is not UTF-8, or one with a NUL. Limit sign-ins by it.
func NameKey(name string) string {
	// Folding megabytes, which are easily sent to a sign-in, takes seconds and
	// grows them tenfold; and PostgreSQL refuses what is not UTF-8.
	if len(name) > maxSpelling || !utf8.ValidString(name) || strings.ContainsRune(name, 0) {
		return ""
	}
	// Where something invisible stood between a letter and its mark they
	// compose in the next round, and what they compose may fold once more.
	for range maxFolds {
		folded := foldName(name)
		if len(folded) > maxKey {
			return ""
		}
		if folded == name {
			return folded
		}
		name = folded
	}
	return "" // not seen with any name
}

func foldName(name string) string {
	folded := norm.NFKC.String(cases.Fold().String(norm.NFKC.String(name)))
	visible := strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Join_Control, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point) {
			return -1
		}
		return r
	}, folded)
	return strings.Join(strings.Fields(visible), " ")
}
