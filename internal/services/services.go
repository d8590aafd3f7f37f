// Package services gives tests the real services they run against: a Redis
// server, a PostgreSQL database, and the programs that end-to-end tests drive.
//
// The program cmd/withservices installs what is missing, starts the shared
// services on private ports and runs the tests; the functions here hand them
// out. A test whose service is missing fails and says how to get it: it never
// skips.
package services

import (
	"crypto/rand"
	"database/sql"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/lib/pq" // also registers the driver
	"github.com/redis/go-redis/v9"
)

// The environment that withservices hands to the tests.
const (
	// EnvRedis is the URL of a Redis server that all packages share.
	EnvRedis = "CHAT_TEST_REDIS"
	// EnvPostgres is the URL of a database of a superuser on a shared server.
	EnvPostgres = "CHAT_TEST_POSTGRES"
	// EnvNodeModules is a node_modules directory with the packages of
	// node/package.json.
	EnvNodeModules = "CHAT_TEST_NODE_MODULES"
)

// HowTo says how to run the tests with everything they need.
const HowTo = "run `go tool -modfile=tools.mod task test`, or put `./bin/withservices` before your own command, as in `./bin/withservices go test ./sql/...` (`go tool -modfile=tools.mod task services` builds it)"

// Redis starts a Redis server for this test alone and returns the options of a
// client. Sharing a server would mix the tests' pub/sub channels, which Redis
// does not keep apart by database.
func Redis(t testing.TB) *redis.Options {
	t.Helper()
	return StartRedis(t).Options()
}

// StartRedis starts a Redis server for this test alone, with more command line
// arguments if needed. It ends with the test, and may be killed and started
// again before.
func StartRedis(t testing.TB, args ...string) *RedisServer {
	t.Helper()
	return StartRedisFrom(t, "", args...)
}

// StartRedisFrom is StartRedis with a configuration file, which a Sentinel needs.
func StartRedisFrom(t testing.TB, config string, args ...string) *RedisServer {
	t.Helper()
	Tool(t, "redis-server")
	s, err := launchRedis(t.Context(), t.TempDir(), config, args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Kill(); err != nil {
			t.Errorf("end redis-server: %v", err)
		}
	})
	return s
}

// Postgres creates an empty database for this test on the shared server, and
// drops it when the test ends. It returns the URL.
func Postgres(t testing.TB) string {
	t.Helper()
	base := Env(t, EnvPostgres)
	name := "chat_" + strings.ToLower(rand.Text())
	execute(t, base, "CREATE DATABASE "+pq.QuoteIdentifier(name))
	t.Cleanup(func() {
		execute(t, base, "DROP DATABASE IF EXISTS "+pq.QuoteIdentifier(name)+" WITH (FORCE)")
	})
	return withDatabase(t, base, name)
}

// StartPostgres starts a PostgreSQL server for this test alone, for tests that
// kill it. It takes half a second; Postgres is enough for everything else.
func StartPostgres(t testing.TB) *PostgresServer {
	t.Helper()
	s, err := LaunchPostgres(t.Context())
	if err != nil {
		t.Fatalf("%v: %s", err, HowTo)
	}
	t.Cleanup(func() {
		if err := s.Remove(); err != nil {
			t.Errorf("end postgres: %v", err)
		}
	})
	return s
}

// Tool is the path of a program that withservices installs.
func Tool(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is not installed: %s", name, HowTo)
	}
	return path
}

// NodeModules is the directory of the installed npm packages, for NODE_PATH or
// for a module resolved by its path.
func NodeModules(t testing.TB) string {
	t.Helper()
	Tool(t, "node")
	return Env(t, EnvNodeModules)
}

// Env is the value of a variable that withservices sets.
func Env(t testing.TB, name string) string {
	t.Helper()
	v := os.Getenv(name)
	if v == "" {
		t.Fatalf("%s is not set: %s", name, HowTo)
	}
	return v
}

func execute(t testing.TB, url, statement string) {
	t.Helper()
	ctx, cancel := unhurried(t)
	defer cancel()
	db, err := sql.Open("postgres", url)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(ctx, statement); err != nil {
		t.Errorf("%s: %v", statement, err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}
