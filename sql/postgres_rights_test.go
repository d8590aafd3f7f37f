package sql_test

import (
	"crypto/rand"
	stdsql "database/sql"
	"net/url"
	"os"
	"strings"
	"testing"

	"chat"
	"chat/internal/services"
	"chat/sql"
	"chat/sql/sqltest"
)

// servingGrants are the statements of docs/operations.md for a role that does not migrate.
var servingGrants = []string{
	"GRANT USAGE ON SCHEMA public TO chat_serving",
	"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO chat_serving",
}

// newRole creates a role and returns its URL and name.
func newRole(t *testing.T, base string) (address, role string) {
	t.Helper()
	role = "role_" + strings.ToLower(rand.Text())
	postgresExec(t, base, "CREATE ROLE "+role+" LOGIN NOSUPERUSER")
	t.Cleanup(func() { postgresExec(t, base, "DROP OWNED BY "+role+" CASCADE", "DROP ROLE "+role) })
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.User(role)
	return u.String(), role
}

// A role that does not own the tables needs only the rights that the manual lists.
func TestARoleThatDoesNotMigrate(t *testing.T) {
	manual, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range servingGrants {
		if !strings.Contains(string(manual), s) {
			t.Errorf("docs/operations.md does not have %q", s)
		}
	}
	empty := migrated(t, services.Postgres(t))
	sqltest.Run(t, func(t *testing.T, o sql.Options) *sql.Store {
		base := services.CopyPostgres(t, empty)
		address, role := newRole(t, base)
		for _, s := range servingGrants {
			postgresExec(t, base, strings.ReplaceAll(s, "chat_serving", role))
		}
		return open(t, address, o)
	}, "conversations", "submit", "finish", "sweep", "workers")
}

func TestRolesThatMigrate(t *testing.T) {
	for what, tc := range map[string]struct {
		grants  []string // %role, %database
		indexed bool
		refused string
	}{
		"the database's owner": {grants: []string{"ALTER DATABASE %database OWNER TO %role", "GRANT CREATE ON SCHEMA public TO %role"}, indexed: true},
		"a schema's owner":     {grants: []string{"CREATE SCHEMA AUTHORIZATION %role"}},
		"with CREATE":          {grants: []string{"GRANT CREATE, USAGE ON SCHEMA public TO %role"}},
		"without rights":       {refused: "permission denied"},
	} {
		t.Run(what, func(t *testing.T) {
			base := services.Postgres(t)
			address, role := newRole(t, base)
			for _, g := range tc.grants {
				postgresExec(t, base, strings.NewReplacer("%role", role, "%database", services.DatabaseName(t, base)).Replace(g))
			}
			if what == "the database's owner" {
				t.Cleanup(func() { postgresExec(t, base, "ALTER DATABASE "+services.DatabaseName(t, base)+" OWNER TO postgres") })
			}
			s, err := sql.Open(t.Context(), address, sql.Options{})
			if tc.refused != "" {
				if !chat.IsCode(err, chat.CodeNotConfigured) || !strings.Contains(err.Error(), tc.refused) || !strings.Contains(err.Error(), "rights") {
					t.Errorf("opened with %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.CreateConversation(t.Context(), "ada", chat.Conversation{}); err != nil {
				t.Error(err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			db, err := stdsql.Open("postgres", base)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = db.Close() }() // the test is over
			var indexed bool
			if err := db.QueryRowContext(t.Context(), "SELECT EXISTS (SELECT 1 FROM pg_class WHERE relname = 'messages_folded')").Scan(&indexed); err != nil || indexed != tc.indexed {
				t.Errorf("search has an index: %v (%v), want %v", indexed, err, tc.indexed)
			}
		})
	}
}
