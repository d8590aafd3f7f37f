package paint

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"
)

// begin and end surround each frame.
const begin, end = "\x1b[?2026h\x1b[?25l", "\x1b[?2026l"

// paper is a screen that writes to a file, 10 columns and 4 rows large.
type paper struct {
	*Screen
	t    *testing.T
	read int
}

func newPaper(t *testing.T) *paper {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	p := &paper{Screen: New(f, 30), t: t}
	p.write(ansi.SetModeAltScreenSaveCursor)
	p.resize(10, 4)
	p.written()
	return p
}

func (p *paper) write(text string) {
	p.t.Helper()
	if n, err := p.WriteString(text); err != nil || n != len(text) {
		p.t.Fatal(n, err)
	}
}

// written returns what was written since the last call.
func (p *paper) written() string {
	p.t.Helper()
	all, err := os.ReadFile(p.Name())
	if err != nil {
		p.t.Fatal(err)
	}
	news := string(all[p.read:])
	p.read = len(all)
	return news
}

// is checks what was written since the last check.
func (p *paper) is(what, want string) {
	p.t.Helper()
	if got := p.written(); got != want {
		p.t.Errorf("%s: written %q, want %q", what, got, want)
	}
}

func TestFrameRepaintsOnlyChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPaper(t)
		later := func(view string) { time.Sleep(time.Second); p.show(view) }
		p.show("one\ntwo\nthree" + Caret(1, 3))
		p.is("the first frame", begin+"\x1b[Hone\x1b[K\x1b[2;1Htwo\x1b[K\x1b[3;1Hthree\x1b[K\x1b[4;1H\x1b[J\x1b[2;4H\x1b[?25h"+end)
		later("one\n2\nthree" + Caret(1, 1))
		p.is("a row", begin+"\x1b[2;1H2\x1b[K\x1b[2;2H\x1b[?25h"+end)
		later("one\n2\nthree" + Caret(0, 0))
		p.is("the caret", begin+"\x1b[1;1H\x1b[?25h"+end)
		later("one\n2\nthree" + NoCaret)
		p.is("no caret", begin+end)
		later("one\n2\nthree")
		p.is("the same, said otherwise", "")
		later("one\n2\n0123456789")
		p.is("a full row", begin+"\x1b[3;1H0123456789"+end)
		later("one\n2\n0123456789abc\nfour\nfive")
		p.is("what there is no room for", begin+"\x1b[3;1H0123456789\x1b[4;1Hfour\x1b[K"+end)
		later("one")
		p.is("fewer rows", begin+"\x1b[2;1H\x1b[J"+end)
	})
}

func TestChangesWithinOneFrameArePaintedTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPaper(t)
		p.show("a")
		if p.written() == "" {
			t.Fatal("the first frame waits")
		}
		p.show("b")
		p.show("c")
		p.is("too soon", "")
		time.Sleep(p.every - time.Nanosecond)
		synctest.Wait()
		p.is("still too soon", "")
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		p.is("in time", begin+"\x1b[Hc\x1b[K"+end)
		p.show("d")
		p.show("c")
		time.Sleep(time.Hour)
		synctest.Wait()
		p.is("changed and changed back", "")
		p.show("e")
		p.is("after a pause, immediately", begin+"\x1b[He\x1b[K"+end)
	})
}

func TestLostContentsAreRepainted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPaper(t)
		p.show("a\nb\nc\nd")
		p.written()
		time.Sleep(time.Second)
		p.resize(9, 4)
		p.show("a\nb\nc\nd")
		p.is("another size", begin+"\x1b[Ha\x1b[K\x1b[2;1Hb\x1b[K\x1b[3;1Hc\x1b[K\x1b[4;1Hd\x1b[K"+end)
		p.show("A\nb\nc\nd") // waits for its frame
		p.write(ansi.ResetModeAltScreenSaveCursor)
		time.Sleep(time.Second)
		p.show("B\nb\nc\nd")
		p.is("nothing while another program has the terminal", wheelOn+ansi.ResetModeAltScreenSaveCursor)
		p.write(ansi.SetModeAltScreenSaveCursor)
		p.show("B\nb\nc\nd")
		p.is("back, of unknown size", wheelOff+ansi.SetModeAltScreenSaveCursor)
		p.resize(9, 4)
		p.show("B\nb\nc\nd")
		p.is("back", begin+"\x1b[HB\x1b[K\x1b[2;1Hb\x1b[K\x1b[3;1Hc\x1b[K\x1b[4;1Hd\x1b[K"+end)
	})
}

