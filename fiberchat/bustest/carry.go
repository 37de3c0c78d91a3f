package bustest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
)

func testAll(t *testing.T, e env) {
	a, b := e.bus(t), e.bus(t)
	first, second := listen(t, b), listen(t, b)
	publish(t, a, "from another")
	wantNext(t, first, "from another")
	wantNext(t, second, "from another")
	if !b.Up() {
		t.Error("Up is false while everything works")
	}
	// And the other way round, where a subscriber publishes.
	third := listen(t, a)
	publish(t, b, "from a subscriber")
	wantNext(t, third, "from a subscriber")
}

func testNames(t *testing.T, e env) {
	a, b := e.bus(t), e.bus(t)
	other := e
	other.name += "x"
	got, others := listen(t, a), listen(t, other.bus(t))
	publish(t, other.bus(t), "for others")
	wantNext(t, others, "for others")
	publish(t, b, "for us")
	wantNext(t, got, "for us")
}

// testData has data of many lengths, since framing goes wrong at the edges.
func testData(t *testing.T, e env) {
	a, b := e.bus(t), e.bus(t)
	got := listen(t, b)
	most := a.MaxData()
	if most <= 0 {
		t.Fatal("MaxData is", most)
	}
	random := rand.NewChaCha8([32]byte{1})
	for _, n := range []int{0, 1, 2, 255, 256, 4095, 4096, 1<<16 - 1, 1 << 16, most - 1, most} {
		if n > most {
			continue
		}
		data := make([]byte, n)
		_, _ = random.Read(data) // never fails
		publish(t, a, string(data))
		wantNext(t, got, string(data))
	}
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	for _, data := range []string{string(all), "\r\n", "MSG x 1 1\r\n", "*1\r\n", "起来"} {
		publish(t, a, data)
		wantNext(t, got, data)
	}
}

// testReuse writes over data when Publish has returned, and over what handle
// gets, which is its own until it returns.
func testReuse(t *testing.T, e env) {
	a, b := e.bus(t), e.bus(t)
	const size, rounds = 1000, 200
	got := make(chan string, rounds)
	subscribe(t, b, func(data []byte) {
		got <- string(data)
		clear(data)
	})
	subscribe(t, a, func(data []byte) { clear(data) })
	data, ctx := make([]byte, size), within(t)
	for i := range rounds {
		for j := range data {
			data[j] = byte(i)
		}
		if err := a.Publish(ctx, data); err != nil {
			t.Fatal(err)
		}
	}
	for range rounds {
		s := await(t, got, "what was published")
		if len(s) != size || bytes.Count([]byte(s), []byte(s[:1])) != size {
			t.Fatal("data was changed on its way")
		}
	}
}

func testTooLong(t *testing.T, e env) {
	a, b := e.bus(t), e.bus(t)
	got := listen(t, b)
	if err := a.Publish(within(t), make([]byte, a.MaxData()+1)); err == nil {
		t.Error("want an error for more than MaxData bytes")
	}
	publish(t, a, "after it") // and the connection is none the worse
	wantNext(t, got, "after it")
}

func testConcurrent(t *testing.T, e env) {
	const publishers, each = 8, 100
	got := listen(t, e.bus(t))
	buses := []Bus{e.bus(t), e.bus(t)}
	ctx := within(t)
	var group sync.WaitGroup
	for p := range publishers {
		group.Go(func() {
			for i := range each {
				b := buses[(p+i)%len(buses)]
				if err := b.Publish(ctx, fmt.Append(nil, p, "-", i)); err != nil {
					t.Error(err)
				}
				b.Up()
				b.MaxData()
			}
		})
	}
	group.Wait()
	seen := make(map[string]bool)
	for range publishers * each {
		s := await(t, got, "all that was published")
		if seen[s] {
			t.Fatalf("%q came twice", s)
		}
		seen[s] = true
	}
}

func testOneCall(t *testing.T, e env) {
	const publishers, each = 4, 100
	var running atomic.Bool
	got := make(chan struct{}, publishers*each)
	subscribe(t, e.bus(t), func([]byte) {
		if running.Swap(true) {
			t.Error("two calls at once")
		}
		got <- struct{}{}
		running.Store(false)
	})
	ctx := within(t)
	var group sync.WaitGroup
	for range publishers {
		b := e.bus(t)
		group.Go(func() {
			for range each {
				if err := b.Publish(ctx, []byte("x")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	for range publishers * each {
		await(t, got, "all that was published")
	}
}
