// Package sqltest is the conformance suite of sql.Store: tests that run the same on every
// database. Its Proxy simulates network failures between a store and PostgreSQL.
package sqltest

import (
	"slices"
	"testing"
	"time"

	"chat"
	"chat/sql"
)

// Run tests a store. open returns a store on a new empty database and closes it when the
// test ends. only selects groups by name; without it all run.
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
		{"attachments", attachmentTests},
		{"import", importTests},
		{"fork", forkTests},
		{"queue", queueTests},
		{"overview", overviewTests},
		{"cancel", cancelTests},
		{"finish", finishTests},
		{"model", modelTests},
		{"requeue", requeueTests},
		{"sweep", sweepTests},
		{"workers", workerTests},
		{"formats", formatTests},
		{"parameters", parameterTests},
		{"failover", failoverTests},
		{"continue", continueTests},
		{"kinds", kindTests},
	}
	for _, g := range groups {
		if len(only) > 0 && !slices.Contains(only, g.name) {
			continue
		}
		t.Run(g.name, func(t *testing.T) {
			for name, test := range g.tests {
				t.Run(name, func(t *testing.T) {
					test(&suite{T: t, Store: open(t, sql.Options{Lease: lease, TemporaryLife: time.Nanosecond})})
				})
			}
		})
	}
}

const (
	lease      = time.Minute
	owner      = "ada"
	otherOwner = "bob"
	worker     = "worker-1"
)

// missingID is an id that no row has.
const missingID = "01999999-9999-7999-8999-999999999999"

// suite is one test with its store. Its methods are the steps of tests. A failed step ends
// the test.
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

func (s *suite) newConversation() chat.Conversation {
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
		s.Fatal("a submission without a key counts as a repetition")
	}
	return acc
}

// enqueue submits a task in a new conversation.
func (s *suite) enqueue() chat.Accepted {
	s.Helper()
	return s.enqueueAt(chat.PriorityNormal)
}

func (s *suite) enqueueAt(p chat.Priority) chat.Accepted {
	s.Helper()
	return s.send(s.newConversation().ID, chat.Submission{Content: "why?", Priority: p})
}

// sendAndCancel sends a message and cancels its task, so that the conversation accepts
// another message.
func (s *suite) sendAndCancel(conversationID string, sub chat.Submission) chat.Accepted {
	s.Helper()
	acc := s.send(conversationID, sub)
	_, won, err := s.Cancel(s.Context(), owner, acc.TaskID)
	s.must(err)
	if !won {
		s.Fatal("the task had ended before its cancel")
	}
	return acc
}

// claimNew enqueues a task and claims it.
func (s *suite) claimNew() chat.Claim {
	s.Helper()
	acc := s.enqueue()
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

// expireLeases expires all leases, by the database's clock.
func (s *suite) expireLeases() {
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

// exhaustAttempts claims a new task and loses it until no attempt is left. It returns the
// last claim, whose lease has expired.
func (s *suite) exhaustAttempts() chat.Claim {
	s.Helper()
	s.enqueue()
	for n := 1; ; n++ {
		claims := s.claim(1)
		if len(claims) != 1 {
			s.Fatalf("attempt %d: nothing to claim", n)
		}
		s.expireLeases()
		if claims[0].LastAttempt {
			return claims[0]
		}
		if requeued, _ := s.sweep(); len(requeued) != 1 {
			s.Fatalf("attempt %d: the expired task was not queued again", n)
		}
	}
}

// usage returns a usage without a zero.
func usage() *chat.Usage {
	return &chat.Usage{PromptTokens: 30, CompletionTokens: 4, TotalTokens: 34, CachedTokens: 20, CacheWriteTokens: 6, ReasoningTokens: 2}
}

func doneResult(c chat.Claim, content string) chat.Result {
	return chat.Result{
		TaskID: c.ID, Attempt: c.Attempt, State: chat.TaskDone, Parts: chat.TextParts(content), Model: "m-1", FinishReason: "stop",
		Usage: usage(), ChunkCount: 5,
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

// thread is Thread of a task without a summary.
func (s *suite) thread(taskID string) (system string, list []chat.Message, err error) {
	t, err := s.Thread(s.Context(), taskID)
	if t.Summary != nil {
		s.Errorf("a summary %+v that no one asked for", t.Summary)
	}
	return t.System, t.Messages, err
}
