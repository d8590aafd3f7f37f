package tui

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
)

func TestMessagesAndCodeAreCopied(t *testing.T) {
	backend := newFake()
	answer := "Two:\n\n```go\nfunc a() {}\n```\n\n- in a list\n  ```sh\n  ls\n  ```\n"
	id := backend.add("Code", "show me code", answer)
	s := start(t, backend, 80, 24, func(o *Options) { o.ConversationID, o.Env = id, []string{"TERM=xterm"} })
	s.untilShown("show me code")
	var terminal syncBuffer
	s.m.terminal.Out = &terminal
	s.press("tab")
	s.golden("code_80x24")
	for _, c := range []struct{ keys, copied, said string }{
		{"y", answer, "the message: copied through the terminal (OSC 52)"},
		{"Y 1", "func a() {}\n", "code block 1: copied"},
		{"Y 2", "ls\n", "code block 2: copied"},
		{"Y 3", "", "nothing was copied"},
		{"Y x", "", "nothing was copied"},
		{"[ y", "show me code", "the message: copied"},
		{"Y", "", "there is no code in this message"},
	} {
		terminal.Reset()
		s.press(strings.Fields(c.keys)...)
		s.untilShown(c.said)
		want := ""
		if c.copied != "" {
			want = fmt.Sprintf("\x1b]52;c;%s\x07", base64.StdEncoding.EncodeToString([]byte(c.copied)))
		}
		if terminal.String() != want {
			t.Errorf("%s: the terminal got %q", c.keys, terminal.String())
		}
	}
}
