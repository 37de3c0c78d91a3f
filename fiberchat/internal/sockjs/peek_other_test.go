//go:build !linux

package sockjs

import "testing"

func skipUnlessPollsNotice(t *testing.T) {
	t.Skip("only on Linux a poll notices that its client left")
}
