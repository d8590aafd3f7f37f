package screen

import (
	"strings"
	"testing"
)

func TestACutAnswerIsContinuedOnTheScreen(t *testing.T) {
	t.Parallel()
	h, p := lying(t)
	x := h.terminal()
	x.press("lie: chunks=1 finish=length text=Half+an+ans then chunks=1 text=wer%2C+whole.\r")
	asked(t, p, 1)
	x.until("continues it")
	x.press("\t")
	x.press("c")
	x.until("Half an answer, whole.")
	x.until("‹2/2›")
	if got := h.run("attach", "last"); got != "Half an answer, whole.\n" {
		t.Errorf("the answer is %q", got)
	}
}

func TestAModelWritesTheTitleOfTheScreensConversation(t *testing.T) {
	t.Parallel()
	h, p := lying(t, "CHATD_TITLES=model")
	x := h.terminal()
	x.press("lie: then chunks=1 text=%22The+blue+sky%22\r")
	asked(t, p, 1)
	x.until("The blue sky")
	if got := h.run("ls"); !strings.Contains(got, "The blue sky") || strings.Contains(got, `"`) {
		t.Errorf("ls: %s", got)
	}
	if got := h.run("ps", "--all"); !strings.Contains(got, "title") {
		t.Errorf("ps: %s", got)
	}
	h.run("send", "--no-stdin", "hello") // asks for no title
	h.run("send", "--no-stdin", "-c", "again")
	if n := len(p.Calls()); n != 4 {
		t.Errorf("%d calls of the provider", n)
	}
}
