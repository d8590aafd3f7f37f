package e2e

import (
	"net/url"
	"path/filepath"
	"testing"

	"chat"
	"chat/daemon/client"
	"chat/daemon/model/modeltest"
)

// newSingle starts a chatd of all roles with the embedded engines, at a fixed address.
func newSingle(t *testing.T, baseURL, key string) *node {
	t.Helper()
	home, addr := t.TempDir(), freePort(t)
	env := []string{
		"HOME=" + home, "DATABASE_URL=sqlite://" + filepath.Join(home, "chat.db"), "CHATD_TOKEN=" + token, "CHATD_LEASE=3s",
		"OPENAI_BASE_URL=" + baseURL, "OPENAI_API_KEY=" + key, "CHAT_MODEL=lying", "CHAT_DISCOVER=off",
	}
	p := startProcess(t, program(t, "chatd"), []string{"--listen", "tcp://" + addr}, env)
	end := client.Endpoint{Network: "tcp", Address: addr, BaseURL: "http://" + addr, Token: token}
	n := &node{p, addr, client.New(client.At(end), client.Options{})}
	t.Cleanup(n.Close)
	n.ready(t)
	return n
}

// chain is a chatd whose provider is another chatd.
func chain(t *testing.T) (provider *modeltest.Server, first, second *node) {
	t.Helper()
	provider = modeltest.New(t)
	first = newSingle(t, provider.URL, "sk-lying")
	second = newSingle(t, "http://"+first.addr+"/v1", token)
	return provider, first, second
}

// restart kills a chatd and starts it again.
func (n *node) restart(t *testing.T) {
	t.Helper()
	n.kill(t)
	n.start(t)
	n.ready(t)
}

// tasksOf returns the tasks of a chatd.
func (n *node) tasksOf(t *testing.T) []chat.Task {
	t.Helper()
	list, err := n.Tasks(t.Context(), chat.TaskQuery{})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// An answer survives the death of either chatd, at the cost that only its own needs another
// call of the provider.
func TestAnAnswerOfAChatdSurvives(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		killed         func(first, second *node) *node
		attempt, calls int
	}{
		"the chatd that asked": {func(_, second *node) *node { return second }, 2, 1},
		"its own":              {func(first, _ *node) *node { return first }, 1, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			provider, first, second := chain(t)
			acc := second.submit(t, slowly)
			seen, reached := after(50)
			wait := second.follow(t, acc.TaskID, seen)
			within(t, "50 chunks", reached)
			tc.killed(first, second).restart(t)
			second.mustMatch(t, acc, wait(), chat.TaskDone, modeltest.Answer(tc.calls, 200))
			task, err := second.Task(t.Context(), acc.TaskID)
			if err != nil || task.Attempt != tc.attempt || len(provider.Calls()) != tc.calls || len(first.tasksOf(t)) != 1 {
				t.Errorf("attempt %d, %v, %d calls of the provider, %d answers of the first chatd", task.Attempt, err, len(provider.Calls()), len(first.tasksOf(t)))
			}
		})
	}
}

// A stop at the second chatd stops the answer at the first, and so at the provider.
func TestAStopGoesThroughAChatd(t *testing.T) {
	t.Parallel()
	provider, first, second := chain(t)
	acc := second.submit(t, "lie: endless pace=20ms")
	seen, reached := after(10)
	wait := second.follow(t, acc.TaskID, seen)
	within(t, "10 chunks", reached)
	if _, err := second.Cancel(t.Context(), acc.TaskID); err != nil {
		t.Fatal(err)
	}
	wait()
	eventually(t, "the provider is left alone", waitLimit, func() bool { return provider.Calls()[0].Gone() })
	if list := first.tasksOf(t); len(list) != 1 || list[0].State != chat.TaskCancelled || len(provider.Calls()) != 1 {
		t.Errorf("the first chatd has %+v, %d calls", list, len(provider.Calls()))
	}
}

// What a chatd passes on is what it received.
func TestAChatdPassesEverythingOn(t *testing.T) {
	t.Parallel()
	provider, first, second := chain(t)
	const usage = `{"prompt_tokens":100,"completion_tokens":50,"total_tokens":150,"prompt_tokens_details":{"cached_tokens":60,"cache_write_tokens":10},"completion_tokens_details":{"reasoning_tokens":40}}`
	for content, want := range map[string]chat.Message{
		"lie: chunks=1 usage=" + url.QueryEscape(usage): {State: chat.TaskDone, FinishReason: "stop", Usage: &chat.Usage{
			PromptTokens: 100, CompletionTokens: 50, TotalTokens: 150, CachedTokens: 60, CacheWriteTokens: 10, ReasoningTokens: 40,
		}},
		"lie: chunks=20 reasoning=5 finish=length": {State: chat.TaskDone, FinishReason: "length"},
		"lie: status=401":                          {State: chat.TaskFailed, Error: &chat.Error{Code: chat.CodeProviderAuth}},
		"lie: chunks=0 reasoning=0":                {State: chat.TaskFailed, Error: &chat.Error{Code: chat.CodeProviderEmpty}},
	} {
		acc := second.submit(t, content)
		second.follow(t, acc.TaskID, nil)()
		got := second.message(t, acc)
		if got.State != want.State || got.FinishReason != want.FinishReason || (got.Error != nil) != (want.Error != nil) || want.Error != nil && got.Error.Code != want.Error.Code {
			t.Errorf("%s: %s, %q, %v", content, got.State, got.FinishReason, got.Error)
		}
		if want.Usage != nil && (got.Usage == nil || *got.Usage != *want.Usage) {
			t.Errorf("%s: usage %+v", content, got.Usage)
		}
		calls := provider.Calls()
		if sent := calls[len(calls)-1]; got.Content != sent.Sent || got.Reasoning != sent.Reasoning {
			t.Errorf("%s: %q and %q, the provider sent %q and %q", content, got.Content, got.Reasoning, sent.Sent, sent.Reasoning)
		}
	}
	if list, _, err := first.Conversations(t.Context(), chat.ConversationQuery{}); err != nil || len(list) != 0 {
		t.Errorf("the first chatd lists %d conversations, %v: they are temporary", len(list), err)
	}
}
