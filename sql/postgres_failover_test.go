package sql_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"chat"
	"chat/internal/poll"
	"chat/internal/services"
	"chat/sql"
	"chat/sql/sqltest"
)

// settle is how long a store may take to find the primary after a promotion.
const settle = 20 * time.Second

// eventually waits until do succeeds, and returns how often it failed.
func eventually(t *testing.T, what string, do func() error) (failures int) {
	t.Helper()
	var err error
	if !poll.Until(settle, func() bool {
		if err = do(); err != nil {
			failures++
		}
		return err == nil
	}) {
		t.Fatalf("%s: still failing after %s: %v", what, settle, err)
	}
	return failures
}

func create(t *testing.T, s *sql.Store, title string) func() error {
	t.Helper()
	return func() error {
		_, err := s.CreateConversation(t.Context(), "ada", chat.Conversation{Title: title})
		if err != nil && !chat.IsCode(err, chat.CodeUnavailable) {
			t.Errorf("%v (%s), want %s", err, chat.CodeOf(err), chat.CodeUnavailable)
		}
		return err
	}
}

// A store that knows both servers follows the role of the primary, whichever is named first.
func TestAStoreFindsThePromotedStandby(t *testing.T) {
	t.Parallel()
	primary := services.StartPostgres(t)
	standby := primary.StartStandby(t)
	s := open(t, services.HostsURL("", standby.Addr(), primary.Addr()), sql.Options{})
	kept, err := s.CreateConversation(t.Context(), "ada", chat.Conversation{Title: "before"})
	if err != nil {
		t.Fatal(err)
	}
	if err := primary.CaughtUp(t.Context(), standby); err != nil {
		t.Fatal(err)
	}
	if err := primary.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := create(t, s, "too early")(); err == nil {
		t.Error("a standby accepted a change")
	} else if text := err.Error(); strings.Contains(text, "\n") || !strings.Contains(text, "promoted") {
		t.Errorf("the error does not say what to do: %q", text)
	}
	if err := standby.Promote(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "after the promotion", create(t, s, "after"))
	if _, err := s.Conversation(t.Context(), "ada", kept.ID); err != nil {
		t.Errorf("what the standby had is lost: %v", err)
	}
}

