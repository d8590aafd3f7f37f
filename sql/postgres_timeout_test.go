package sql_test

import (
	"context"
	stdsql "database/sql"
	"sync"
	"testing"
	"time"

	"chat"
	"chat/internal/services"
	"chat/sql"
	"chat/sql/sqltest"
)

// fillPool opens n connections of the pool and leaves them idle.
func fillPool(t *testing.T, s *sql.Store, p *sqltest.Proxy, n int) {
	t.Helper()
	for p.Connections() < n {
		var wg sync.WaitGroup
		for range n {
			wg.Go(func() {
				if err := s.Ping(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}
}

// returnsWithin fails the test if do takes longer than limit, and ends it 5 s later.
func returnsWithin(t *testing.T, limit time.Duration, do func() error) error {
	t.Helper()
	began, ended := time.Now(), make(chan error, 1)
	go func() { ended <- do() }()
	select {
	case err := <-ended:
		if took := time.Since(began); took > limit {
			t.Errorf("it took %s, want at most %s", took, limit)
		}
		return err
	case <-time.After(limit + 5*time.Second):
		t.Fatalf("still waiting after %s", time.Since(began))
		return nil
	}
}

func TestASilentPostgresTimesOut(t *testing.T) {
	p := sqltest.NewProxy(t, services.Postgres(t))
	s := open(t, p.URL, sql.Options{MaxOpen: 6, ResponseTimeout: 500 * time.Millisecond})
	fillPool(t, s, p, 6)
	p.Freeze()
	err := returnsWithin(t, 3*time.Second, func() error { return s.Ping(context.WithoutCancel(t.Context())) })
	if e := chat.AsError(err); e == nil || e.Code != chat.CodeUnavailable || !e.Retryable {
		t.Fatalf("%v (%s)", err, chat.CodeOf(err))
	}
	// The other idle connections are silent, too, and must not be used again.
	if err := returnsWithin(t, 400*time.Millisecond, func() error { return s.Ping(t.Context()) }); err != nil {
		t.Fatalf("on a new connection: %v", err)
	}
}

func TestAContextEndsTheWaitForASilentPostgres(t *testing.T) {
	for name, freeze := range map[string]func(*sqltest.Proxy){
		"whose connections are silent": (*sqltest.Proxy).Freeze, "that accepts no connection": (*sqltest.Proxy).FreezeAll,
	} {
		for what, do := range map[string]func(context.Context, *sql.Store, string) error{
			"a query": func(ctx context.Context, s *sql.Store, _ string) error { return s.Ping(ctx) },
			"a transaction": func(ctx context.Context, s *sql.Store, conversationID string) error {
				_, _, err := s.Submit(ctx, "ada", chat.Submission{ConversationID: conversationID, Content: "x"}, chat.SubmitOptions{})
				return err
			},
		} {
			t.Run(what+" of a server "+name, func(t *testing.T) {
				p := sqltest.NewProxy(t, services.Postgres(t))
				s := open(t, p.URL, sql.Options{MaxOpen: 4, ResponseTimeout: time.Hour})
				c, err := s.CreateConversation(t.Context(), "ada", chat.Conversation{})
				if err != nil {
					t.Fatal(err)
				}
				fillPool(t, s, p, 4)
				freeze(p)
				err = returnsWithin(t, 2*time.Second, func() error {
					ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
					defer cancel()
					return do(ctx, s, c.ID)
				})
				if !chat.IsCode(err, chat.CodeUnavailable) {
					t.Errorf("%v (%s)", err, chat.CodeOf(err))
				}
				p.Thaw()
				if err := returnsWithin(t, time.Second, func() error { return s.Ping(t.Context()) }); err != nil {
					t.Errorf("on a new connection: %v", err)
				}
			})
		}
	}
}

func TestAContextEndsTheConnectionSetup(t *testing.T) {
	p := sqltest.NewProxy(t, withQuery(t, services.Postgres(t), "connect_timeout", "60"))
	p.FreezeAll()
	err := returnsWithin(t, time.Second, func() error {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		_, err := sql.Open(ctx, p.URL, sql.Options{})
		return err
	})
	if !chat.IsCode(err, chat.CodeUnavailable) {
		t.Errorf("%v (%s)", err, chat.CodeOf(err))
	}
}

func TestAMigrationHasNoResponseTimeout(t *testing.T) {
	url := services.Postgres(t)
	db, err := stdsql.Open("postgres", url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.ExecContext(t.Context(), "CREATE TABLE conversations (held BIGINT)"); err != nil {
		t.Fatal(err)
	}
	opened := make(chan error, 1)
	go func() {
		s, err := sql.Open(t.Context(), url, sql.Options{ResponseTimeout: 400 * time.Millisecond})
		if err == nil {
			err = s.Close()
		}
		opened <- err
	}()
	select {
	case err := <-opened:
		t.Fatalf("it did not wait: %v", err)
	case <-time.After(time.Second):
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := <-opened; err != nil {
		t.Errorf("after the wait: %v", err)
	}
}
