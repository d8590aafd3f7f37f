package markdown

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
)

// appendOnly fails on anything but appended text and our own colours.
type appendOnly struct {
	strings.Builder
	writes int
}

func (a *appendOnly) Write(p []byte) (int, error) {
	a.writes++
	return a.Builder.Write(p)
}

func TestWriterAppendsTheRowsOfARender(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for name, source := range corpus {
		if strings.Contains(name, "reference") {
			continue // a later definition cannot change rows that are written
		}
		var out appendOnly
		w := NewWriter(&out, 60, Style{})
		before := 0
		for _, cut := range append(randomCuts(r, source, 20), len(source)) {
			if err := w.Write(source[before:cut]); err != nil {
				t.Fatal(err)
			}
			before = cut
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		want := strings.Join(Render(strings.ReplaceAll(source, "\r", ""), 60, Style{}), "\n") + "\n"
		if out.String() != want {
			t.Errorf("%s: wrote\n%s\nwant\n%s", name, out.String(), want)
		}
		if strings.Contains(out.String(), "\x1b") {
			t.Errorf("%s: an escape sequence in plain style: %q", name, out.String())
		}
	}
}

func TestWriterWritesABlockAsSoonAsItIsFinished(t *testing.T) {
	var out appendOnly
	w := NewWriter(&out, 40, Style{})
	steps := []struct{ in, want string }{
		{"First par", ""},
		{"agraph.\n\n", "First paragraph.\n"},
		{"```go\n", "\ngo ─────────────────────────────────────\n"},
		{"x := 1\n", "  x := 1\n"},
		{"y", ""},
		{"\n```\n", "  y\n"},
		{"- one\n- two\n", "\n• one\n"},
	}
	seen := 0
	for _, s := range steps {
		if err := w.Write(s.in); err != nil {
			t.Fatal(err)
		}
		if got := out.String()[seen:]; got != s.want {
			t.Fatalf("after %q: wrote %q, want %q", s.in, got, s.want)
		}
		seen = out.Len()
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if got := out.String()[seen:]; got != "• two\n" {
		t.Fatalf("Close wrote %q", got)
	}
}

func TestWriterReportsDroppedAttempt(t *testing.T) {
	var out appendOnly
	w := NewWriter(&out, 40, Style{})
	if err := errors.Join(w.Write("half an answ"), w.Reset("the answer starts again")); err != nil {
		t.Fatal(err)
	}
	if out.String() != "" {
		t.Fatalf("nothing had been shown, but the reset wrote %q", out.String())
	}
	if err := errors.Join(w.Write("half\n\nan answ"), w.Reset("the answer starts again"), w.Write("whole"), w.Close()); err != nil {
		t.Fatal(err)
	}
	want := "half\n\n── the answer starts again ────────────\n\nwhole\n"
	if out.String() != want {
		t.Fatalf("wrote %q, want %q", out.String(), want)
	}
}

func TestWriterRemovesForeignSequences(t *testing.T) {
	var out appendOnly
	w := NewWriter(&out, 40, ANSI16())
	for _, piece := range []string{"a \x1b", "]0;title", "\x07 b ", "\x1b[2", "J c &#27;[31m &#x9b;31m\n\n", "```\n\x1b[1mx\n```"} {
		if err := w.Write(piece); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	want := "a b c [31m ›31m\n\n" + strings.Repeat("─", 40) + "\n  x\n"
	if got := ansi.Strip(out.String()); got != want {
		t.Fatalf("shows %q, want %q", got, want)
	}
	for _, part := range strings.Split(out.String(), "\x1b")[1:] {
		if part[0] != '[' || part[strings.IndexFunc(part[1:], func(r rune) bool { return r >= 0x40 })+1] != 'm' {
			t.Fatalf("a sequence that is not a colour: %q", part)
		}
	}
}

func TestWriterReturnsTheErrorOfItsTerminal(t *testing.T) {
	w := NewWriter(failing{}, 40, Style{})
	if err := w.Write("one\n\ntwo\n\n"); !errors.Is(err, errBroken) {
		t.Fatalf("Write: %v", err)
	}
}

var errBroken = errors.New("broken pipe")

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errBroken }

func TestWriterRemovesCitationMarkers(t *testing.T) {
	var out appendOnly
	w := NewWriter(&out, 60, Style{})
	for _, piece := range []string{"It exists. ", "\ue200ci", "te\ue202turn1view0\ue201", " More.\n\n", "- so【4:0†sour", "ce】\n", "And \ue200cite\ue202turn"} {
		if err := w.Write(piece); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if want := "It exists. More.\n\n• so And\n"; out.String() != want {
		t.Errorf("wrote %q, want %q", out.String(), want)
	}
}
