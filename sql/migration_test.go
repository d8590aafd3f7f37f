package sql

import (
	stdsql "database/sql"
	"path/filepath"
	"testing"

	"chat"
	"chat/internal/services"
)

// A database of the version before parts is opened without loss.
func TestTextsBecomeParts(t *testing.T) {
	for dialect, urls := range map[string]func(t *testing.T) (driver, dsn, url string){
		"sqlite": func(t *testing.T) (driver, dsn, url string) {
			path := filepath.Join(t.TempDir(), "chat.db")
			return "sqlite", path, "sqlite://" + path
		},
		"postgres": func(t *testing.T) (driver, dsn, url string) {
			url = services.Postgres(t)
			return "postgres", url, url
		},
	} {
		t.Run(dialect, func(t *testing.T) {
			driver, dsn, url := urls(t)
			db, err := stdsql.Open(driver, dsn)
			if err != nil {
				t.Fatal(err)
			}
			p, err := provider(dialect, db)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := p.UpTo(t.Context(), 7); err != nil {
				t.Fatal(err)
			}
			exec := func(query string, args ...any) {
				t.Helper()
				if _, err := db.ExecContext(t.Context(), query, args...); err != nil {
					t.Fatal(err)
				}
			}
			const conversation = "019b7ca9-8f2e-7ce8-8d41-80a04c788b7f"
			exec(`INSERT INTO conversations (id, owner, title, folded, model, system, next_seq, created_at, updated_at) VALUES ($1, 'ada', 'T', 't', '', '', 9, 1, 2)`, conversation)
			old := []struct {
				id, role, content, reasoning string
				ms                           int
				want                         chat.Parts
			}{
				{"1", "user", "why \"so\"?\r\n\t\\ 🙂 \u2028 <b>&", "", 0, chat.TextParts("why \"so\"?\r\n\t\\ 🙂 \u2028 <b>&")},
				{"2", "assistant", "because", "hm\x1b[1m", 1234, chat.AnswerParts("hm\x1b[1m", 1234, "because")},
				{"3", "assistant", "", "hm", 0, chat.AnswerParts("hm", 0, "")},
				{"4", "assistant", "", "", 0, nil},
				{"5", "assistant", "so", "", 0, chat.TextParts("so")},
			}
			for i, m := range old {
				exec(`INSERT INTO messages (id, conversation_id, seq, parent_id, role, model, created_at, updated_at, content, reasoning, reasoning_ms, folded)
					VALUES ($1, $2, $3, '', $4, '', 1, 2, $5, $6, $7, '')`, m.id, conversation, i+1, m.role, m.content, m.reasoning, m.ms)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			s, err := Open(t.Context(), url, Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			}()
			got, err := s.Messages(t.Context(), "ada", conversation)
			if err != nil || len(got) != len(old) {
				t.Fatalf("%d messages, %v", len(got), err)
			}
			for i, m := range old {
				if g := got[i]; !g.Parts.Equal(m.want) || g.Content != m.content || g.Reasoning != m.reasoning || int(g.ReasoningMS) != m.ms {
					t.Errorf("message %s is %+v, want %+v", m.id, g, m.want)
				}
				size, err := get[int](t.Context(), s, `SELECT size FROM messages WHERE id = $1`, m.id)
				if err != nil || size != len(m.content)+len(m.reasoning) {
					t.Errorf("message %s has the size %d, %v", m.id, size, err)
				}
			}
		})
	}
}
