// Package paint puts a model's views on a terminal. Bubble Tea's own renderer looks
// for a change by a clock, 30 or 60 times a second, which an idle terminal pays for
// and every key waits for; here a change is painted when it comes, and what comes
// sooner than a frame after it is painted together.
//
// Bubble Tea keeps what it is good at: the loop, raw mode, the modes of the
// terminal, suspending and handing over to an editor.
package paint

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"
)

// A view may end with a marker that says where the caret stands: an application
// program command, which has no width, and which no terminal ever gets to see.
const (
	MarkerBegin = "\x1b_caret;"
	MarkerEnd   = "\x1b\\"

	// NoCaret says that there is none to be seen; so does a view without a marker.
	NoCaret = MarkerBegin + MarkerEnd
)

// Caret is the marker for a caret on a row and column, both from 0. The terminal's
// own cursor is put there after each frame: input methods look for it.
func Caret(row, column int) string {
	return fmt.Sprintf("%s%d;%d%s", MarkerBegin, row+1, column+1, MarkerEnd)
}

// Screen is a terminal. A frame is one write, bracketed as a synchronized update
// (mode 2026), so that nobody sees half of it, and repaints the rows that changed.
// Its methods may be called from any goroutine.
type Screen struct {
	*os.File
	every time.Duration // from one frame to the next

	mu            sync.Mutex
	up            bool // the alternate screen is shown, and is ours
	width, height int
	view          string   // what is to be seen
	rows          []string // what is seen; nil: nobody knows
	caret         string   // parameters of the cursor's position, "": hidden
	painted       time.Time
	next          *time.Timer // paints when the frame's time is over; nil: nothing waits
	out           []byte
}

// New returns a screen on a terminal that paints at most so many frames a second.
func New(terminal *os.File, framesPerSecond int) *Screen {
	return &Screen{File: terminal, every: time.Second / time.Duration(framesPerSecond)}
}

// Program is a Bubble Tea program of the model whose views go to the screen.
func (s *Screen) Program(m tea.Model, options ...tea.ProgramOption) *tea.Program {
	// Bubble Tea's clock cannot be stopped. Once a second is the slowest it knows, and
	// it finds nothing to do.
	return tea.NewProgram(painted{m, s}, append(options, tea.WithOutput(s), tea.WithAltScreen(), tea.WithFPS(1))...)
}

// painted is a model as Bubble Tea sees it: its view is nothing.
type painted struct {
	tea.Model
	screen *Screen
}

func (p painted) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	if size, ok := msg.(tea.WindowSizeMsg); ok {
		p.screen.resize(size.Width, size.Height)
	}
	m, cmd := p.Model.Update(msg)
	return painted{m, p.screen}, cmd
}

func (p painted) View() string {
	p.screen.show(p.Model.View())
	return ""
}

// Sequences takes whole sequences, which go out between frames.
func (s *Screen) Sequences() io.Writer { return sequences{s} }

type sequences struct{ *Screen }

func (s sequences) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.File.Write(p)
}

// Alternate scroll (mode 1007) makes arrows of the wheel on the alternate screen, which
// would turn through old prompts. How it was, the terminal remembers where it knows how
// to (XTSAVE); elsewhere it is on afterwards, as it is by default where it exists.
const (
	wheelOff = "\x1b[?1007s\x1b[?1007l"
	wheelOn  = "\x1b[?1007h\x1b[?1007r"
)

// Write takes what Bubble Tea writes: modes go to the terminal as they are, its
// frames, which are empty, do not. The clearing of the alternate screen is left
// out, too: it comes up empty.
func (s *Screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := string(p)
	switch {
	case text == ansi.EraseEntireScreen, len(p) > len(ansi.CursorHomePosition) && strings.HasPrefix(text, ansi.CursorHomePosition):
		return len(p), nil
	case text == ansi.ResetModeAltScreenSaveCursor:
		s.up = false
		s.wait(nil)
		return s.mode(wheelOn, p)
	case text == ansi.SetModeAltScreenSaveCursor:
		// What it looks like is seen when Bubble Tea has told its size, behind its own sequences.
		s.up, s.width, s.painted = true, 0, time.Time{}
		return s.mode(wheelOff, p)
	}
	return s.File.Write(p)
}

// mode writes what Bubble Tea writes, with a mode of ours before it.
func (s *Screen) mode(ours string, p []byte) (int, error) {
	n, err := s.File.Write(append([]byte(ours), p...))
	return max(n-len(ours), 0), err
}

// WriteString is Write: Bubble Tea's single sequences come this way.
func (s *Screen) WriteString(text string) (int, error) { return s.Write([]byte(text)) }

// resize says how large the terminal is. What it has made of its rows nobody knows.
func (s *Screen) resize(width, height int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.width, s.height, s.rows = width, height, nil
}

// show says what is to be seen from now on.
func (s *Screen) show(view string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if view == s.view && s.rows != nil {
		return
	}
	s.view = view
	s.due()
}

// due paints at once if the last frame is old enough, and otherwise when it is.
func (s *Screen) due() {
	if !s.up || s.view == "" || s.width == 0 || s.next != nil {
		return
	}
	if rest := s.every - time.Since(s.painted); rest > 0 {
		s.wait(time.AfterFunc(rest, s.late))
		return
	}
	s.paint()
}

// late paints what has waited for its time.
func (s *Screen) late() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next == nil {
		return // the screen has been left
	}
	s.next = nil
	s.paint()
}

// wait makes t the timer that something waits for.
func (s *Screen) wait(t *time.Timer) {
	if s.next != nil {
		s.next.Stop()
	}
	s.next = t
}

// paint writes the rows that are not seen yet, and puts the cursor at the caret.
func (s *Screen) paint() {
	body, caret := cut(s.view)
	rows := strings.Split(body, "\n")
	rows = rows[:min(len(rows), s.height)]
	out := append(s.out[:0], ansi.SetModeSynchronizedOutput+ansi.HideCursor...)
	same := len(out)
	for i, row := range rows {
		if i < len(s.rows) && s.rows[i] == row {
			continue
		}
		out = append(out, ansi.CursorPosition(1, i+1)...)
		row = ansi.Truncate(row, s.width, "")
		out = append(out, row...)
		if ansi.StringWidth(row) < s.width {
			out = append(out, ansi.EraseLineRight...)
		}
	}
	if len(rows) < s.height && (s.rows == nil || len(rows) < len(s.rows)) {
		out = append(append(out, ansi.CursorPosition(1, len(rows)+1)...), ansi.EraseScreenBelow...)
	}
	if len(out) == same && caret == s.caret && s.rows != nil {
		return // it changed, and changed back
	}
	if caret != "" {
		out = append(append(append(append(out, "\x1b["...), caret...), 'H'), ansi.ShowCursor...)
	}
	s.out = append(out, ansi.ResetModeSynchronizedOutput...)
	s.painted, s.rows, s.caret = time.Now(), rows, caret
	if _, err := s.File.Write(s.out); err != nil {
		s.rows = nil // a terminal that is gone says so by SIGHUP; any other gets all of it again
	}
}

// cut takes the marker out of a view.
func cut(view string) (body, caret string) {
	begin := strings.LastIndex(view, MarkerBegin)
	if begin < 0 {
		return view, ""
	}
	rest := view[begin+len(MarkerBegin):]
	caret, rest, found := strings.Cut(rest, MarkerEnd)
	if !found {
		return view, ""
	}
	return view[:begin] + rest, caret
}
