// Package sqltest says what a sql.Store promises, as tests that run the same on
// every database.
package sqltest

import (
	"slices"
	"testing"
	"time"

	"chat"
	"chat/sql"
)

// Run checks a store. open returns one with an empty database of its own, and
// closes it when the test ends. only names some of the groups; none means all.
func Run(t *testing.T, open func(t *testing.T, o sql.Options) *sql.Store, only ...string) {
	groups := []struct {
		name  string
		tests map[string]func(*suite)
	}{
		{"conversations", conversationTests},
		{"search", searchTests},
		{"submit", submitTests},
		{"busy", busyTests},
		{"idempotency", idempotencyTests},
		{"messages", messageTests},
		{"import", importTests},
		{"fork", forkTests},
		{"queue", queueTests},
		{"cancel", cancelTests},
		{"finish", finishTests},
		{"model", modelTests},
		{"requeue", requeueTests},
		{"sweep", sweepTests},
		{"workers", workerTests},
	}
	for _, g := range groups {
		if len(only) > 0 && !slices.Contains(only, g.name) {
			continue
		}
		t.Run(g.name, func(t *testing.T) {
			for name, test := range g.tests {
				t.Run(name, func(t *testing.T) {
					test(&suite{T: t, Store: open(t, sql.Options{Lease: lease})})
				})
			}
		})
	}
}

const (
	lease   = time.Minute
	owner   = "ada"
	another = "bob"
	worker  = "worker-1"
)

// nobody is an id that no row has.
const nobody = "01999999-9999-7999-8999-999999999999"

// suite is one test with its store, and the steps that tests are made of. A step
// that fails ends the test.
type suite struct {
	*testing.T
	*sql.Store
}

func (s *suite) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *suite) wantCode(err error, code chat.Code) {
	s.Helper()
	if !chat.IsCode(err, code) {
		s.Fatalf("error %q has code %q, want %q", err, chat.CodeOf(err), code)
	}
}

func (s *suite) conversation() chat.Conversation {
	s.Helper()
	c, err := s.CreateConversation(s.Context(), owner, chat.Conversation{})
	s.must(err)
	return c
}

func (s *suite) send(conversationID string, sub chat.Submission) chat.Accepted {
	s.Helper()
	sub.ConversationID = conversationID
	acc, replayed, err := s.Submit(s.Context(), owner, sub, chat.SubmitOptions{})
	s.must(err)
	if replayed {
		s.Fatal("a submission without a key was taken for a repetition")
	}
	return acc
}

// queued is a task in a conversation of its own.
func (s *suite) queued() chat.Accepted {
	s.Helper()
	return s.queuedAt(chat.PriorityNormal)
}

func (s *suite) queuedAt(p chat.Priority) chat.Accepted {
	s.Helper()
	return s.send(s.conversation().ID, chat.Submission{Content: "why?", Priority: p})
}

// sent is a message whose task is cancelled, so that its conversation takes another.
func (s *suite) sent(conversationID string, sub chat.Submission) chat.Accepted {
	s.Helper()
	acc := s.send(conversationID, sub)
	_, won, err := s.Cancel(s.Context(), owner, acc.TaskID)
	s.must(err)
	if !won {
		s.Fatal("the task had ended before its cancel")
	}
	return acc
}

// claimed is a task that the worker runs.
func (s *suite) claimed() chat.Claim {
	s.Helper()
	acc := s.queued()
	claims := s.claim(1)
	if len(claims) != 1 || claims[0].ID != acc.TaskID {
		s.Fatalf("claimed %+v, want the one task %s", claims, acc.TaskID)
	}
	return claims[0]
}

func (s *suite) claim(n int) []chat.Claim {
	s.Helper()
	claims, err := s.Claim(s.Context(), worker, n, false)
	s.must(err)
	return claims
}

func (s *suite) task(id string) chat.Task {
	s.Helper()
	task, err := s.Task(s.Context(), owner, id)
	s.must(err)
	return task
}

func (s *suite) wantState(id string, state chat.TaskState) chat.Task {
	s.Helper()
	task := s.task(id)
	if task.State != state {
		s.Fatalf("task is %s, want %s", task.State, state)
	}
	if (task.FinishedAt != nil) != state.Terminal() {
		s.Fatalf("a task that is %s has finished_at %v", state, task.FinishedAt)
	}
	if (task.LeaseUntil != nil) != (state == chat.TaskRunning) {
		s.Fatalf("a task that is %s has a lease until %v", state, task.LeaseUntil)
	}
	return task
}

func (s *suite) answer(taskID string) chat.Message {
	s.Helper()
	m, err := s.Answer(s.Context(), owner, taskID)
	s.must(err)
	return m
}

// expire lets all leases expire, by the database's clock.
func (s *suite) expire() {
	s.Helper()
	_, err := s.ReleaseLeases(s.Context())
	s.must(err)
}

func (s *suite) sweep() (requeued, spent []chat.Task) {
	s.Helper()
	requeued, spent, err := s.Sweep(s.Context())
	s.must(err)
	return requeued, spent
}

// loseAttempts claims a queued task and loses it until no attempt is left; it
// returns the last claim, expired.
func (s *suite) loseAttempts() chat.Claim {
	s.Helper()
	s.queued()
	for n := 1; ; n++ {
		claims := s.claim(1)
		if len(claims) != 1 {
			s.Fatalf("attempt %d: nothing to claim", n)
		}
		s.expire()
		if claims[0].LastAttempt {
			return claims[0]
		}
		if requeued, _ := s.sweep(); len(requeued) != 1 {
			s.Fatalf("attempt %d: the expired task was not queued again", n)
		}
	}
}

func done(c chat.Claim, content string) chat.Result {
	return chat.Result{
		TaskID: c.ID, Attempt: c.Attempt, State: chat.TaskDone, Parts: chat.TextParts(content), Model: "m-1", FinishReason: "stop",
		Usage: &chat.Usage{PromptTokens: 3, CompletionTokens: 4, TotalTokens: 7}, ChunkCount: 5,
	}
}

func ids[T any](list []T, id func(T) string) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = id(v)
	}
	return out
}

func conversationID(c chat.Conversation) string { return c.ID }
func taskID(t chat.Task) string                 { return t.ID }
func claimID(c chat.Claim) string               { return c.ID }
