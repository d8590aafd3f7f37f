package services

import (
	"context"
	"net/url"
	"testing"
	"time"
)

// withDatabase is base with another database in its path.
func withDatabase(t testing.TB, base, name string) string {
	t.Helper()
	u, err := url.Parse(base)
	if err != nil {
		t.Fatalf("%s: %v", EnvPostgres, err)
	}
	u.Path = "/" + name
	return u.String()
}

// unhurried is a context for the work of clean-ups, which run when the test's
// own context has ended.
func unhurried(t testing.TB) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
}
