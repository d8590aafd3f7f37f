package records

import (
	"context"
	"errors"
	"fmt"
	"time"

	"chat"
	"chat/sql/lists"
)

// operation is what is measured. run does it the i-th time.
type operation struct {
	name  string
	times int
	run   func(ctx context.Context, r *record, i int) error
}

// most is how often the writes are measured: each submit needs a conversation of its own,
// of which Large has about 85 in a database of 10,000 messages.
const most = 64

// operations lists them in their order: what is submitted is claimed, and what is claimed
// is finished.
func operations() []operation {
	list := []operation{
		{"submit", most, submit},
		{"claim one", most / 2, func(ctx context.Context, r *record, _ int) error { return claim(ctx, r, 1) }},
		{"claim 16", most / 2 / 16, func(ctx context.Context, r *record, _ int) error { return claim(ctx, r, 16) }},
		{"finish an answer", most / 4, finish},
		{"list conversations, first page", most, func(ctx context.Context, r *record, _ int) error {
			_, _, err := r.store.Conversations(ctx, Large, chat.ConversationQuery{})
			return err
		}},
		{"list conversations, a later page", 8, pages()},
		{"messages of a conversation", most, func(ctx context.Context, r *record, i int) error {
			_, err := r.store.Messages(ctx, Large, r.conversations[Large][i%8])
			return err
		}},
		{"list tasks", most, func(ctx context.Context, r *record, _ int) error {
			_, err := r.store.Tasks(ctx, Large, chat.TaskQuery{})
			return err
		}},
		{"failed tasks", most, func(ctx context.Context, r *record, _ int) error {
			_, err := r.store.Failures(ctx, Large, 20)
			return err
		}},
		{"queue depths", most, func(ctx context.Context, r *record, _ int) error {
			_, _, err := r.store.QueueDepths(ctx)
			return err
		}},
		{"sweep", most / 4, func(ctx context.Context, r *record, _ int) error {
			_, _, err := r.store.Sweep(ctx)
			return err
		}},
	}
	for _, owner := range []string{Steady, Large} {
		for _, s := range []struct {
			name, words string
			found       int // conversations
		}{
			{"a word in 8 conversations", rareWord, rareConversations},
			{"a word in 60 conversations", oftenWord, lists.DefaultLimit},
			{"a word in every conversation", commonWord, lists.DefaultLimit},
			{"a word in none", "nowhereword", 0},
			{"three words", commonWord + " " + oftenWord + " " + rareWord, rareConversations},
			{"two letters in 8 conversations", rareShort, rareConversations},
			{"two letters in every conversation", "co", lists.DefaultLimit},
			{"one sign in 8 conversations", rareSign, rareConversations},
			{"one sign in none", "鮫", 0},
		} {
			name := fmt.Sprintf("search %s, of %s", s.name, map[string]string{Steady: "1,000 messages", Large: "a tenth of all"}[owner])
			list = append(list, operation{name, 9, func(ctx context.Context, r *record, _ int) error {
				matches, _, err := r.store.Search(ctx, owner, chat.ConversationQuery{Search: s.words})
				if err == nil && len(matches) != s.found {
					return fmt.Errorf("%q is in %d conversations, want %d", s.words, len(matches), s.found)
				}
				return err
			}})
		}
	}
	return list
}

// pages asks for one page after the other.
func pages() func(context.Context, *record, int) error {
	cursors := map[*record]string{}
	return func(ctx context.Context, r *record, _ int) error {
		_, next, err := r.store.Conversations(ctx, Large, chat.ConversationQuery{Cursor: cursors[r], Limit: 10})
		cursors[r] = next
		return err
	}
}

// submit sends a message to a conversation that has no running answer.
func submit(ctx context.Context, r *record, _ int) error {
	if r.next == len(r.conversations[Large]) {
		return errors.New("there are too few conversations")
	}
	id := r.conversations[Large][r.next]
	r.next++
	_, _, err := r.store.Submit(ctx, Large, chat.Submission{ConversationID: id, Content: "How long does this take?"}, chat.SubmitOptions{})
	return err
}

func claim(ctx context.Context, r *record, n int) error {
	claims, err := r.store.Claim(ctx, "worker", n, false)
	if err == nil && len(claims) == 0 {
		err = errors.New("there is nothing to claim")
	}
	r.tasks = append(r.tasks, claims...)
	return err
}

func finish(ctx context.Context, r *record, i int) error {
	if i >= len(r.tasks) {
		return errors.New("there is no claimed task")
	}
	return r.store.Finish(ctx, chat.Result{
		TaskID: r.tasks[i].ID, Attempt: r.tasks[i].Attempt, State: chat.TaskDone, FinishReason: "stop",
		Parts: chat.Parts{{Type: chat.PartText, Text: "As long as it takes: " + time.Duration(i).String()}},
	})
}
