package main

import (
	"crypto/sha256"
	"fmt"
	"math"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"
	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"
)

// limits are how often one address, name or user may do what costs much. A
// nil one is no limit.
type limits struct {
	failures *buckets // by address: wrong passwords, and taken names, which tell who is here
	guesses  *buckets // by address and name, so that nobody can lock another's name
	signIns  *buckets // by name: the right passwords
	signUps  *buckets // by address: the accounts made
	requests *buckets // by user
	crowds   *crowds  // by address: passwords that wait to be hashed
}

// maxCrowd is half of those whom the store lets wait, and more than a class.
const maxCrowd = 128

// newLimits takes requests a second and sign-ups an hour, 0 for no limit.
func newLimits(requests, signUps int) limits {
	var l limits
	if requests == 0 {
		return l
	}
	l.failures = newBuckets(60, time.Minute)
	l.guesses = newBuckets(10, time.Minute)
	l.signIns = newBuckets(60, time.Minute)
	l.requests = newBuckets(4*requests, 4*time.Second)
	l.crowds = &crowds{most: maxCrowd, here: make(map[string]int)}
	if signUps > 0 {
		l.signUps = newBuckets(signUps, time.Hour)
	}
	return l
}

// buckets keeps a token bucket for each key that was busy lately. What is
// limited is counted when it has happened, so that any number of those who do
// it right can come at once; who was over the limit by then waits longer.
type buckets struct {
	burst int
	every time.Duration // one comes back
	kept  *lru.Cache[string, *rate.Limiter]
}

// maxBuckets bounds the memory: one takes about 300 octets.
const maxBuckets = 10_000

// newBuckets allows n within that time, and all of them at once.
func newBuckets(n int, within time.Duration) *buckets {
	kept, _ := lru.New[string, *rate.Limiter](maxBuckets) // fails for sizes below 1 alone
	return &buckets{n, within / time.Duration(n), kept}
}

// check refuses who has used up all.
func (b *buckets) check(key string) error {
	if b == nil {
		return nil
	}
	bucket, found := b.kept.Get(key)
	if !found {
		return nil
	}
	if missing := 1 - bucket.Tokens(); missing > 0 {
		return tooMany(time.Duration(missing * float64(b.every)))
	}
	return nil
}

// count counts one.
func (b *buckets) count(key string) {
	if b == nil {
		return
	}
	bucket := rate.NewLimiter(rate.Every(b.every), b.burst)
	if before, found, _ := b.kept.PeekOrAdd(key, bucket); found {
		bucket = before
	}
	bucket.Reserve() // also one that is yet to come back
}

// crowds counts what is under way for each key: what is counted when it has
// happened could else fill all queues before.
type crowds struct {
	most int
	mu   sync.Mutex
	here map[string]int
}

// enter refuses who has as many under way as may be.
func (c *crowds) enter(key string) (leave func(), err error) {
	if c == nil {
		return func() {}, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.here[key] >= c.most {
		return nil, tooMany(time.Second)
	}
	c.here[key]++
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.here[key]--; c.here[key] == 0 {
			delete(c.here, key)
		}
	}, nil
}

func tooMany(wait time.Duration) error {
	seconds := int(math.Ceil(wait.Seconds()))
	return failure{status: 429, code: -400, name: "RateLimited", message: fmt.Sprintf("too many attempts, try again in %d s", seconds), retryAfter: seconds}
}

// hashed makes a short key of one that a client may make long.
func hashed(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\n")))
	return string(sum[:])
}

// addressOf is what a client is counted by: its address, of IPv6 the first 64
// bits, because each customer of a provider has all of the rest.
func addressOf(c *fiber.Ctx) string {
	addr, err := netip.ParseAddr(c.IP())
	if err != nil {
		// The proxy's header is missing, or has a list: who writes the first of it
		// must not choose what it is counted by.
		addr, _ = netip.AddrFromSlice(c.Context().RemoteIP())
	}
	if addr = addr.Unmap().WithZone(""); addr.Is6() {
		network, _ := addr.Prefix(64) // 64 is valid
		return network.String()
	}
	return addr.String()
}
