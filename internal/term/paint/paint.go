// Package paint paints a model's views on a terminal. Bubble Tea's own renderer
// checks for changes 30 or 60 times a second, which costs an idle terminal time and
// delays every key. This package paints a change immediately, and combines changes
// that come within one frame.
//
// Bubble Tea still provides the loop, raw mode, the modes of the terminal,
// suspending, and the change to an editor.
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

// A view may end with a marker for the position of the caret: an application
// program command, which has no width and is never sent to the terminal.
const (
	MarkerBegin = "\x1b_caret;"
	MarkerEnd   = "\x1b\\"

	// NoCaret hides the caret, as a view without a marker does.
	NoCaret = MarkerBegin + MarkerEnd
)

// Caret returns the marker for a caret on a row and column, both from 0. The
// terminal's own cursor is put there after each frame, because input methods use
// its position.
func Caret(row, column int) string {
	return fmt.Sprintf("%s%d;%d%s", MarkerBegin, row+1, column+1, MarkerEnd)
}

// Screen is a terminal. A frame is one write, bracketed as a synchronized update
// (mode 2026), so that it never appears in part. It repaints only the rows that
// changed. The methods may be called from any goroutine.
type Screen struct {
	*os.File
	every time.Duration // from one frame to the next

	mu            sync.Mutex
	up            bool // we have switched to the alternate screen
	width, height int
	view          string   // the wanted contents
	rows          []string // the contents of the terminal; nil: unknown
	caret         string   // the parameters of the cursor's position, "": hidden
	painted       time.Time
	next          *time.Timer // paints when the frame's time is over; nil: nothing is pending
	out           []byte
}

// New returns a screen on a terminal that paints at most the given number of frames
// per second.
func New(terminal *os.File, framesPerSecond int) *Screen {
	return &Screen{File: terminal, every: time.Second / time.Duration(framesPerSecond)}
}

// Program returns a Bubble Tea program of the model whose views go to the screen.
func (s *Screen) Program(m tea.Model, options ...tea.ProgramOption) *tea.Program {
	// Bubble Tea's clock cannot be stopped. Once a second is the slowest rate, and
	// it finds nothing to paint.
	return tea.NewProgram(blankView{m, s}, append(options, tea.WithOutput(s), tea.WithAltScreen(), tea.WithFPS(1))...)
}

// blankView is the model that Bubble Tea sees: its view is empty.
type blankView struct {
	tea.Model
	screen *Screen
}

func (p blankView) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	if size, ok := msg.(tea.WindowSizeMsg); ok {
		p.screen.resize(size.Width, size.Height)
	}
	m, cmd := p.Model.Update(msg)
	return blankView{m, p.screen}, cmd
}

func (p blankView) View() string {
	p.screen.show(p.Model.View())
	return ""
}

// Sequences returns a writer for whole sequences, which are sent between frames.
func (s *Screen) Sequences() io.Writer { return sequences{s} }

type sequences struct{ *Screen }

func (s sequences) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.File.Write(p)
}

// Alternate scroll (mode 1007) turns the wheel into arrow keys on the alternate
// screen, which would scroll through old prompts. The terminal saves the previous
// state if it can (XTSAVE); otherwise the mode is on afterwards, which is the
// default.
const (
	wheelOff = "\x1b[?1007s\x1b[?1007l"
	wheelOn  = "\x1b[?1007h\x1b[?1007r"
)

// Write receives the output of Bubble Tea. It passes modes to the terminal, and
// drops the frames, which are empty, and the clearing of the alternate screen,
// which is empty at first.
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
		// The first frame is painted when Bubble Tea has reported the size, after
		// its own sequences.
		s.up, s.width, s.painted = true, 0, time.Time{}
		return s.mode(wheelOff, p)
	}
	return s.File.Write(p)
}

// mode writes a sequence of Bubble Tea, with a mode of ours before it.
func (s *Screen) mode(ours string, p []byte) (int, error) {
	n, err := s.File.Write(append([]byte(ours), p...))
	return max(n-len(ours), 0), err
}

// WriteString is Write; Bubble Tea writes single sequences with it.
func (s *Screen) WriteString(text string) (int, error) { return s.Write([]byte(text)) }

// resize sets the size of the terminal, whose contents are then unknown.
func (s *Screen) resize(width, height int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.width, s.height, s.rows = width, height, nil
}

// show sets the wanted contents.
func (s *Screen) show(view string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if view == s.view && s.rows != nil {
		return
	}
	s.view = view
	s.due()
}

// due paints immediately if the last frame is old enough, and otherwise starts the
// timer.
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

// late paints when the frame's time is over.
func (s *Screen) late() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next == nil {
		return // the screen has been left
	}
	s.next = nil
	s.paint()
}

// wait sets the timer of the pending frame.
func (s *Screen) wait(t *time.Timer) {
	if s.next != nil {
		s.next.Stop()
	}
	s.next = t
}

// paint writes the rows that have changed, and puts the cursor at the caret.
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
		s.rows = nil // repaint everything next time; a terminal that is gone sends SIGHUP
	}
}

// cut removes the marker from a view.
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
