// Package leaks finds goroutines that outlive the tests which started them.
package leaks

import (
	"testing"

	"go.uber.org/goleak"
)

// Verify runs a package's tests, and fails if goroutines of theirs are left. It does not return.
func Verify(m *testing.M) { goleak.VerifyTestMain(m, late()) }

// late end by themselves, but later than a test may wait for. A pool of go-redis that
// could not connect tries again each second, and looks only then whether it was closed
// (internal/pool/pool.go, tryDial).
func late() goleak.Option {
	return goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial")
}
