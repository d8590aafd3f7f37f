package records

import (
	"context"
	stdsql "database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"

	"chat/sql/search"
)

// The owners whose conversations are measured: Large has a tenth of all messages, and Steady
// has about 1,000 messages in a database of any size. Others share the rest.
const (
	Large  = "ada"
	Steady = "bob"
)

const (
	others     = 1000 // owners
	vocabulary = 20_000
	// Rare words stand in this many conversations of Large and of Steady, in databases of any
	// size, and the often word in more than fill a page.
	rareConversations, oftenConversations = 8, 60
	// steadyConversations is about how many conversations Steady has.
	steadyConversations = 100
)

// The words that are searched for. No word of the vocabulary contains one of them.
const (
	rareWord   = "needleword"
	rareShort  = "qx"
	rareSign   = "鯨"
	commonWord = "common"    // in every question
	oftenWord  = "oftenword" // also in every hundredth conversation of the others
)

// filler makes the rows of a database. The same seed makes the same rows.
type filler struct {
	random *rand.Rand
	zipf   *rand.Zipf
	words  []string
	begin  int64 // microseconds since 1970
	made   int   // ids
	// conversations of Large and Steady, the newest last.
	conversations map[string][]string
}

func newFiller(seed uint64) *filler {
	f := &filler{random: rand.New(rand.NewPCG(seed, 1)), conversations: map[string][]string{}}
	f.zipf = rand.NewZipf(f.random, 1.1, 8, vocabulary-1)
	f.begin = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()
	for range vocabulary {
		f.words = append(f.words, f.word())
	}
	return f
}

// word makes a word of two to four syllables, without q and x.
func (f *filler) word() string {
	var b strings.Builder
	for range 2 + f.random.IntN(3) {
		b.WriteByte("bdfghklmnprstvwz"[f.random.IntN(16)])
		b.WriteByte("aeiou"[f.random.IntN(5)])
		if f.random.IntN(3) == 0 {
			b.WriteByte("lnrst"[f.random.IntN(5)])
		}
	}
	return b.String()
}

// id makes the next id: a UUID that is later than the one before.
func (f *filler) id() string {
	f.made++
	return fmt.Sprintf("0190aaaa-0000-7000-8000-%012d", f.made)
}

// text makes a text of about n words.
func (f *filler) text(n int) []string {
	list := make([]string, max(1, n/2+f.random.IntN(n+1)))
	for i := range list {
		list[i] = f.words[f.zipf.Uint64()]
	}
	return list
}

// turns is the number of questions in a conversation: half of all have one or two, one in
// a hundred has fifty or more.
func (f *filler) turns() int {
	return min(200, 1+int(0.9/(1-f.random.Float64())))
}

// owner of conversation n of about m.
func (f *filler) owner(n, m int) string {
	if n%max(1, m/steadyConversations) == 0 {
		return Steady
	}
	if f.random.IntN(10) == 0 {
		return Large
	}
	return fmt.Sprintf("user%d", f.random.IntN(others))
}

// rows are what one conversation adds to the tables.
type rows struct{ conversations, messages, tasks [][]any }

// table is what is added to one table.
type table struct {
	name    string
	columns []string
	rows    [][]any
}

func (r rows) tables() []table {
	return []table{
		{"conversations", []string{"id", "owner", "title", "folded", "model", "system", "next_seq", "created_at", "updated_at"}, r.conversations},
		{"messages", []string{"id", "conversation_id", "seq", "parent_id", "role", "model", "created_at", "updated_at", "folded", "parts", "size"}, r.messages},
		{"tasks", []string{
			"id", "conversation_id", "message_id", "user_message_id", "owner", "state", "priority", "queue_at", "attempt", "uncounted_attempts", "model", "worker",
			"run_after", "deadline_seconds", "cancel_requested", "created_at", "started_at", "finished_at", "finish_reason", "prompt_tokens", "completion_tokens",
			"total_tokens", "error_code", "error_message", "error_retryable", "chunk_count",
		}, r.tasks},
	}
}

