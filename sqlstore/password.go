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
)

var (
	// ErrBadPassword: shorter than 6 characters, or longer than 1024 bytes.
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

	maxPassword = 1024 // bytes
	maxHashing  = 2
	maxSignUps  = 1 // of these, so that a flood of sign-ups keeps nobody from signing in
	hashingWait = 10 * time.Second
)

// nobodysPassword is checked where there is no such user, so that the answer
// takes as long as for one that exists.
var nobodysPassword = formatPassword(make([]byte, argonSalt), make([]byte, argonKey))

func checkPassword(password string) error {
	if utf8.RuneCountInString(password) < 6 || len(password) > maxPassword {
		return ErrBadPassword
	}
	return nil
}

// hashPassword returns a PHC string.
func (s *Store) hashPassword(ctx context.Context, password string) (string, error) {
	salt := make([]byte, argonSalt)
	rand.Read(salt) // never fails
	done, err := acquire(ctx, s.signUps)
	if err != nil {
		return "", err
	}
	defer done()
	key, err := s.argon(ctx, password, salt, argonTime, argonMemory, argonThreads, argonKey)
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
	if len(password) > maxPassword {
		return false, nil
	}
	got, err := s.argon(ctx, password, salt, uint32(times), uint32(memory), threads, uint32(len(key)))
	return subtle.ConstantTimeCompare(got, key) == 1, err
}

// argon waits for one of few slots: each hash takes 19 MiB and a core.
func (s *Store) argon(ctx context.Context, password string, salt []byte, times, memory uint32, threads uint8, size uint32) ([]byte, error) {
	done, err := acquire(ctx, s.hashing)
	if err != nil {
		return nil, err
	}
	defer done()
	return argon2.IDKey([]byte(password), salt, times, memory, threads, size), nil
}

// acquire takes a slot, which release gives back, or returns ErrBusy.
func acquire(ctx context.Context, slots chan struct{}) (release func(), err error) {
	wait := time.NewTimer(hashingWait)
	defer wait.Stop()
	select {
	case slots <- struct{}{}:
		return func() { <-slots }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-wait.C:
		return nil, ErrBusy
	}
}
