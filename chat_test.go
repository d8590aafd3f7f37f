package chat_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"chat"
)

func TestLegalTransitions(t *testing.T) {
	legal := map[chat.TaskState]string{
		chat.TaskQueued:  "running cancelled failed interrupted",
		chat.TaskRunning: "queued done failed cancelled interrupted",
	}
	for _, from := range chat.TaskStates() {
		for _, to := range chat.TaskStates() {
			want := false
			for name := range strings.FieldsSeq(legal[from]) {
				want = want || name == string(to)
			}
			if got := from.CanBecome(to); got != want {
				t.Errorf("%s → %s: %t", from, to, got)
			}
		}
		if from.Terminal() != (legal[from] == "") {
			t.Errorf("%s: terminal is %t", from, from.Terminal())
		}
	}
}

func TestPosition(t *testing.T) {
	for in, want := range map[string]chat.Position{
		"": chat.Start(), "1-0": {Attempt: 1, Index: 0}, "12-345": {Attempt: 12, Index: 345}, "7": {Attempt: chat.AnyAttempt, Index: 7},
	} {
		got, err := chat.ParsePosition(in)
		if err != nil || got != want || got.String() != in {
			t.Errorf("%q: %+v, %v, again %q", in, got, err, got.String())
		}
	}
	for _, in := range []string{"-", "1-", "-1", "1-2-3", "01-2", "1-+2", "x", "1 - 2", "99999999999", strings.Repeat("9", 1<<20)} {
		if p, err := chat.ParsePosition(in); !chat.IsCode(err, chat.CodeInvalid) {
			t.Errorf("%.20q: %+v, %v", in, p, err)
		}
	}
	order := []chat.Position{chat.Start(), {0, 0}, {1, 0}, {1, 5}, {2, 0}, {2, 6}}
	for i := range order[1:] {
		if !order[i].Less(order[i+1]) || order[i+1].Less(order[i]) {
			t.Errorf("%v and %v", order[i], order[i+1])
		}
	}
}

func FuzzParsePosition(f *testing.F) {
	f.Add("1-2")
	f.Fuzz(func(t *testing.T, s string) {
		if p, err := chat.ParsePosition(s); err == nil && p.String() != s {
			t.Errorf("%q became %q", s, p.String())
		}
	})
}

func TestBackoffGrowsToItsLimit(t *testing.T) {
	for n := range 100 {
		bound := min(time.Second<<min(max(n-1, 0), 20), 30*time.Second)
		for range 20 {
			if d := chat.Backoff(n, time.Second, 30*time.Second); d <= 0 || d > bound {
				t.Fatalf("retry %d waits %v of %v", n, d, bound)
			}
		}
	}
}

func TestErrors(t *testing.T) {
	cause := errors.New("cause")
	err := error(chat.Errorf(chat.CodeNotFound, "no such task: %w", cause))
	if !errors.Is(err, &chat.Error{Code: chat.CodeNotFound}) || !errors.Is(err, cause) || errors.Is(err, &chat.Error{Code: chat.CodeInvalid}) {
		t.Errorf("%#v", err)
	}
	if chat.CodeOf(cause) != chat.CodeInternal || chat.CodeOf(nil) != "" || chat.AsError(nil) != nil {
		t.Error("errors without a code are internal, none has none")
	}
}

func TestNormalizeText(t *testing.T) {
	for in, want := range map[string]string{"a\x00b": "ab", "a\xffb": "a\uFFFDb", "é🧵\u2028": "é🧵\u2028", "": ""} {
		if got := chat.NormalizeText(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

func TestChunkOnTheWire(t *testing.T) {
	data, err := json.Marshal(chat.Chunk{Index: 17, Type: chat.ChunkContent, Content: "Hel", Attempt: 1})
	if want := `{"chunk_index":17,"chunk_type":"content","content":"Hel","attempt":1}`; err != nil || string(data) != want {
		t.Errorf("%s, %v; want %s", data, err, want)
	}
}

func TestTerminalChunk(t *testing.T) {
	task := chat.Task{MessageID: "m", State: chat.TaskRunning}
	if _, ok := task.TerminalChunk(1, 2); ok {
		t.Error("a running task has no terminal chunk")
	}
	task.State, task.Error = chat.TaskInterrupted, chat.Retryable(chat.Errorf(chat.CodeProviderCut, "cut"))
	c, ok := task.TerminalChunk(1, 2)
	if !ok || c.Type != chat.ChunkError || c.Code != chat.CodeProviderCut || c.Content != "cut" || !c.Retryable || c.Position() != (chat.Position{Attempt: 1, Index: 2}) {
		t.Errorf("%+v", c)
	}
}
