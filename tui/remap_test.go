package tui

import (
	"strings"
	"testing"
)

// keys is an option that gives actions other keys.
func keys(set map[string][]string) func(*Options) {
	return func(o *Options) { o.Keys = set }
}

func TestKeysAreRemapped(t *testing.T) {
	backend := newFake()
	id := backend.add("Tides", "a question", "an answer")
	set := map[string][]string{
		"palette": {"ctrl+g"}, "tasks": {"Ctrl-P"}, "reasoning": {}, "edit": {"E"}, "help": {"#"}, "end": {"Z", "end"},
	}
	if wrong := CheckKeys(set); len(wrong) > 0 {
		t.Fatalf("%v", wrong)
	}
	s := start(t, backend, 140, 70, full, keys(set), func(o *Options) { o.ConversationID = id })
	s.untilShown("an answer")
	s.shows("ctrl+p tasks", "ctrl+g commands", "# keys", "!? keys")
	s.press("ctrl+p")
	s.shows("Tasks", "!Commands")
	s.press("esc")
	s.press("ctrl+g")
	s.shows("Commands")
	s.typeText("reasoning")
	s.press("enter") // it has no key, and is still there
	if !s.m.style.Unfold {
		t.Fatal("actions without a key are missing in the palette")
	}
	s.press("ctrl+t")
	if !s.m.style.Unfold {
		t.Fatal("ctrl+t still has its old action")
	}
	s.press("tab", "[", "E")
	s.shows("edit > a question")
	s.press("esc", "ctrl+c")
	s.press("#")
	s.shows("in the transcript", "ctrl+g ", "(in the commands)")
	s.wellFormed()
}

func TestTypedTextStaysText(t *testing.T) {
	s := start(t, newFake(), 80, 24, keys(map[string][]string{"end": {"x"}, "top": {"t"}}))
	s.typeText("xt")
	if got := s.m.input.Value(); got != "xt" {
		t.Fatalf("the input is %q", got)
	}
}

func TestHintsNameTheKeysThatAreSet(t *testing.T) {
	s := start(t, newFake(), 80, 24, keys(map[string][]string{"escape": {"f2"}, "reasoning": {"f3"}}))
	s.ask("why?")
	s.shows("f2 stop", "!esc stop")
	if s.m.style.Keys.Fold != "f3" {
		t.Fatalf("the fold's key is %q", s.m.style.Keys.Fold)
	}
	s.press("f2")
	s.until("it is stopped", func() bool { s.backend.mu.Lock(); defer s.backend.mu.Unlock(); return len(s.backend.stopped) == 1 })
}

func TestWrongKeysAreNamed(t *testing.T) {
	for _, c := range []struct {
		set  map[string][]string
		want string
	}{
		{map[string][]string{"nonsense": {"f1"}}, "nonsense: there is no such action"},
		{map[string][]string{"new": {"ctrl+nn"}}, `new: "ctrl+nn" is not a key`},
		{map[string][]string{"new": {"n"}}, `new: "n" is text there`},
		{map[string][]string{"help": {"h"}}, ""}, // in the transcript
		{map[string][]string{"send": {"x"}}, `send: "x" is text`},
		{map[string][]string{"interrupt": {}}, "interrupt: it needs a key"},
		{map[string][]string{"new": {"f1"}, "model": {"F1"}}, `"f1" is also the key of new`},
		{map[string][]string{"new": {"ctrl+f"}, "copy": {"ctrl+f"}}, `"ctrl+f" is also the key of`},
		{map[string][]string{"new": {"ctrl+f"}, "top": {"ctrl+f"}}, `"ctrl+f" is also the key of`},
		{map[string][]string{"edit": {"x"}, "copy": {"x"}}, `"x" is also the key of`},
		{map[string][]string{"scroll-up": {"u"}, "help-up": {"u"}}, ""},
	} {
		got := ""
		for _, p := range CheckKeys(c.set) {
			got += p.Name + ": " + p.What + "\n"
		}
		if strings.Count(got, "\n") > 1 {
			t.Errorf("%v: said twice: %q", c.set, got)
		}
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%v: %q, want %q", c.set, got, c.want)
		}
	}
}

// Every key of the table can be written in the config file.
func TestActionsPassCheckKeys(t *testing.T) {
	for _, a := range Actions(nil) {
		for _, k := range a.Keys {
			if found := CheckKeys(map[string][]string{a.Name: {k}}); len(found) > 0 {
				t.Errorf("%v", found)
			}
		}
	}
}
