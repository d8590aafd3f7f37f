package sql

import (
	"context"
	"errors"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"chat"
	"chat/sql/database"
)

func sqliteStore(t *testing.T) *Store {
	t.Helper()
	s, err := Open(t.Context(), "sqlite://"+filepath.Join(t.TempDir(), "chat.db"), Options{})
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

func (s *Store) mustExec(t *testing.T, statement string) {
	t.Helper()
	if _, err := s.db.Exec(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

func TestADatabaseThatCannotBeWrittenCanBeRead(t *testing.T) {
	for name, tt := range map[string]struct {
		pragma, says string
		retryable    bool
	}{
		"full disk": {"PRAGMA max_page_count = 1", "disk is full", true},
		"read-only": {"PRAGMA query_only = 1", "read-only", false},
	} {
		t.Run(name, func(t *testing.T) {
			s := sqliteStore(t)
			c, err := s.CreateConversation(t.Context(), "ada", chat.Conversation{})
			if err != nil {
				t.Fatal(err)
			}
			s.mustExec(t, tt.pragma)
			_, _, err = s.Submit(t.Context(), "ada", chat.Submission{ConversationID: c.ID, Content: strings.Repeat("long text ", 1e5)}, chat.SubmitOptions{})
			if e := chat.AsError(err); e == nil || e.Code != chat.CodeStorage || e.Retryable != tt.retryable || !strings.Contains(e.Message, tt.says) {
				t.Fatalf("submitted with %v (%s)", err, chat.CodeOf(err))
			}
			got, err := s.Conversation(t.Context(), "ada", c.ID)
			if err != nil || got != c {
				t.Fatalf("read %+v, %v; want %+v", got, err, c)
			}
			list, err := s.Messages(t.Context(), "ada", c.ID)
			if err != nil || len(list) != 0 {
				t.Fatalf("part of it was stored: %v, %v", list, err)
			}
		})
	}
}

func TestAFileLockedByAnotherProcessIsReported(t *testing.T) {
	s, other := sqliteStore(t), sqliteStore(t)
	file, err := database.Get[string](t.Context(), s.db, "SELECT file FROM pragma_database_list WHERE name = 'main'")
	if err != nil {
		t.Fatal(err)
	}
	s.mustExec(t, "PRAGMA busy_timeout = 1")
	other.mustExec(t, "ATTACH '"+file+"' AS held")
	other.mustExec(t, "BEGIN IMMEDIATE")
	other.mustExec(t, "UPDATE held.conversations SET title = title")
	_, err = s.CreateConversation(t.Context(), "ada", chat.Conversation{})
	if e := chat.AsError(err); e == nil || e.Code != chat.CodeStorage || !e.Retryable || !strings.Contains(e.Message, "another process") {
		t.Fatalf("created with %v (%s)", err, chat.CodeOf(err))
	}
	if err := s.Ping(t.Context()); err != nil {
		t.Fatalf("it cannot be read either: %v", err)
	}
	other.mustExec(t, "ROLLBACK")
	if _, err := s.CreateConversation(t.Context(), "ada", chat.Conversation{}); err != nil {
		t.Fatalf("after the lock was released: %v", err)
	}
}

func TestAContextThatEndsUndoesTheWrite(t *testing.T) {
	s := sqliteStore(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.CreateConversation(ctx, "ada", chat.Conversation{})
	if !chat.IsCode(err, chat.CodeUnavailable) || !errors.Is(err, context.Canceled) {
		t.Fatalf("created with %v (%s)", err, chat.CodeOf(err))
	}
	list, _, err := s.Conversations(t.Context(), "ada", chat.ConversationQuery{})
	if err != nil || len(list) != 0 {
		t.Fatalf("stored %v, %v", list, err)
	}
}

func TestOldKeysAndWorkersAreDeleted(t *testing.T) {
	s := sqliteStore(t)
	c, err := s.CreateConversation(t.Context(), "ada", chat.Conversation{})
	if err != nil {
		t.Fatal(err)
	}
	o := chat.SubmitOptions{IdempotencyKey: "old", BodyHash: "h"}
	if _, _, err := s.Submit(t.Context(), "ada", chat.Submission{ConversationID: c.ID, Content: "x"}, o); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"old", "stale", "fresh"} {
		if err := s.Heartbeat(t.Context(), chat.Worker{ID: id, StartedAt: time.Now()}); err != nil {
			t.Fatal(err)
		}
	}
	back := func(d time.Duration) string { return "- " + strconv.FormatInt(micros(d), 10) }
	s.mustExec(t, "UPDATE idempotency_keys SET created_at = created_at "+back(keyTTL+time.Hour))
	s.mustExec(t, "UPDATE workers SET seen_at = seen_at "+back(10*time.Minute+time.Minute)+" WHERE id = 'old'")
	s.mustExec(t, "UPDATE workers SET seen_at = seen_at "+back(30*time.Second+time.Minute)+" WHERE id = 'stale'")

	if _, _, err := s.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if known, err := s.KeyKnown(t.Context(), "ada", o.IdempotencyKey); err != nil || known {
		t.Fatalf("the key is still known: %v, %v", known, err)
	}
	list, err := s.Workers(t.Context())
	if err != nil || len(list) != 1 || list[0].ID != "fresh" {
		t.Fatalf("listed %+v, %v", list, err)
	}
	if err := s.Heartbeat(t.Context(), list[0]); err != nil {
		t.Fatal(err)
	}
	n, err := database.Get[int](t.Context(), s.db, "SELECT count(*) FROM workers")
	if err != nil || n != 2 {
		t.Fatalf("%d workers are stored, want 2: %v", n, err)
	}
}
