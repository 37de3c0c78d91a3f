package fiberchat_test

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain finds goroutines that outlive their server.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// fasthttp's own: for ever, and up to 10 s after its server has ended.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
	)
}
