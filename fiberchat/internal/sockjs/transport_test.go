package sockjs

import "testing"

// Requests append to what all of them share: no room may be left in it.
func TestPreludeIsNotWrittenTo(t *testing.T) {
	t.Parallel()
	for name, transport := range transports {
		if transport.prelude == nil {
			continue
		}
		one := transport.frame(transport.prelude("c"), []byte("o"), "c")
		two := transport.frame(transport.prelude("c"), []byte("h"), "c")
		if string(one) == string(two) {
			t.Errorf("%s: two responses share their bytes", name)
		}
	}
}
