package main

import (
	"slices"
	"strings"
	"testing"

	"chat"
)

func TestCodeBlocks(t *testing.T) {
	for name, tc := range map[string]struct {
		text string
		want []string
	}{
		"none":                    {"text and `code`", nil},
		"one":                     {"a\n```go\nx\n\ny\n```\nb", []string{"x\n\ny"}},
		"two":                     {"```\n1\n```\n~~~ sh\n2\n~~~", []string{"1", "2"}},
		"longer fences":           {"````\n```\n````", []string{"```"}},
		"another mark":            {"~~~\n```\n~~~", []string{"```"}},
		"in a list":               {"1. do\n\n   ```sh\n   a\n     b\n   ```\n", []string{"a\n  b"}},
		"never closed":            {"```\nx", []string{"x"}},
		"empty":                   {"```\n```", []string{""}},
		"carriage returns":        {"```\r\nx\r\n```\r\n", []string{"x"}},
		"a span of code":          {"```not a fence```\n", nil},
		"a mark with words after": {"```\nx\n``` y\n```", []string{"x\n``` y"}},
	} {
		if got := codeBlocks(tc.text); !slices.Equal(got, tc.want) {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

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
		if got := f.start(t, devNull(t), strings.Fields(args)...); got.code != exitOK || got.out != want || got.stderr != "" {
			t.Errorf("%s: %+v", args, got)
		}
	}
	if got := f.start(t, devNull(t), "send", "-x", "3", "x"); got.code != exitNotFound || got.out != "" || !strings.Contains(got.stderr, "no code block number 3, only 2") {
		t.Errorf("%+v", got)
	}
	for _, args := range []string{"send -x=0 x", "send -x=some x", "send -x --json x", "send -x -d x", "send -x --reasoning only x"} {
		if got := f.start(t, devNull(t), strings.Fields(args)...); got.code != exitUsage {
			t.Errorf("%s: %+v", args, got)
		}
	}
	if got := terminalRun(t, f, map[string]string{"TERM": "xterm"}, false, "-x", "last", "What?"); got.code != exitOK || got.out != "two \n" {
		t.Errorf("%+v", got)
	}
	failed := &fake{t: t, chunks: []chat.Chunk{{Attempt: 1, Type: chat.ChunkError, State: chat.TaskFailed, Code: chat.CodeProviderAuth, Content: "no key"}}}
	if got := failed.start(t, devNull(t), "send", "-x", "x"); got.code != exitSetup || got.stderr != "chat: the answer failed: no key\n" {
		t.Errorf("%+v", got)
	}
}
