package screen

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
)

// Text that arrives in one read is a text, whatever key it names, and wherever the
// focus is.
func TestTextThatNamesKeysIsTyped(t *testing.T) {
	t.Parallel()
	h, p := lying(t)
	x := h.terminal()
	for i, reads := range [][]string{
		{"now press enter"},
		{"ctrl+d quits, ctrl+c"},
		{"look it ", "up"},
		{"the end", "home", "tab", "delete", "esc", "alt+enter"},
		{"\t", "look it up, r e f"},
		{"\t", "regenerate"},
		{"?? what"},
		{"入力", "メソッド"},
	} {
		for _, read := range reads {
			x.arrive(read)
		}
		x.settle(50 * time.Millisecond)
		if n := len(p.Calls()); n != i {
			t.Fatalf("%q was sent", p.Calls()[n-1].Prompt)
		}
		x.press("\r")
		want := strings.TrimPrefix(strings.Join(reads, ""), "\t")
		if got := asked(t, p, i+1); got != want {
			t.Errorf("%q was sent as %q", want, got)
		}
		x.until(fmt.Sprintf("c%dt9", i+1))
		x.settle(100 * time.Millisecond)
	}
	x.press("\x04")
	if code := x.exit(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

func TestTextThatTmuxTypesIsText(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	p := h.shell()
	p.enter("clear; chat")
	p.waitFor("live")
	p.write("now press enter, then ctrl+d and look it up")
	p.waitFor("> now press enter, then ctrl+d and look it up", "new conversation")
}

// A terminal shows formulas as source and no citation markers; a pipe gets the
// exact text.
func TestTerminalOutputOfAnAnswer(t *testing.T) {
	t.Parallel()
	const (
		question = "What is it?"
		answer   = "It exists. \ue200cite\ue202turn1view0\ue201 More【12†source】, \\(a_i\\) and $\\forall\\, \\varepsilon$:\n\\[\nx \\; y\n\\]\nIt costs $5 and *not* $6.\n"
		shown    = "It exists. More, \\(a_i\\) and $\\forall\\, \\varepsilon$:\n\n\\[\nx \\; y\n\\]\n\nIt costs $5 and not $6.\n"
	)
	h, _ := knowing(t, map[string][]string{question: {answer}})
	for _, args := range [][]string{{"send", "--no-stdin", question}, {"show", "last"}} {
		x := open(t, h.command(t.Context(), args...))
		x.exit()
		if out := strings.ReplaceAll(ansi.Strip(x.output()), "\r", ""); !strings.Contains(out, shown) {
			t.Errorf("%v shows %q", args, out)
		}
	}
	for _, args := range [][]string{{"send", "--no-stdin", question}, {"show", "last"}} {
		if out := h.run(args...); !strings.Contains(out, answer) {
			t.Errorf("%v writes %q", args, out)
		}
	}
	x := h.terminal("-c")
	x.until("It exists. More, \\(a_i\\) and $\\forall\\, \\varepsilon$:")
	x.until("x \\; y")
	x.press("\x04")
	x.exit()
}