// A primary that hangs accepts connections and does not answer. It costs one connection its
// timeout, and not every one.
func TestAHangingPrimaryIsLeft(t *testing.T) {
	t.Parallel()
	primary := services.StartPostgres(t)
	standby := primary.StartStandby(t)
	before := sqltest.NewProxy(t, primary.URL())
	address := strings.Split(strings.TrimPrefix(before.URL, "postgres://postgres@"), "/")[0]
	s := open(t, services.HostsURL("connect_timeout=1", address, standby.Addr()), sql.Options{MaxOpen: 4, ResponseTimeout: time.Second})
	if err := create(t, s, "before")(); err != nil {
		t.Fatal(err)
	}
	before.FreezeAll()
	if err := standby.Promote(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := eventually(t, "after the promotion", create(t, s, "after")); n > 2 {
		t.Errorf("%d failures, want at most 2: one connection that hangs, and one attempt to connect", n)
	}
	held := holdConnections(t, s, 4) // more than the one that the pool has now
	defer held()
	if err := returnsWithin(t, 700*time.Millisecond, create(t, s, "soon")); err != nil {
		t.Error(err)
	}
}

// holdConnections makes the pool open n connections at the same time.
func holdConnections(t *testing.T, s *sql.Store, n int) (wait func()) {
	t.Helper()
	done := make(chan error, n)
	for range n {
		go func() { done <- s.Ping(context.WithoutCancel(t.Context())) }()
	}
	return func() {
		for range n {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	}
}

// An address may lead to a standby for a while, or a server may be made read-only while its
// connections stay. Connections to it must not be used again.
func TestConnectionsToAReadOnlyServerAreDropped(t *testing.T) {
	t.Parallel()
	primary := services.StartPostgres(t)
	standby := primary.StartStandby(t)
	s := open(t, services.HostsURL("", primary.Addr(), standby.Addr()), sql.Options{MaxOpen: 6})
	if err := create(t, s, "before")(); err != nil {
		t.Fatal(err)
	}
	holdConnections(t, s, 6)()
	if err := standby.Promote(t.Context()); err != nil {
		t.Fatal(err)
	}
	services.Execute(t, primary.URL(), "ALTER SYSTEM SET default_transaction_read_only = on")
	services.Execute(t, primary.URL(), "SELECT pg_reload_conf()")
	if !poll.Until(settle, func() bool { return create(t, s, "moved")() != nil }) {
		t.Fatal("a read-only server accepts changes")
	}
	if n := eventually(t, "after the refusal", create(t, s, "after")); n > 0 {
		t.Errorf("%d more failures on old connections", n)
	}
}

func TestAStandbyAloneIsUnavailable(t *testing.T) {
	t.Parallel()
	primary := services.StartPostgres(t)
	open(t, primary.URL(), sql.Options{}) // makes the tables
	standby := primary.StartStandby(t)
	s := open(t, standby.URL(), sql.Options{})
	for what, do := range map[string]func() error{
		"a statement": create(t, s, "x"),
		"a transaction": func() error {
			_, _, err := s.Submit(t.Context(), "ada", chat.Submission{Content: "x"}, chat.SubmitOptions{IdempotencyKey: "k"})
			return err
		},
		"a claim": func() error {
			_, err := s.Claim(t.Context(), "w", 1, false)
			return err
		},
	} {
		if err := do(); !chat.IsCode(err, chat.CodeUnavailable) || !strings.Contains(err.Error(), "DATABASE_URL") {
			t.Errorf("%s: %v (%s)", what, err, chat.CodeOf(err))
		}
	}
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("a read: %v", err)
	}
}

// While the synchronous standby is away, no commit is acknowledged, not even one that a cancel
// made PostgreSQL give up waiting for, or that a repetition finds.
func TestNothingIsAcknowledgedWithoutTheSynchronousStandby(t *testing.T) {
	t.Parallel()
	primary := services.StartPostgres(t)
	s := open(t, primary.URL(), sql.Options{})
	conv, err := s.CreateConversation(t.Context(), "ada", chat.Conversation{})
	if err != nil {
		t.Fatal(err)
	}
	standby := primary.StartStandby(t)
	accepted, _, err := s.Submit(t.Context(), "ada", chat.Submission{Content: "x"}, chat.SubmitOptions{})
	if err != nil {
		t.Fatal(err)
	}
	claims, err := s.Claim(t.Context(), "worker", 1, false)
	if err != nil || len(claims) != 1 || claims[0].ID != accepted.TaskID {
		t.Fatalf("%v %v", claims, err)
	}
	if err := primary.SetSynchronous(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := standby.Kill(); err != nil {
		t.Fatal(err)
	}
	inTime := func(do func(context.Context) error) error {
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		return do(ctx)
	}
	for _, try := range []string{"the first time", "again"} {
		for what, do := range map[string]func(context.Context) error{
			"a conversation": func(ctx context.Context) error {
				_, err := s.CreateConversation(ctx, "ada", chat.Conversation{})
				return err
			},
			"a message in one statement": func(ctx context.Context) error {
				_, _, err := s.Submit(ctx, "ada", chat.Submission{ConversationID: conv.ID, Content: "x"}, chat.SubmitOptions{TaskID: "01900000-0000-7000-8000-00000000aaaa"})
				if chat.IsCode(err, chat.CodeBusy) {
					return context.DeadlineExceeded
				}
				return err
			},
			"a message with a key": func(ctx context.Context) error {
				_, _, err := s.Submit(ctx, "ada", chat.Submission{Content: "x"}, chat.SubmitOptions{IdempotencyKey: "key"})
				return err
			},
			"an answer": func(ctx context.Context) error {
				return s.Finish(ctx, chat.Result{
					TaskID: accepted.TaskID, Attempt: claims[0].Attempt, State: chat.TaskDone, Parts: chat.Parts{{Type: chat.PartText, Text: "y"}},
				})
			},
		} {
			if err := inTime(do); err == nil {
				t.Errorf("%s was acknowledged %s", what, try)
			}
		}
	}
	if err := standby.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := primary.CaughtUp(t.Context(), standby); err != nil {
		t.Fatal(err)
	}
	eventually(t, "with the standby", func() error {
		_, _, err := s.Submit(t.Context(), "ada", chat.Submission{Content: "x"}, chat.SubmitOptions{IdempotencyKey: "key"})
		return err
	})
}

// A standby that lacks the last claims issues them again. The numbers of attempts must not
// repeat: readers and the chunk log know the lost ones, and two workers would share a fence.
func TestAPromotedStandbyRepeatsNoAttempt(t *testing.T) {
	t.Parallel()
	primary := services.StartPostgres(t)
	old := open(t, primary.URL(), sql.Options{})
	accepted, _, err := old.Submit(t.Context(), "ada", chat.Submission{Content: "x"}, chat.SubmitOptions{})
	if err != nil {
		t.Fatal(err)
	}
	standby := primary.StartStandby(t)
	if err := standby.Kill(); err != nil {
		t.Fatal(err)
	}
	lost, err := old.Claim(t.Context(), "worker 1", 1, false)
	if err != nil || len(lost) != 1 || lost[0].Attempt != 1 {
		t.Fatalf("%v %v", lost, err)
	}
	if err := primary.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := standby.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := standby.Promote(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := open(t, standby.URL(), sql.Options{})
	claims, err := s.Claim(t.Context(), "worker 2", 1, false)
	if err != nil || len(claims) != 1 || claims[0].ID != accepted.TaskID {
		t.Fatalf("%v %v", claims, err)
	}
	if c := claims[0]; c.Attempt <= lost[0].Attempt || c.Counted != 1 || c.LastAttempt {
		t.Errorf("attempt %d after the lost attempt %d, %d of which count", c.Attempt, lost[0].Attempt, c.Counted)
	}
	answer := func(c chat.Claim, text string) error {
		return s.Finish(t.Context(), chat.Result{TaskID: c.ID, Attempt: c.Attempt, State: chat.TaskDone, Parts: chat.Parts{{Type: chat.PartText, Text: text}}})
	}
	if err := answer(lost[0], "lost"); !chat.IsCode(err, chat.CodeConflict) {
		t.Errorf("a claim that the database has lost commits: %v", err)
	}
	if err := answer(claims[0], "kept"); err != nil {
		t.Error(err)
	}
	// Tasks of the new timeline are counted from 1 again.
	if _, _, err := s.Submit(t.Context(), "ada", chat.Submission{Content: "x"}, chat.SubmitOptions{}); err != nil {
		t.Fatal(err)
	}
	if again, err := s.Claim(t.Context(), "worker 2", 1, false); err != nil || len(again) != 1 || again[0].Attempt != 1 {
		t.Errorf("a new task: %v %v", again, err)
	}
}
