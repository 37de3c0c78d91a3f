package fiberchat_test

import (
	"testing"

	"github.com/gofiber/fiber/v2/utils"
	"go.uber.org/goleak"
)

// TestMain finds goroutines that outlive their server.
func TestMain(m *testing.M) {
	// The clock of Fiber's middlewares, for ever; its name would depend on who
	// starts it.
	utils.StartTimeStampUpdater()
	goleak.VerifyTestMain(m,
		goleak.IgnoreCurrent(),
		// fasthttp's own: for ever, and up to 10 s after its server has ended.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
		// Fiber's middlewares cannot be ended.
		goleak.IgnoreAnyFunction("github.com/gofiber/fiber/v2/middleware/cache.New.func2"),
		goleak.IgnoreAnyFunction("github.com/gofiber/fiber/v2/internal/memory.(*Storage).gc"),
		goleak.IgnoreAnyFunction("github.com/gofiber/fiber/v2/internal/storage/memory.(*Storage).gc"),
	)
}
