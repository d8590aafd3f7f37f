package sql_test

import (
	"testing"

	"chat"
	"chat/internal/services"
	"chat/sql"
)

// stores returns an empty store on each database.
func stores(b *testing.B) map[string]*sql.Store {
	b.Helper()
	all := map[string]*sql.Store{}
	for name, url := range map[string]string{"postgres": services.Postgres(b), "sqlite": "sqlite://" + b.TempDir() + "/chat.db"} {
		s, err := sql.Open(b.Context(), url, sql.Options{})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = s.Close() })
		all[name] = s
	}
	return all
}

// BenchmarkClaim claims one task of a queue with up to 256.
func BenchmarkClaim(b *testing.B) {
	for name, s := range stores(b) {
		b.Run(name, func(b *testing.B) {
			queued := 0
			for b.Loop() {
				if queued == 0 {
					b.StopTimer()
					for ; queued < 256; queued++ {
						submit(b, s, conversation(b, s))
					}
					b.StartTimer()
				}
				got, err := s.Claim(b.Context(), "worker", 1, false)
				if err != nil {
					b.Fatal(err)
				}
				// An owner's tasks are a fairnessGap apart in the queue, but all are due.
				if len(got) != 1 {
					b.Fatalf("claimed %d tasks of %d", len(got), queued)
				}
				queued--
			}
		})
	}
}

// BenchmarkSubmit submits one message, as POST does.
func BenchmarkSubmit(b *testing.B) {
	for name, s := range stores(b) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				id := conversation(b, s)
				b.StartTimer()
				submit(b, s, id)
			}
		})
	}
}

// conversation creates a conversation, because each takes one waiting task.
func conversation(b *testing.B, s *sql.Store) string {
	b.Helper()
	c, err := s.CreateConversation(b.Context(), "ada", chat.Conversation{})
	if err != nil {
		b.Fatal(err)
	}
	return c.ID
}

func submit(b *testing.B, s *sql.Store, conversationID string) {
	b.Helper()
	if _, _, err := s.Submit(b.Context(), "ada", chat.Submission{ConversationID: conversationID, Content: "x"}, chat.SubmitOptions{}); err != nil {
		b.Fatal(err)
	}
}
