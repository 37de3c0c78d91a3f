package main

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
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
