package sql_test

import (
	"context"
	stdsql "database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"chat"
	"chat/internal/poll"
	"chat/internal/services"
	"chat/sql"
	"chat/sql/sqltest"
)

// poolers returns settings of PgBouncer by name. Versions before 1.21 do not support
// prepared statements.
func poolers(t *testing.T) map[string][]string {
	t.Helper()
	version, err := services.PgBouncerVersion(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("PgBouncer %s", version)
	out := map[string][]string{
		"session":                   {"pool_mode = session", "default_pool_size = 40"},
		"transaction":               {"pool_mode = transaction", "default_pool_size = 20"},
		"transaction, round robin":  {"pool_mode = transaction", "default_pool_size = 20", "server_round_robin = 1"},
		"transaction, a pool of 2":  {"pool_mode = transaction", "default_pool_size = 2"},
		"transaction, a pool of 1":  {"pool_mode = transaction", "default_pool_size = 1"},
		"transaction, always reset": {"pool_mode = transaction", "server_reset_query = DISCARD ALL", "server_reset_query_always = 1"},
	}
	if !strings.HasPrefix(version, "1.1") && !strings.HasPrefix(version, "1.20") {
		out["transaction, prepared statements"] = []string{"pool_mode = transaction", "max_prepared_statements = 200", "default_pool_size = 20"}
		out["transaction, a few prepared statements, round robin"] = []string{"pool_mode = transaction", "max_prepared_statements = 3", "default_pool_size = 5", "server_round_robin = 1"}
		out["transaction, no prepared statements"] = []string{"pool_mode = transaction", "max_prepared_statements = 0", "default_pool_size = 5"}
	}
	return out
}

func TestPostgresBehindAPooler(t *testing.T) {
	for name, settings := range poolers(t) {
		if !strings.HasSuffix(name, "round robin") { // the hardest case
			continue
		}
		t.Run(name, func(t *testing.T) {
			pooler := services.StartPgBouncer(t, services.Env(t, services.EnvPostgres), settings...)
			empty := migrated(t, services.Postgres(t))
			sqltest.Run(t, func(t *testing.T, o sql.Options) *sql.Store {
				return open(t, pooler.Before(t, services.CopyPostgres(t, empty)), o)
			}, "submit", "idempotency", "queue", "cancel", "finish", "requeue")
		})
	}
}

func TestProcessesBehindAPoolerMigrateOnce(t *testing.T) {
	for name, settings := range poolers(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := services.Postgres(t)
			startTogether(t, services.StartPgBouncer(t, url, settings...).URL())
			postgresExec(t, url, "CREATE TABLE once (v BIGINT PRIMARY KEY)", "INSERT INTO once SELECT version_id FROM goose_db_version")
		})
	}
}

// Behind a pooler, a connection's statements run on server connections that others have
// used before.
func TestStatementsOfManyConnectionsDoNotMix(t *testing.T) {
	for name, settings := range poolers(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := services.StartPgBouncer(t, services.Postgres(t), settings...).URL()
			stores := make([]*sql.Store, 3)
			for i := range stores {
				stores[i] = open(t, url, sql.Options{MaxOpen: 4})
			}
			var wg sync.WaitGroup
			for i := range 24 {
				wg.Go(func() {
					owner := "owner-" + string(rune('a'+i))
					for range 10 {
						conv, err := stores[i%3].CreateConversation(t.Context(), owner, chat.Conversation{Title: owner})
						if err != nil {
							t.Error(err)
							return
						}
						got, err := stores[(i+1)%3].Conversation(t.Context(), owner, conv.ID)
						if err != nil || got.Title != owner {
							t.Errorf("%+v, %v", got, err)
						}
					}
				})
			}
			wg.Wait()
		})
	}
}

// newLog returns a logger and a function that returns the log.
func newLog() (*slog.Logger, func() string) {
	var mu sync.Mutex
	var b strings.Builder
	w := writer(func(p []byte) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		return b.Write(p)
	})
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug})), func() string {
		mu.Lock()
		defer mu.Unlock()
		return b.String()
	}
}

