package sqlstore

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"
)

var (
	// ErrBadPassword: shorter than 6 characters, or longer than 1024 bytes, both
	// counted in Unicode's form NFKC.
	ErrBadPassword = errors.New("sqlstore: password must have at least 6 characters and at most 1024 bytes")
	// ErrBusy: too many passwords are being checked; try again later.
	ErrBusy = errors.New("sqlstore: too many sign-ins at once")
)

// OWASP's parameters for argon2id. Memory stays below maxHashing times 19 MiB.
const (
	argonTime    = 2
	argonMemory  = 19 << 10 // KiB
	argonThreads = 1
	argonSalt    = 16
	argonKey     = 32

	maxPassword = 1024            // bytes, composed
	maxTyped    = 4 * maxPassword // decomposed letters take up to three times as many

	// At once, and waiting for it: a class signs in within hashingWait.
	maxHashing   = 2
	maxSigningIn = 256
	maxSignUps   = 1 // of maxHashing, so that a flood of sign-ups keeps nobody from signing in
	maxSigningUp = 16
	hashingWait  = 30 * time.Second
)

// nobodysPassword is checked where there is no such user, so that the answer
// takes as long as for one that exists.
var nobodysPassword = formatPassword(make([]byte, argonSalt), make([]byte, argonKey))

func checkPassword(password string) error {
	if len(password) > maxTyped {
		return ErrBadPassword
	}
	password = composed(password)
	if utf8.RuneCountInString(password) < 6 || len(password) > maxPassword {
		return ErrBadPassword
	}
	return nil
}

// composed is the form in which passwords are hashed, as NIST SP 800-63B asks
// for: one keyboard sends ü, another u with two dots.
func composed(password string) string { return norm.NFKC.String(password) }

// hashPassword returns a PHC string.
func (s *Store) hashPassword(ctx context.Context, password string) (string, error) {
	salt := make([]byte, argonSalt)
	rand.Read(salt) // never fails
	leave, err := s.signUps.enter(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	key, err := s.argon(ctx, composed(password), salt, argonTime, argonMemory, argonThreads, argonKey)
	if err != nil {
		return "", err
	}
	return formatPassword(salt, key), nil
}

func formatPassword(salt, key []byte) string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version,
		argonMemory, argonTime, argonThreads, b64.EncodeToString(salt), b64.EncodeToString(key))
}

// samePassword reports whether password is the one that stored was made from.
func (s *Store) samePassword(ctx context.Context, password, stored string) (bool, error) {
	var version, memory, times int
	var threads uint8
	var salt, key []byte
	err := errors.New("not a PHC string")
	if part := strings.Split(stored, "$"); len(part) == 6 && part[1] == "argon2id" {
		_, versionErr := fmt.Sscanf(part[2], "v=%d", &version)
		_, costErr := fmt.Sscanf(part[3], "m=%d,t=%d,p=%d", &memory, &times, &threads)
		var saltErr, keyErr error
		salt, saltErr = base64.RawStdEncoding.DecodeString(part[4])
		key, keyErr = base64.RawStdEncoding.DecodeString(part[5])
		err = errors.Join(versionErr, costErr, saltErr, keyErr)
	}
	if err != nil {
		return false, fmt.Errorf("parse stored password: %w", err)
	}
	// The bounds keep a damaged row from taking the machine's memory.
	if version != argon2.Version || memory < 8 || memory > 256<<10 || times < 1 || times > 16 || threads < 1 || len(key) < 16 || len(key) > 64 {
		return false, errors.New("sqlstore: stored password has parameters out of bounds")
	}
	if len(password) > maxTyped {
		return false, nil
	}
	// Older rows are of the octets as they were typed. Whether there is a second
	// try depends on what is typed alone: its time does not tell who exists.
	tries := []string{composed(password)}
	if tries[0] != password {
		tries = append(tries, password)
	}
	for _, try := range tries {
		if len(try) > maxPassword {
			continue
		}
		got, err := s.argon(ctx, try, salt, uint32(times), uint32(memory), threads, uint32(len(key)))
		if err != nil || subtle.ConstantTimeCompare(got, key) == 1 {
			return err == nil, err
		}
	}
	return false, nil
}

// argon waits for one of few slots: each hash takes 19 MiB and a core.
func (s *Store) argon(ctx context.Context, password string, salt []byte, times, memory uint32, threads uint8, size uint32) ([]byte, error) {
	leave, err := s.hashing.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	return argon2.IDKey([]byte(password), salt, times, memory, threads, size), nil
}

// gate lets few in at once, and few more wait before it.
type gate struct{ room, inside chan struct{} }

func newGate(inside, waiting int) gate {
	return gate{make(chan struct{}, inside+waiting), make(chan struct{}, inside)}
}

// enter waits to get in, or returns ErrBusy: at once where as many as may
// wait already, else after hashingWait.
func (g gate) enter(ctx context.Context) (leave func(), err error) {
	select {
	case g.room <- struct{}{}:
	default:
		return nil, ErrBusy
	}
	wait := time.NewTimer(hashingWait)
	defer wait.Stop()
	select {
	case g.inside <- struct{}{}:
		return func() { <-g.inside; <-g.room }, nil
	case <-ctx.Done():
		err = ctx.Err()
	case <-wait.C:
		err = ErrBusy
	}
	<-g.room
	return nil, err
}
