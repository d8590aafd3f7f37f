package answer

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"chat"
	"chat/internal/cli/exit"
)

func play(t *testing.T, show Presenter, chunks ...chat.Chunk) *answer {
	t.Helper()
	a := &answer{task: "t", conversation: "c"}
	if err := show.link(a, chat.ConnState{State: chat.ConnLive}); err != nil {
		t.Fatal(err)
	}
	for _, c := range chunks {
		a.add(c)
		if err := show.chunk(a, c); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(a.checkComplete(t.Context(), nil, chat.Start()), show.end(a)); err != nil {
		t.Fatal(err)
	}
	return a
}

func TestJSONLines(t *testing.T) {
	var b strings.Builder
	a := play(t, &jsonLines{out: &b},
		chat.Chunk{Attempt: 1, Index: 0, Type: chat.ChunkReasoning, Content: "hm"},
		chat.Chunk{Attempt: 1, Index: 1, Type: chat.ChunkContent, Content: "Hel"},
		chat.Chunk{Attempt: 2, Index: 2, Type: chat.ChunkReset},
		chat.Chunk{Attempt: 2, Index: 3, Type: chat.ChunkContent, Content: "<Hi>"},
		chat.Chunk{Attempt: 2, Index: 4, Type: chat.ChunkDone, State: chat.TaskDone, MessageID: "m", FinishReason: "stop", Usage: &chat.Usage{TotalTokens: 3}},
	)
	if a.ExitCode() != exit.OK {
		t.Errorf("exit code %d", a.ExitCode())
	}
	var types []string
	for i, line := range strings.Split(strings.TrimSpace(b.String()), "\n") {
		var e event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		if e.Seq != i+1 || e.V != 1 || e.Task != "t" || e.Conversation != "c" || e.TS.IsZero() {
			t.Errorf("line %d: %s", i, line)
		}
		types = append(types, e.Type)
		if e.Type == "task.done" && (e.Message.Content != "<Hi>" || e.Status != chat.TaskDone || e.Usage.TotalTokens != 3) {
			t.Errorf("%s", line)
		}
	}
	want := "task.queued task.started reasoning.delta text.delta reset task.started text.delta usage task.done"
	if got := strings.Join(types, " "); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

func TestCodesOfAnswers(t *testing.T) {
	failed := func(c chat.Code) chat.Chunk {
		return chat.Chunk{Type: chat.ChunkError, State: chat.TaskFailed, Code: c, Content: "no"}
	}
	done := func(reason string) chat.Chunk {
		return chat.Chunk{Type: chat.ChunkDone, State: chat.TaskDone, FinishReason: reason}
	}
	tests := []struct {
		last chat.Chunk
		want int
	}{
		{done("stop"), exit.OK},
		{done("STOP"), exit.OK},
		{done(""), exit.OK},
		{done("length"), exit.Incomplete},
		{done("tool_calls"), exit.Incomplete},
		{done("pause_turn"), exit.Incomplete},
		{chat.Chunk{Type: chat.ChunkDone, State: chat.TaskCancelled}, exit.Stopped},
		{chat.Chunk{Type: chat.ChunkError, State: chat.TaskInterrupted, Code: chat.CodeProviderCut}, exit.Incomplete},
		{failed(chat.CodeProviderAuth), exit.Setup},
		{failed(chat.CodeProviderModel), exit.Refused},
		{failed(chat.CodeProviderConnect), exit.Network},
		{failed(chat.CodeProviderEmpty), exit.Incomplete},
		{failed(chat.CodeProviderNoText), exit.Incomplete},
		{failed("brand_new"), exit.Internal},
	}
	for _, tc := range tests {
		text := chat.Chunk{Attempt: 1, Type: chat.ChunkContent, Content: "Hello."}
		if a := play(t, noOutput{}, text, tc.last); a.ExitCode() != tc.want {
			t.Errorf("%+v: %d, want %d", tc.last, a.ExitCode(), tc.want)
		}
	}
	if a := play(t, noOutput{}, chat.Chunk{Attempt: 1, Type: chat.ChunkReasoning, Content: "Hm."}, done("stop")); a.ExitCode() != exit.Incomplete {
		t.Errorf("reasoning alone: %d", a.ExitCode())
	}
}
