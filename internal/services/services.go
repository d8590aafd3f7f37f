// Package services gives tests the real services they run against: a Redis
// server, a PostgreSQL database, and the programs that end-to-end tests drive.
//
// The program cmd/withservices installs what is missing, starts the shared services
// on private ports and runs the tests; the functions here return the services. A
// test whose service is missing fails with instructions; it never skips.
package services

import (
	"crypto/rand"
	"database/sql"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/lib/pq" // also registers the driver
	"github.com/redis/go-redis/v9"
)

// The environment that withservices sets for the tests.
const (
	// EnvRedis is the URL of a Redis server that all packages share.
	EnvRedis = "CHAT_TEST_REDIS"
	// EnvPostgres is the URL of a database of a superuser on a shared server.
	EnvPostgres = "CHAT_TEST_POSTGRES"
	// EnvNodeModules is a node_modules directory with the packages of
	// node/package.json.
	EnvNodeModules = "CHAT_TEST_NODE_MODULES"
	// EnvBrowserModules is the same for node/browser/package.json.
	EnvBrowserModules = "CHAT_TEST_BROWSER_MODULES"
)

// HowTo explains how to run the tests with everything they need.
const HowTo = "run `go tool -modfile=tools.mod task test`, or put `./bin/withservices` before your own command, as in `./bin/withservices go test ./sql/...` (`go tool -modfile=tools.mod task services` builds it)"

// Redis starts a Redis server for this test alone and returns the options of a
// client. Sharing a server would mix the tests' pub/sub channels, which Redis
// does not keep apart by database.
func Redis(t testing.TB) *redis.Options {
	t.Helper()
	return StartRedis(t).Options()
}

// StartRedis starts a Redis server for this test alone, with more command line
// arguments if needed. The server ends with the test, and may be killed and
// restarted before.
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
	return createDatabase(t, "template1")
}

// CopyPostgres is Postgres with a copy of the database at url, to which nobody may be
// connected. A copy is quicker than migrations.
func CopyPostgres(t testing.TB, url string) string {
	t.Helper()
	return createDatabase(t, DatabaseName(t, url))
}

func createDatabase(t testing.TB, template string) string {
	t.Helper()
	base := Env(t, EnvPostgres)
	name := "chat_" + strings.ToLower(rand.Text())
	Execute(t, base, "CREATE DATABASE "+pq.QuoteIdentifier(name)+" TEMPLATE "+pq.QuoteIdentifier(template))
	t.Cleanup(func() {
		Execute(t, base, "DROP DATABASE IF EXISTS "+pq.QuoteIdentifier(name)+" WITH (FORCE)")
	})
	return withDatabase(t, base, name)
}

// StartPostgres starts a PostgreSQL server for this test alone, for tests that kill
// it. It takes half a second; other tests use Postgres.
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

// BrowserModules is the directory of the npm packages for tests with a browser.
func BrowserModules(t testing.TB) string {
	t.Helper()
	return Env(t, EnvBrowserModules)
}

// Python is the path of the Python that has Debian's packages.
const Python = "/usr/bin/python3"

// Node is the path of the node that npm has installed, which is newer than Debian's; on
// systems for which npm has none, of the one on the PATH.
func Node(t testing.TB) string {
	t.Helper()
	arch := map[string]string{"amd64": "x64"}[runtime.GOARCH]
	if arch == "" {
		arch = runtime.GOARCH
	}
	path := filepath.Join(NodeModules(t), "node-"+runtime.GOOS+"-"+arch, "bin", "node")
	if _, err := os.Stat(path); err != nil {
		return Tool(t, "node")
	}
	return path
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

// Execute runs SQL statements, several of them if they are separated by semicolons.
func Execute(t testing.TB, url, statement string) {
	t.Helper()
	ctx, cancel := withoutCancel(t)
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