type writer func([]byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

func TestAPoolThatIsTooSmallIsReported(t *testing.T) {
	for name, mode := range map[string]string{"session": "pool_mode = session", "transaction": "pool_mode = transaction"} {
		t.Run(name, func(t *testing.T) {
			url := services.StartPgBouncer(t, services.Postgres(t), mode, "default_pool_size = 1").URL()
			logger, said := newLog()
			useStore := func(ctx context.Context) error {
				_, err := sql.Open(ctx, url, sql.Options{Logger: logger})
				return err
			}
			if name == "transaction" {
				s := open(t, url, sql.Options{Logger: logger})
				useStore = func(ctx context.Context) error {
					_, err := s.CreateConversation(ctx, "ada", chat.Conversation{})
					return err
				}
			}
			defer holdTransaction(t, url, "SELECT 1")()
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			err := useStore(ctx)
			for _, text := range []string{"default_pool_size", "CHATD_DATABASE_POOL"} {
				if err == nil || !strings.Contains(err.Error(), text) {
					t.Errorf("the error does not name %s: %v", text, err)
				}
				if !strings.Contains(said(), text) {
					t.Errorf("the log does not name %s: %s", text, said())
				}
			}
			if n := strings.Count(said(), "default_pool_size"); n != 1 {
				t.Errorf("the log has it %d times, want once", n)
			}
		})
	}
}

// A start that takes too long returns the reason.
func TestAMigrationBehindAPoolerEndsInTime(t *testing.T) {
	base := services.Postgres(t)
	defer holdTransaction(t, base, "CREATE TABLE conversations (held BIGINT)")()
	logger, said := newLog()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	_, err := sql.Open(ctx, services.StartPgBouncer(t, base, "pool_mode = transaction").URL(), sql.Options{Logger: logger})
	if !chat.IsCode(err, chat.CodeUnavailable) || !strings.Contains(said(), "migrating the database") {
		t.Errorf("%v (%s); the log: %s", err, chat.CodeOf(err), said())
	}
}

// A pooler's unix socket may have the port of the server in its name, and the pooler may
// reach the server over a socket, too.
func TestAPoolerOnASocketIsDetected(t *testing.T) {
	server := services.StartPostgres(t)
	base, err := url.Parse(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	for _, mode := range []string{"session", "transaction"} {
		pooler := services.StartPgBouncer(t, server.URL(), "pool_mode = "+mode, "server_round_robin = 1",
			"[databases]", "* = host="+server.SocketDir()+" port="+base.Port())
		dir := t.TempDir()
		sqltest.NewSocketProxy(t, pooler.URL(), filepath.Join(dir, ".s.PGSQL."+base.Port()))
		logger, said := newLog()
		s := open(t, "host="+dir+" port="+base.Port()+" user=postgres dbname=postgres sslmode=disable", sql.Options{Logger: logger})
		if !strings.Contains(said(), "pooler") {
			t.Errorf("%s: the log does not have it: %s", mode, said())
		}
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 10 {
					c, err := s.CreateConversation(t.Context(), "ada", chat.Conversation{Title: mode})
					if err == nil {
						_, err = s.Conversation(t.Context(), "ada", c.ID)
					}
					if err != nil {
						t.Errorf("%s: %v", mode, err)
						return
					}
				}
			})
		}
		wg.Wait()
	}
}

// holdTransaction runs a statement in a transaction and keeps it open, so that it occupies
// the only connection of a pooler's pool. The returned function ends it.
func holdTransaction(t *testing.T, url, statement string) (release func()) {
	t.Helper()
	db, err := stdsql.Open("postgres", url)
	if err != nil {
		t.Fatal(err)
	}
	tx, err := db.BeginTx(t.Context(), nil)
	if err == nil {
		_, err = tx.ExecContext(t.Context(), statement)
	}
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := errors.Join(tx.Rollback(), db.Close()); err != nil {
			t.Error(err)
		}
	}
}

// A process that dies in a migration leaves nothing behind and blocks no other.
func TestAProcessDiesInAMigration(t *testing.T) {
	url := services.Postgres(t)
	logger, said := newLog()
	dead, err := stdsql.Open("postgres", url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = dead.Close() }() // the test is over
	conn, err := dead.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.ExecContext(t.Context(), "BEGIN; SELECT pg_advisory_xact_lock(7306917425063291); CREATE TABLE conversations (id TEXT)"); err != nil {
		t.Fatal(err)
	}
	opened := make(chan error, 1)
	go func() {
		s, err := sql.Open(t.Context(), url, sql.Options{Logger: logger})
		if err == nil {
			err = s.Close()
		}
		opened <- err
	}()
	if !poll.Until(10*time.Second, func() bool { return strings.Contains(said(), "waiting for another process") }) {
		t.Fatalf("a waiting process does not log it: %s", said())
	}
	select {
	case err := <-opened:
		t.Fatalf("it did not wait: %v", err)
	default:
	}
	die := func(c any) error { // as the end of the process does
		open, ok := c.(driver.Conn)
		if !ok {
			return fmt.Errorf("a connection is a %T", c)
		}
		return open.Close()
	}
	if err := conn.Raw(die); err != nil {
		t.Fatal(err)
	}
	if err := <-opened; err != nil {
		t.Fatal(err)
	}
}

// PostgreSQL ends one of the transactions in a deadlock. It may be the migration.
func TestADeadlockedMigrationIsRepeated(t *testing.T) {
	url := services.Postgres(t)
	db, err := stdsql.Open("postgres", url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }() // the test is over
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{"SET LOCAL deadlock_timeout = '1h'", "CREATE TABLE workers (id TEXT)"} {
		if _, err := tx.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	logger, said := newLog()
	opened := make(chan error, 1)
	go func() {
		s, err := sql.Open(t.Context(), url, sql.Options{Logger: logger})
		if err == nil {
			err = s.Close()
		}
		opened <- err
	}()
	if !poll.Until(10*time.Second, func() bool { return strings.Contains(said(), "migrating the database") }) {
		t.Fatalf("the migration did not begin: %s", said())
	}
	if _, err := tx.ExecContext(t.Context(), "SELECT pg_advisory_xact_lock(7306917425063291)"); err != nil {
		t.Fatal(err) // PostgreSQL must end the migration
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := <-opened; err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(said(), "deadlock") {
		t.Errorf("there was no deadlock: %s", said())
	}
}
