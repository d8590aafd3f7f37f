package services

import (
	"context"
	"net/url"
	"strings"
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

// DatabaseName returns the name of the database in a URL.
func DatabaseName(t testing.TB, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimPrefix(u.Path, "/")
}

// withoutCancel returns a context for clean-ups, which run after the test's own
// context has ended.
func withoutCancel(t testing.TB) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
}
