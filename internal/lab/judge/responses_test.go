package judge_test

import (
	"fmt"
	"testing"

	"chat"
	"chat/internal/lab/history"
)

// numbered is an event of a response.
func numbered(number int, typ, delta string) history.ResponseEvent {
	return history.ResponseEvent{Number: number, Raw: fmt.Sprintf(`{"type":%q,"sequence_number":%d,"delta":%q}`, typ, number, delta)}
}

func TestResponsesAreJudged(t *testing.T) {
	t.Parallel()
	const delta, void = "response.output_text.delta", "response.in_progress"
	first := numbered(0, "response.created", "")
	for name, c := range map[string]struct {
		want   string
		events []history.ResponseEvent
	}{
		"the whole answer":     {events: []history.ResponseEvent{first, numbered(1, delta, answer())}},
		"a new log":            {events: []history.ResponseEvent{first, numbered(1, delta, word(1, 0)), numbered(1_000_000, void, ""), numbered(1_000_001, delta, answer())}},
		"a gap":                {want: "C1", events: []history.ResponseEvent{first, numbered(2, delta, answer())}},
		"a number twice":       {want: "C1 C5", events: []history.ResponseEvent{first, numbered(1, delta, answer()), numbered(1, void, ""), numbered(2, delta, answer())}},
		"a jump without reset": {want: "C1 C4", events: []history.ResponseEvent{first, numbered(1, delta, word(1, 0)), numbered(1_000_000, delta, answer())}},
		"lost text":            {want: "C4", events: []history.ResponseEvent{first, numbered(1, delta, word(2, 0))}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &history.Response{Events: c.events, Status: "completed"}
			if got := promises(t, chat.TaskDone, &history.Follower{Kind: history.KindResponses, Response: r}); got != c.want {
				t.Errorf("broken: %q, want %q", got, c.want)
			}
		})
	}
	wrong := &history.Response{Events: []history.ResponseEvent{first, numbered(1, delta, answer())}, Status: "failed"}
	if got := promises(t, chat.TaskDone, &history.Follower{Kind: history.KindResponses, Response: wrong}); got != "D1" {
		t.Error(got)
	}
}
