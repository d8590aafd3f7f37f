package sql_test

import (
	stdsql "database/sql"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"chat"
	"chat/internal/services"
	"chat/sql"
	"chat/sql/sqltest"
)

func TestPostgres(t *testing.T) {
	empty := migrated(t, services.Postgres(t))
	sqltest.Run(t, func(t *testing.T, o sql.Options) *sql.Store { return open(t, services.CopyPostgres(t, empty), o) })
}

// postgresExec changes a database without the store.
func postgresExec(t *testing.T, url string, statements ...string) {
	t.Helper()
	db, err := stdsql.Open("postgres", url)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil { // no context: it also runs in cleanups
			t.Errorf("%s: %v", s, err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// withQuery adds a parameter to a URL.
func withQuery(t *testing.T, base, key, value string) string {
	t.Helper()
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set(key, value)
	u.RawQuery = q.Encode()
	return u.String()
}

func TestPostgresProcessesMigrateOnce(t *testing.T) {
	url := services.Postgres(t)
	startTogether(t, url)
	postgresExec(t, url, "CREATE TABLE once (v BIGINT PRIMARY KEY)", "INSERT INTO once SELECT version_id FROM goose_db_version")
}

func TestANewerPostgresDatabaseIsRefused(t *testing.T) {
	url := services.Postgres(t)
	open(t, url, sql.Options{})
	postgresExec(t, url, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, true)", "DROP TABLE workers CASCADE")
	_, err := sql.Open(t.Context(), url, sql.Options{})
	if !chat.IsCode(err, chat.CodeStorage) || !strings.Contains(err.Error(), "version 999") {
		t.Fatalf("opened with %v (%s)", err, chat.CodeOf(err))
	}
	postgresExec(t, url, "CREATE TABLE workers (id TEXT)") // fails if Open created it again
}

func TestOpenPostgresSaysWhyItFails(t *testing.T) {
	base := services.Postgres(t)
	change := func(f func(*url.URL)) string {
		u, err := url.Parse(base)
		if err != nil {
			t.Fatal(err)
		}
		f(u)
		return u.String()
	}
	for name, tt := range map[string]struct {
		url  string
		want chat.Code
	}{
		"no listener": {change(func(u *url.URL) { u.Host = "127.0.0.1:1" }), chat.CodeUnavailable},
		"no database": {change(func(u *url.URL) { u.Path = "/nothing_of_that_name" }), chat.CodeNotConfigured},
		"no user":     {change(func(u *url.URL) { u.User = url.UserPassword("nobody_of_that_name", "hunter2") }), chat.CodeNotConfigured},
		"no TLS":      {withQuery(t, base, "sslmode", "require"), chat.CodeNotConfigured},
	} {
		_, err := sql.Open(t.Context(), tt.url, sql.Options{})
		if !chat.IsCode(err, tt.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v (%s), want %s", name, err, chat.CodeOf(err), tt.want)
		}
		if e := chat.AsError(err); e != nil && e.Retryable != (tt.want == chat.CodeUnavailable) {
			t.Errorf("%s: retryable %v", name, e.Retryable)
		}
	}
}

func TestPostgresSearchesWithoutTheExtension(t *testing.T) {
	base := services.Postgres(t)
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	role := "plain_" + strings.TrimPrefix(u.Path, "/")
	postgresExec(t, base, "CREATE ROLE "+role+" LOGIN PASSWORD 'x'", "GRANT CREATE ON SCHEMA public TO "+role)
	t.Cleanup(func() { postgresExec(t, base, "DROP OWNED BY "+role, "DROP ROLE "+role) })
	u.User = url.UserPassword(role, "x")
	s := open(t, u.String(), sql.Options{})
	if _, err := s.CreateConversation(t.Context(), "ada", chat.Conversation{Title: "Ägypten"}); err != nil {
		t.Fatal(err)
	}
	list, _, err := s.Conversations(t.Context(), "ada", chat.ConversationQuery{Search: "ägypt"})
	if err != nil || len(list) != 1 {
		t.Fatalf("found %v, %v", list, err)
	}
	postgresExec(t, base, "CREATE EXTENSION pg_trgm") // fails if it exists
}

// Under serializable isolation PostgreSQL undoes transactions that no serial order allows,
// and expects a repetition.
func TestSerializationFailuresAreRepeated(t *testing.T) {
	s := open(t, withQuery(t, services.Postgres(t), "default_transaction_isolation", "serializable"), sql.Options{})
	c, err := s.CreateConversation(t.Context(), "ada", chat.Conversation{})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for accepted := 0; accepted < 5; {
				acc, _, err := s.Submit(t.Context(), "ada", chat.Submission{ConversationID: c.ID, Content: "x"}, chat.SubmitOptions{})
				if chat.IsCode(err, chat.CodeBusy) {
					continue
				}
				if err == nil {
					accepted++
					_, _, err = s.Cancel(t.Context(), "ada", acc.TaskID)
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	list, err := s.Messages(t.Context(), "ada", c.ID)
	if err != nil || len(list) != 40 {
		t.Fatalf("%d messages, want 40: %v", len(list), err)
	}
}

func TestTheStoreRecoversFromAPostgresCrash(t *testing.T) {
	server := services.StartPostgres(t)
	s := open(t, server.URL(), sql.Options{MaxOpen: 4})
	c, err := s.CreateConversation(t.Context(), "ada", chat.Conversation{Title: "kept"})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 4 { // fill the pool
		wg.Go(func() {
			if err := s.Ping(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	for range 6 {
		_, _, err := s.Submit(t.Context(), "ada", chat.Submission{ConversationID: c.ID, Content: "x"}, chat.SubmitOptions{})
		if e := chat.AsError(err); e == nil || e.Code != chat.CodeUnavailable || !e.Retryable {
			t.Fatalf("without a server: %v (%s)", err, chat.CodeOf(err))
		}
	}
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(30 * time.Second)
	for {
		_, err = s.Conversation(t.Context(), "ada", c.ID)
		if err == nil {
			break
		}
		if !chat.IsCode(err, chat.CodeUnavailable) || time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}