func TestOnlyModesArePassedOn(t *testing.T) {
	p := newPaper(t)
	for text, want := range map[string]string{
		ansi.EraseEntireScreen:                              "",
		ansi.CursorHomePosition + " " + ansi.EraseLineRight: "", // a frame
		ansi.CursorHomePosition:                             ansi.CursorHomePosition,
		ansi.SetModeBracketedPaste:                          ansi.SetModeBracketedPaste,
	} {
		p.write(text)
		p.is(fmt.Sprintf("%q", text), want)
	}
	if _, err := p.Sequences().Write([]byte("\x1b[Hx")); err != nil {
		t.Fatal(err)
	}
	p.is("a sequence of ours", "\x1b[Hx")
}

// TestFrameIsRepaintedAfterFailedWrite: the terminal has half a frame, or nothing.
func TestFrameIsRepaintedAfterFailedWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPaper(t)
		good := p.File
		bad, err := os.Open(good.Name()) // for reading only
		if err != nil {
			t.Fatal(err)
		}
		p.File = bad
		p.show("a\nb")
		p.File = good
		if err := bad.Close(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		p.show("a\nc")
		p.is("all of it", begin+"\x1b[Ha\x1b[K\x1b[2;1Hc\x1b[K\x1b[3;1H\x1b[J"+end)
	})
}

var step = regexp.MustCompile("\x1b\\[(\\d*)(?:;(\\d+))?([HKJ])|\x1b\\[\\?\\d+[hl]|[^\x1b]")

// apply is an ASCII terminal for the few sequences of a frame.
func apply(t *testing.T, rows []string, out string) {
	t.Helper()
	at, column := 0, 0
	for _, m := range step.FindAllStringSubmatch(out, -1) {
		switch {
		case m[3] == "H":
			at, column = 0, 0
			if m[1] != "" {
				n, err := strconv.Atoi(m[1])
				if err != nil {
					t.Fatal(err)
				}
				at = n - 1
			}
		case m[3] == "K":
			rows[at] = rows[at][:column]
		case m[3] == "J":
			rows[at] = rows[at][:column]
			clear(rows[at+1:])
		case len(m[0]) == 1:
			rows[at] = rows[at][:column] + m[0] + rows[at][min(column+1, len(rows[at])):]
			column++
		}
	}
}

func TestTheTerminalShowsTheLastView(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPaper(t)
		rows := make([]string, 4)
		for seed := range uint64(500) {
			r := rand.New(rand.NewPCG(seed, 0))
			view := make([]string, 1+r.IntN(4))
			for i := range view {
				view[i] = strings.Repeat(string(rune('a'+r.IntN(3))), r.IntN(11))
			}
			if r.IntN(10) == 0 {
				p.resize(10, 4)
			}
			p.show(strings.Join(view, "\n") + Caret(r.IntN(4), r.IntN(10)))
			if r.IntN(2) == 0 {
				continue // rows that were not painted are not visible
			}
			time.Sleep(time.Second)
			synctest.Wait()
			apply(t, rows, p.written())
			if want := slices.Concat(view, make([]string, 4-len(view))); !slices.Equal(rows, want) {
				t.Fatalf("after %d views the terminal shows %q, want %q", seed+1, rows, want)
			}
		}
	})
}

// counter is a model that counts its messages.
type counter struct{ n int }

func (c *counter) Init() tea.Cmd { return nil }

func (c *counter) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	if _, ok := msg.(tea.KeyMsg); ok {
		c.n++
	}
	return c, nil
}

func (c *counter) View() string { return fmt.Sprint(c.n, " keys") }

func TestViewGoesOnlyToScreen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPaper(t)
		c := &counter{}
		var m tea.Model = blankView{c, p.Screen}
		m, _ = m.Update(tea.WindowSizeMsg{Width: 20, Height: 1})
		if view := m.View(); view != "" {
			t.Errorf("Bubble Tea is given %q", view)
		}
		p.is("the model's view", begin+"\x1b[H0 keys\x1b[K"+end)
		time.Sleep(time.Second)
		m, _ = m.Update(tea.KeyMsg{Type: tea.KeyEnter})
		m.View()
		p.is("the model's next view", begin+"\x1b[H1 keys\x1b[K"+end)
	})
}
