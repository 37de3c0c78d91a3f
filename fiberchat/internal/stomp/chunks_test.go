package stomp

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
)

// Frames of all sizes, read in pieces of all sizes, through all the ways in
// which the buffer moves and grows.
func TestDecodeInRandomPieces(t *testing.T) {
	t.Parallel()
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 1))
		var in []byte
		var want [][]byte
		for range 30 {
			body := make([]byte, r.IntN(1+[]int{0, 10, 300, 1100, 5000, 50_000}[r.IntN(6)]))
			for i := range body {
				body[i] = byte('a' + r.IntN(26))
			}
			want = append(want, body)
			in = append(in, "SEND\ndestination:/a\n"...)
			if r.IntN(2) == 0 {
				in = fmt.Appendf(in, "content-length:%d\n", len(body))
			}
			in = append(append(append(in, '\n'), body...), 0)
			in = append(in, "\n\r\n\n"[:[]int{0, 1, 3, 4}[r.IntN(4)]]...)
		}
		d := NewDecoder(Limits{Frame: 64 << 10, Headers: 64, Section: 8 << 10})
		for len(in) > 0 || len(want) > 0 {
			f, err := d.Next()
			if err != nil {
				t.Fatalf("seed %d: %v, %d frames left", seed, err, len(want))
			}
			if f == nil {
				if len(in) == 0 {
					t.Fatalf("seed %d: %d frames are missing", seed, len(want))
				}
				n := copy(d.Space(), in[:min(len(in), 1+r.IntN([]int{1, 40, 1024, 4096}[r.IntN(4)]))])
				d.Filled(n)
				in = in[n:]
				continue
			}
			if !bytes.Equal(f.Body, want[0]) {
				t.Fatalf("seed %d: a body of %d bytes came as %d others", seed, len(want[0]), len(f.Body))
			}
			want = want[1:]
		}
	}
}
