// Package leaks finds goroutines that outlive the tests which started them.
package leaks

import (
	"testing"

	"go.uber.org/goleak"
)

// Verify runs a package's tests and fails if they leave goroutines. It does not return.
func Verify(m *testing.M) { goleak.VerifyTestMain(m, late()) }

// late ignores goroutines that end without help, but later than a test may wait. A
// go-redis pool that could not connect retries each second, and only then checks
// whether it is closed (internal/pool/pool.go, tryDial).
func late() goleak.Option {
	return goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial")
}
