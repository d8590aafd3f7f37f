package sql_test

import (
	"bytes"
	stdsql "database/sql"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"chat"
	"chat/sql"
	"chat/sql/sqltest"
)

func TestSQLite(t *testing.T) {
	empty, err := os.ReadFile(sqlitePath(migrated(t, sqliteURL(t))))
	if err != nil {
		t.Fatal(err)
	}
	sqltest.Run(t, func(t *testing.T, o sql.Options) *sql.Store {
		url := sqliteURL(t)
		if err := os.MkdirAll(filepath.Dir(sqlitePath(url)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(sqlitePath(url), empty, 0o600); err != nil {
			t.Fatal(err)
		}
		return open(t, url, o)
	})
}

// sqliteURL names a file that does not exist, in a directory with special characters.
func sqliteURL(t *testing.T) string {
	t.Helper()
	return "sqlite://" + filepath.Join(t.TempDir(), "a dir?with#100%25", "chat.db")
}

func sqlitePath(url string) string { return strings.TrimPrefix(url, "sqlite://") }

// sqliteFile creates a database with conversations and returns its path.
func sqliteFile(t *testing.T) string {
	t.Helper()
	url := sqliteURL(t)
	s, err := sql.Open(t.Context(), url, sql.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for range 200 {
		if _, err := s.CreateConversation(t.Context(), "ada", chat.Conversation{Title: strings.Repeat("title ", 100)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return sqlitePath(url)
}

// sqliteExec changes a database without the store.
func sqliteExec(t *testing.T, path string, statements ...string) {
	t.Helper()
	db, err := stdsql.Open("sqlite", "file:"+strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(path))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range statements {
		if _, err := db.ExecContext(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestOtherFilesAreRefusedUnchanged(t *testing.T) {
	write := func(data []byte) func(*testing.T) string {
		return func(t *testing.T) string {
			path := filepath.Join(t.TempDir(), "chat.db")
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			return path
		}
	}
	for name, tt := range map[string]struct {
		file func(*testing.T) string
		says string
	}{
		"a letter":      {write([]byte("Dear Ada,\n")), "not a SQLite database"},
		"a book":        {write(bytes.Repeat([]byte("All work and no play\n"), 5000)), "not a SQLite database"},
		"a broken head": {write(append([]byte("SQLite format 3\x00"), bytes.Repeat([]byte{7}, 9000)...)), "SQLite database"},
		"half a database": {func(t *testing.T) string {
			path := sqliteFile(t)
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Truncate(path, info.Size()/2); err != nil {
				t.Fatal(err)
			}
			return path
		}, "damaged"},
		"another program's": {func(t *testing.T) string {
			path := filepath.Join(t.TempDir(), "chat.db")
			sqliteExec(t, path, "CREATE TABLE bookmarks (url TEXT)")
			return path
		}, "another program"},
		"a newer chat's": {func(t *testing.T) string {
			path := sqliteFile(t)
			sqliteExec(t, path, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, 1)")
			return path
		}, "version 999"},
	} {
		t.Run(name, func(t *testing.T) {
			wantRefused(t, tt.file(t), tt.says)
		})
	}
}

// wantRefused opens the file twice and checks the error and that the file is unchanged.
func wantRefused(t *testing.T, path, says string) {
	t.Helper()
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		_, err = sql.Open(t.Context(), "sqlite://"+path, sql.Options{})
		if !chat.IsCode(err, chat.CodeStorage) || !strings.Contains(err.Error(), says) {
			t.Fatalf("opened with %q (%s), want storage and %q", err, chat.CodeOf(err), says)
		}
	}
	after, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(before, after) {
		t.Fatal("the file was changed")
	}
}

func TestDamageThatIsFoundLaterIsReported(t *testing.T) {
	path := sqliteFile(t)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := len(data) / 2; i < len(data); i++ {
		data[i] = 0xaa
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	s := open(t, "sqlite://"+path, sql.Options{})
	_, _, err = s.Conversations(t.Context(), "ada", chat.ConversationQuery{Search: "title", Limit: 200})
	if !chat.IsCode(err, chat.CodeStorage) || !strings.Contains(err.Error(), "damaged") {
		t.Fatalf("read with %v (%s)", err, chat.CodeOf(err))
	}
}

func TestANewDatabaseIsPrivate(t *testing.T) {
	url := sqliteURL(t)
	s := open(t, url, sql.Options{})
	if _, err := s.CreateConversation(t.Context(), "ada", chat.Conversation{}); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Dir(strings.TrimPrefix(url, "sqlite://"))
	seen := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", filepath.Base(path), info.Mode())
		}
		seen++
		return nil
	})
	if err != nil || seen < 3 {
		t.Fatalf("saw %d files: %v", seen, err)
	}
}

func TestOpenRefusesURLsWithoutADatabase(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for url, want := range map[string]chat.Code{
		"":                                     chat.CodeInvalid,
		"mysql://host/db":                      chat.CodeInvalid,
		"sqlite://relative.db":                 chat.CodeInvalid,
		"sqlite://":                            chat.CodeInvalid,
		"sqlite://" + file + "/x":              chat.CodeStorage, // below a file
		"sqlite://" + t.TempDir():              chat.CodeStorage, // a directory
		"postgres://user:hunter2@host:port/db": chat.CodeInvalid,
	} {
		_, err := sql.Open(t.Context(), url, sql.Options{})
		if !chat.IsCode(err, want) {
			t.Errorf("%q: %v (%s), want %s", url, err, chat.CodeOf(err), want)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error has the password: %v", err)
		}
	}
}

func TestSQLiteProcessesMigrateOnce(t *testing.T) {
	url := sqliteURL(t)
	startTogether(t, url)
	path := strings.TrimPrefix(url, "sqlite://")
	sqliteExec(t, path, "CREATE TEMP TABLE once (v INTEGER PRIMARY KEY)",
		"INSERT INTO once SELECT version_id FROM goose_db_version") // fails if one is applied twice
}
