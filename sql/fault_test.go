package sql

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lib/pq"

	"chat"
)

func TestErrorsOfDriversGetACode(t *testing.T) {
	for _, tt := range []struct {
		err       error
		want      chat.Code
		retryable bool
	}{
		{&pq.Error{Code: "08006"}, chat.CodeUnavailable, true},
		{&pq.Error{Code: "57P01"}, chat.CodeUnavailable, true},
		{&pq.Error{Code: "57P03"}, chat.CodeUnavailable, true},
		{&pq.Error{Code: "57014"}, chat.CodeUnavailable, true},
		{&pq.Error{Code: "53300"}, chat.CodeUnavailable, true},
		{&pq.Error{Code: "40001"}, chat.CodeUnavailable, true},
		{&pq.Error{Code: "40P01"}, chat.CodeUnavailable, true},
		{&pq.Error{Code: "53100"}, chat.CodeStorage, false},
		{&pq.Error{Code: "58030"}, chat.CodeStorage, false},
		{&pq.Error{Code: "XX001"}, chat.CodeStorage, false},
		{&pq.Error{Code: "25006"}, chat.CodeStorage, false},
		{&pq.Error{Code: "28P01"}, chat.CodeNotConfigured, false},
		{&pq.Error{Code: "3D000"}, chat.CodeNotConfigured, false},
		{&pq.Error{Code: "42601"}, chat.CodeInternal, false},
		{driver.ErrBadConn, chat.CodeUnavailable, true},
		{io.ErrUnexpectedEOF, chat.CodeUnavailable, true},
		{&net.OpError{Op: "dial", Err: errors.New("refused")}, chat.CodeUnavailable, true},
		{context.Canceled, chat.CodeUnavailable, true},
		{context.DeadlineExceeded, chat.CodeUnavailable, true},
		{chat.ErrFenced, chat.CodeConflict, false},
		{errors.New("?"), chat.CodeInternal, false},
	} {
		got := chat.AsError(translate(fmt.Errorf("wrapped: %w", tt.err)))
		if got.Code != tt.want || got.Retryable != tt.retryable || got.Message == "" {
			t.Errorf("%v became %s (retryable %v), want %s", tt.err, got.Code, got.Retryable, tt.want)
		}
		if !errors.Is(got, tt.err) {
			t.Errorf("%v is lost", tt.err)
		}
	}
}

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
	if _, err := s.writer.ExecContext(t.Context(), statement); err != nil {
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
				t.Fatalf("half of it was stored: %v, %v", list, err)
			}
		})
	}
}

func TestAFileLockedByAnotherProcessIsNamed(t *testing.T) {
	s, other := sqliteStore(t), sqliteStore(t)
	var file string
	if err := s.writer.GetContext(t.Context(), &file, "SELECT file FROM pragma_database_list WHERE name = 'main'"); err != nil {
		t.Fatal(err)
	}
	s.mustExec(t, "PRAGMA busy_timeout = 1")
	other.mustExec(t, "ATTACH '"+file+"' AS held")
	other.mustExec(t, "BEGIN IMMEDIATE")
	other.mustExec(t, "UPDATE held.conversations SET title = title")
	_, err := s.CreateConversation(t.Context(), "ada", chat.Conversation{})
	if e := chat.AsError(err); e == nil || e.Code != chat.CodeStorage || !e.Retryable || !strings.Contains(e.Message, "another process") {
		t.Fatalf("created with %v (%s)", err, chat.CodeOf(err))
	}
	if err := s.Ping(t.Context()); err != nil {
		t.Fatalf("it cannot be read either: %v", err)
	}
	other.mustExec(t, "ROLLBACK")
	if _, err := s.CreateConversation(t.Context(), "ada", chat.Conversation{}); err != nil {
		t.Fatalf("after the lock: %v", err)
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

func TestOldKeysAndWorkersAreForgotten(t *testing.T) {
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
	s.mustExec(t, "UPDATE idempotency_keys SET created_at = created_at "+back(keyLife+time.Hour))
	s.mustExec(t, "UPDATE workers SET seen_at = seen_at "+back(workerKept+time.Minute)+" WHERE id = 'old'")
	s.mustExec(t, "UPDATE workers SET seen_at = seen_at "+back(workerSeen+time.Minute)+" WHERE id = 'stale'")

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
	var n int
	if err := s.reader.GetContext(t.Context(), &n, "SELECT count(*) FROM workers"); err != nil || n != 2 {
		t.Fatalf("%d workers are remembered, want 2: %v", n, err)
	}
}

func TestMigrationsComeInPairs(t *testing.T) {
	var names [2][]string
	for i, engine := range []string{"postgres", "sqlite"} {
		entries, err := fs.ReadDir(migrations, "migrations/"+engine)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			names[i] = append(names[i], e.Name())
		}
	}
	if !slices.Equal(names[0], names[1]) {
		t.Errorf("postgres has %v, sqlite has %v", names[0], names[1])
	}
	newest := names[0][len(names[0])-1]
	if n, err := strconv.Atoi(newest[:5]); err != nil || n != latest {
		t.Errorf("the newest migration is %s, but latest is %d", newest, latest)
	}
}
