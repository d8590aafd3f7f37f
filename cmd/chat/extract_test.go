package main

import (
	"strings"
	"testing"

	"chat"
	"chat/internal/cli/exit"
)

func TestExtract(t *testing.T) {
	f := &fake{t: t, chunks: []chat.Chunk{
		{Attempt: 1, Index: 0, Type: chat.ChunkContent, Content: "```\nold\n```\n"},
		{Attempt: 2, Index: 1, Type: chat.ChunkReset},
		{Attempt: 2, Index: 2, Type: chat.ChunkContent, Content: "Try:\n\n```sh\none\n"},
		{Attempt: 2, Index: 3, Type: chat.ChunkContent, Content: "```\n\nor\n\n```\ntwo \x1b[1m\n\n```\n"},
		{Attempt: 2, Index: 4, Type: chat.ChunkDone, State: chat.TaskDone, FinishReason: "stop"},
	}}
	for args, want := range map[string]string{
		"send x -x": "one\n", "send -x first x": "one\n", "send -x last x": "two \x1b[1m\n\n", "send x --extract=2": "two \x1b[1m\n\n",
		"x -x": "one\n", "send -x x": "one\n", "send -qx x": "one\n",
	} {
		if got := f.start(t, devNull(t), strings.Fields(args)...); got.code != exit.OK || got.out != want || got.stderr != "" {
			t.Errorf("%s: %+v", args, got)
		}
	}
	if got := f.start(t, devNull(t), "send", "-x", "3", "x"); got.code != exit.NotFound || got.out != "" || !strings.Contains(got.stderr, "no code block number 3, only 2") {
		t.Errorf("%+v", got)
	}
	for _, args := range []string{"send -x=0 x", "send -x=some x", "send -x --json x", "send -x -d x", "send -x --reasoning only x"} {
		if got := f.start(t, devNull(t), strings.Fields(args)...); got.code != exit.Usage {
			t.Errorf("%s: %+v", args, got)
		}
	}
	if got := terminalRun(t, f, map[string]string{"TERM": "xterm"}, false, "-x", "last", "What?"); got.code != exit.OK || got.out != "two \n" {
		t.Errorf("%+v", got)
	}
	failed := &fake{t: t, chunks: []chat.Chunk{{Attempt: 1, Type: chat.ChunkError, State: chat.TaskFailed, Code: chat.CodeProviderAuth, Content: "no key"}}}
	if got := failed.start(t, devNull(t), "send", "-x", "x"); got.code != exit.Setup || got.stderr != "chat: the answer failed: no key\n" {
		t.Errorf("%+v", got)
	}
}