// conversation adds one conversation, number n of m.
func (f *filler) conversation(to *rows, n, m int) error {
	owner, id := f.owner(n, m), f.id()
	own := math.MaxInt // number of the conversation, of an owner that is measured
	if owner == Large || owner == Steady {
		f.conversations[owner] = append(f.conversations[owner], id)
		own = len(f.conversations[owner])
	}
	at := f.begin + int64(float64(n)/float64(m)*float64(600*24*time.Hour/time.Microsecond))
	title := strings.Join(f.text(5), " ")
	turns := f.turns()
	to.conversations = append(to.conversations, []any{id, owner, title, search.Fold(title), "", "", 2*turns + 1, at, at + int64(turns)*30_000_000})
	parent := ""
	for turn := range turns {
		question := append(f.text(18), commonWord)
		if turn == 0 && own <= rareConversations {
			question = append(question, rareWord, rareShort, rareSign)
		}
		if turn == 0 && (own <= oftenConversations || own == math.MaxInt && f.random.IntN(100) == 0) {
			question = append(question, oftenWord)
		}
		asked, answered := f.id(), f.id()
		at += 30_000_000
		if err := f.message(to, id, 2*turn+1, asked, parent, "user", at, question); err != nil {
			return err
		}
		answer := f.text(60)
		if err := f.message(to, id, 2*turn+2, answered, asked, "assistant", at, answer); err != nil {
			return err
		}
		parent = answered
		state, reason, code := "done", "stop", ""
		if f.random.IntN(200) == 0 {
			state, reason, code = "failed", "", "provider_error"
		}
		to.tasks = append(to.tasks, []any{
			f.id(), id, answered, asked, owner, state, 1, at, 1, 0, "large", "worker", at, 0, false, at, at, at + 5_000_000, reason,
			len(question), len(answer), len(question) + len(answer), code, "", false, len(answer),
		})
	}
	return nil
}

func (f *filler) message(to *rows, conversation string, seq int, id, parent, role string, at int64, words []string) error {
	text := strings.Join(words, " ")
	parts, err := json.Marshal([]map[string]string{{"type": "text", "text": text}})
	if err != nil {
		return err
	}
	model := ""
	if role == "assistant" {
		model = "large"
	}
	to.messages = append(to.messages, []any{id, conversation, seq, parent, role, model, at, at, search.Fold(text), string(parts), len(text)})
	return nil
}

// fill adds at least n messages to an empty database and returns their number.
func (f *filler) fill(ctx context.Context, db *stdsql.DB, postgres bool, n int) (int, error) {
	const perConversation = 10 // messages, about; it spreads the times
	total := 0
	for c := 0; total < n; {
		var batch rows
		for ; total+len(batch.messages) < n && len(batch.messages) < 20_000; c++ {
			if err := f.conversation(&batch, c, n/perConversation); err != nil {
				return total, err
			}
		}
		total += len(batch.messages)
		if err := insert(ctx, db, postgres, batch); err != nil {
			return total, fmt.Errorf("fill the database: %w", err)
		}
	}
	return total, nil
}

func insert(ctx context.Context, db *stdsql.DB, postgres bool, batch rows) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	for _, t := range batch.tables() {
		statement := "INSERT INTO " + t.name + " (" + strings.Join(t.columns, ", ") + ") VALUES (?" + strings.Repeat(", ?", len(t.columns)-1) + ")"
		if postgres {
			statement = "COPY " + t.name + " (" + strings.Join(t.columns, ", ") + ") FROM STDIN"
		}
		if err := insertRows(ctx, tx, statement, t.rows, postgres); err != nil {
			return errors.Join(err, tx.Rollback())
		}
	}
	return tx.Commit()
}

func insertRows(ctx context.Context, tx *stdsql.Tx, statement string, list [][]any, flush bool) (err error) {
	s, err := tx.PrepareContext(ctx, statement)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	for _, r := range list {
		if _, err := s.ExecContext(ctx, r...); err != nil {
			return err
		}
	}
	if flush {
		_, err = s.ExecContext(ctx)
	}
	return err
}
