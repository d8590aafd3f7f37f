package sql_test

import (
	"testing"

	"go.uber.org/goleak"

	"chat/sql"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open opens a store that is closed when the test ends.
func open(t *testing.T, url string, o sql.Options) *sql.Store {
	t.Helper()
	s, err := sql.Open(t.Context(), url, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}
