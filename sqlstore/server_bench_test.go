//go:build unix

package sqlstore

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
)

// BenchmarkServer: writers commit batches beside each other, as nodes or
// shards of a committer do. The unit of ns/op is one exchange.
func BenchmarkServer(b *testing.B) {
	for _, kind := range []string{"postgres", "mysql"} {
		for _, writers := range []int{1, 4, 16} {
			for _, size := range []int{1, 4, 16, 64} {
				b.Run(fmt.Sprintf("%s/writers=%d/batch=%d", kind, writers, size), func(b *testing.B) {
					s := openAt(b, scratch(b, kind))
					var left atomic.Int64
					left.Store(int64(b.N) * 2)
					b.ResetTimer()
					var all sync.WaitGroup
					for w := range writers {
						all.Go(func() { // ends when all is done; awaited below
							e := exchanges{writer: w + 1}
							for left.Add(-int64(size)) > -int64(size) {
								results, err := s.Apply(b.Context(), e.batch(size, 50))
								if err != nil {
									b.Error(err)
									return
								}
								for _, r := range results {
									if r.Err != nil || !r.Changed {
										b.Errorf("%+v", r)
									}
								}
							}
						})
					}
					all.Wait()
				})
			}
		}
	}
}
