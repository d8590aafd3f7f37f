package sql_test

import (
	"path/filepath"
	"testing"

	"chat/sql"
	"chat/sql/sqltest"
)

func TestSQLite(t *testing.T) {
	sqltest.Run(t, func(t *testing.T, o sql.Options) *sql.Store { return open(t, sqliteURL(t), o) })
}

// sqliteURL is a database that does not exist yet, in a place with a hostile name.
func sqliteURL(t *testing.T) string {
	t.Helper()
	return "sqlite://" + filepath.Join(t.TempDir(), "a dir?with#100%25", "chat.db")
}
