package main

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"chat"
)

func TestExactTextOverAReset(t *testing.T) {
	const again = "\x00" // stands for a reset
	tests := map[string]struct {
		pieces []string
		want   string
		err    error
	}{
		"plain":                     {[]string{"a", "b\n"}, "ab\n\n", nil},
		"nothing":                   {nil, "", nil},
		"before anything":           {[]string{again, "a"}, "a\n", nil},
		"the same beginning":        {[]string{"ab", again, "a", "bc", "d"}, "abcd\n", nil},
		"twice":                     {[]string{"ab", again, "abc", again, "abcd"}, "abcd\n", nil},
		"again while catching up":   {[]string{"abc", again, "ab", again, "abcd"}, "abcd\n", nil},
		"another text":              {[]string{"ab", again, "x"}, "ab", errDiverged},
		"another text, later":       {[]string{"abc", again, "a", "bx"}, "abc", errDiverged},
		"a shorter text":            {[]string{"abc", again, "ab"}, "abc", errDiverged},
		"nothing after the reset":   {[]string{"abc", again}, "abc", errDiverged},
		"exactly what there is now": {[]string{"abc", again, "abc"}, "abc\n", nil},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			e := &replaySafeSink{w: &b}
			var err error
			for _, p := range tc.pieces {
				if p == again {
					err = e.Reset(startsAgain)
				} else {
					err = e.Write(p)
				}
				if err != nil {
					break
				}
			}
			if err == nil {
				err = e.Close()
			}
			if !errors.Is(err, tc.err) || b.String() != tc.want {
				t.Errorf("%q, %v", b.String(), err)
			}
		})
	}
}

func TestCleanedTextSteersNothing(t *testing.T) {
	var b strings.Builder
	c := &terminalSink{w: &b}
	for _, p := range []string{"a\x1b", "]0;title\x07b", "\x1b[2J"} {
		if err := c.Write(p); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(c.Reset(startsAgain), c.Write("new\n"), c.Close()); err != nil {
		t.Fatal(err)
	}
	if got := b.String(); strings.ContainsAny(got, "\x1b\x07") || !strings.HasPrefix(got, "ab\n") || !strings.HasSuffix(got, "\nnew\n") {
		t.Errorf("%q", got)
	}
}

func play(t *testing.T, show presenter, chunks ...chat.Chunk) *answer {
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
	if err := errors.Join(a.judge(t.Context(), nil, chat.Start()), show.end(a)); err != nil {
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
	if a.code() != exitOK {
		t.Errorf("exit code %d", a.code())
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
		{done("stop"), exitOK},
		{done("STOP"), exitOK},
		{done(""), exitOK},
		{done("length"), exitIncomplete},
		{done("tool_calls"), exitIncomplete},
		{done("pause_turn"), exitIncomplete},
		{chat.Chunk{Type: chat.ChunkDone, State: chat.TaskCancelled}, exitStopped},
		{chat.Chunk{Type: chat.ChunkError, State: chat.TaskInterrupted, Code: chat.CodeProviderCut}, exitIncomplete},
		{failed(chat.CodeProviderAuth), exitSetup},
		{failed(chat.CodeProviderModel), exitRefused},
		{failed(chat.CodeProviderConnect), exitNetwork},
		{failed(chat.CodeProviderEmpty), exitIncomplete},
		{failed(chat.CodeProviderNoText), exitIncomplete},
		{failed("brand_new"), exitInternal},
	}
	for _, tc := range tests {
		text := chat.Chunk{Attempt: 1, Type: chat.ChunkContent, Content: "Hello."}
		if a := play(t, unseen{}, text, tc.last); a.code() != tc.want {
			t.Errorf("%+v: %d, want %d", tc.last, a.code(), tc.want)
		}
	}
	if a := play(t, unseen{}, chat.Chunk{Attempt: 1, Type: chat.ChunkReasoning, Content: "Hm."}, done("stop")); a.code() != exitIncomplete {
		t.Errorf("reasoning alone: %d", a.code())
	}
}

func TestAFileIsTakenBackOverAReset(t *testing.T) {
	for name, flags := range map[string]int{"written": os.O_RDWR, "appended to": os.O_RDWR | os.O_APPEND} {
		path := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(path, []byte("before\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(path, flags, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = f.Close() }() // what was written is checked by then
		if flags&os.O_APPEND == 0 {
			if _, err := f.Seek(0, io.SeekEnd); err != nil {
				t.Fatal(err)
			}
		}
		e := newExact(f)
		if err := errors.Join(e.Write("a long text"), e.Reset(startsAgain), e.Write("short"), e.Close()); err != nil {
			t.Fatal(err)
		}
		if got := contents(t, f); got != "before\nshort\n" {
			t.Errorf("%s: %q", name, got)
		}
	}
}
