package sql_test

import (
	"sync"
	"testing"

	"go.uber.org/goleak"

	"chat"
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

// migrated migrates an empty database and returns its URL.
func migrated(t *testing.T, url string) string {
	t.Helper()
	s, err := sql.Open(t.Context(), url, sql.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return url
}

// startTogether opens an empty database in several stores at the same time, and uses each.
func startTogether(t *testing.T, url string) {
	t.Helper()
	const starters = 6
	start := make(chan struct{})
	var wg sync.WaitGroup
	for range starters {
		wg.Go(func() {
			<-start
			s, err := sql.Open(t.Context(), url, sql.Options{})
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := s.CreateConversation(t.Context(), "ada", chat.Conversation{}); err != nil {
				t.Error(err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	close(start)
	wg.Wait()
	s := open(t, url, sql.Options{})
	list, _, err := s.Conversations(t.Context(), "ada", chat.ConversationQuery{})
	if err != nil || len(list) != starters {
		t.Fatalf("%d conversations, want %d: %v", len(list), starters, err)
	}
}
