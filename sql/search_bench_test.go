package sql

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"chat"
	"chat/internal/services"
	"chat/sql/database"
	"chat/sql/lists"
	"chat/sql/rows"
)

const (
	manyConversations = 10_000
	messagesOfEach    = 4
)

// searched are the searches that run on the record of fill, each with its figure.
var searched = []struct{ figure, search string }{
	{"a_word_in_8_messages", "needleword"},
	{"a_word_in_1,000_messages", "oftenword"},
	{"a_word_in_every_message", "common"},
	{"a_word_in_none", "nowhere"},
	{"three_words", "common oftenword need"},
	{"two_letters,_in_8_messages", "qx"},
	{"two_letters,_in_every_message", "co"},
	{"two_letters,_in_none", "xq"},
	{"one_sign,_in_8_messages", "鯨"},
	{"one_letter,_in_every_message", "e"},
	{"one_sign,_in_none", "鮫"},
}

// BenchmarkScreen searches 10,000 conversations of 4 messages of about 600 bytes. The
// baseline reads every message, like a search without an index. Figures are medians.
func BenchmarkScreen(b *testing.B) {
	for name, open := range map[string]func(testing.TB) string{
		"search-sqlite":   func(t testing.TB) string { return "sqlite://" + filepath.Join(t.TempDir(), "chat.db") },
		"search-postgres": services.Postgres,
	} {
		b.Run(name, func(b *testing.B) {
			s, err := Open(b.Context(), open(b), Options{})
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() {
				if err := s.Close(); err != nil {
					b.Error(err)
				}
			})
			s.fill(b)
			measure(b, "chat", 15, func(search string) int {
				list, _, err := s.Conversations(b.Context(), "ada", chat.ConversationQuery{Search: search})
				if err != nil {
					b.Fatal(err)
				}
				return len(list)
			})
			measure(b, "baseline", 3, func(search string) int { return s.scan(b, search) })
		})
	}
}

// measure reports the median time of each search, and checks what it finds.
func measure(b *testing.B, name string, times int, search func(string) int) {
	b.Run(name, func(b *testing.B) {
		for b.Loop() {
			for _, q := range searched {
				var took []time.Duration
				for range times {
					began := time.Now()
					found := search(q.search)
					took = append(took, time.Since(began))
					if want := hits(q.figure); found != want {
						b.Fatalf("%s: %d found, want %d", q.figure, found, want)
					}
				}
				slices.Sort(took)
				b.ReportMetric(float64(took[times/2])/float64(time.Millisecond), q.figure+"-ms")
			}
		}
	})
}

// hits returns how many conversations a search returns.
func hits(figure string) int {
	switch {
	case strings.Contains(figure, "_none"):
		return 0
	case strings.Contains(figure, "_8_"), figure == "three_words":
		return 8
	}
	return lists.DefaultLimit
}

// scan is a search that reads every message.
func (s *Store) scan(b *testing.B, search string) int {
	args := database.Args{"ada"}
	where := "o.owner = $1"
	for _, w := range strings.Fields(search) {
		where += " AND EXISTS (SELECT 1 FROM messages m WHERE m.conversation_id = o.id AND " +
			s.Syntax.Contains("m.folded || ''", w, &args) + ")"
	}
	// No index serves this order, so that the scan cannot end early.
	list, err := database.List[rows.Conversation](b.Context(), s.db, "SELECT "+rows.ConversationColumns+" FROM conversations o WHERE "+where+
		fmt.Sprintf(" ORDER BY o.updated_at + 0 DESC LIMIT %d", lists.DefaultLimit), args...)
	if err != nil {
		b.Fatal(err)
	}
	return len(list)
}

// fill stores the record. Its texts consist of words of eight letters without x, q and e,
// and of the searched words; the rare ones are in the oldest conversations.
func (s *Store) fill(b *testing.B) {
	b.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	words := make([]string, 5000)
	for i := range words {
		word := make([]byte, 8)
		for j := range word {
			word[j] = "abdfghijklmnoprstuvwyz"[r.IntN(22)]
		}
		words[i] = string(word)
	}
	begin := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	id := func(n int) string { return fmt.Sprintf("0194aaaa-0000-7000-8000-%012d", n) }
	for c := 0; c < manyConversations; {
		err := s.inTx(b.Context(), func(t *transaction) error {
			for range 500 {
				at := begin.Add(time.Duration(c) * time.Minute)
				made := chat.Conversation{ID: id(c), Title: "Talk " + fmt.Sprint(c), CreatedAt: at, UpdatedAt: at}
				if err := t.insertCompleteConversation(b.Context(), "ada", made); err != nil {
					return err
				}
				var list []chat.Message
				for m := range messagesOfEach {
					text := []string{"common"}
					for range 66 {
						text = append(text, words[r.IntN(len(words))])
					}
					if m == 0 && c < 8 {
						text = append(text, "needleword qx 鯨")
					}
					if m == 0 && c%10 == 0 || c < 8 {
						text = append(text, "oftenword")
					}
					list = append(list, chat.Message{
						ID: id(1_000_000 + c*messagesOfEach + m), ConversationID: made.ID, Role: chat.RoleUser,
						CreatedAt: at, UpdatedAt: at, Content: strings.Join(text, " "),
					})
				}
				if _, err := t.insertCompleteMessages(b.Context(), "ada", 1, list); err != nil {
					return err
				}
				c++
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	if s.db.Engine() == "postgres" { // as autovacuum does within a minute
		if _, err := s.db.Exec(b.Context(), "VACUUM ANALYZE"); err != nil {
			b.Fatal(err)
		}
	}
}
