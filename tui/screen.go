package tui

import (
	"bytes"
	"fmt"
	"os"
	"sync"

	"github.com/charmbracelet/x/ansi"
)

// The view ends with a marker that says where the caret stands: an application
// program command, which has no width and which no terminal ever gets to see,
// since screen takes it out. It makes a caret that moves a change of the view.
const (
	markerBegin = "\x1b_caret;"
	markerEnd   = "\x1b\\"
	hidden      = markerBegin + markerEnd
)

// marker is the marker for a caret on a row and column, both from 0.
func marker(row, column int) string {
	return fmt.Sprintf("%s%d;%d%s", markerBegin, row+1, column+1, markerEnd)
}

// screen is the terminal as Bubble Tea writes to it. Each frame comes in one
// Write; screen brackets it as a synchronized update (mode 2026), so that nobody
// sees half of it, and puts the terminal's own cursor at the caret, where input
// methods look for it.
type screen struct {
	*os.File
	mu    sync.Mutex
	caret []byte // parameters of the cursor's position, empty: hidden
}

// sequences writes whole sequences between the frames of a screen.
type sequences struct{ *screen }

func (s sequences) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.File.Write(p)
}

// Write writes one frame, or any other sequence as it is. The clearing of the
// alternate screen is left out: it comes up empty, and each frame paints all rows.
func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if string(p) == ansi.EraseEntireScreen {
		return len(p), nil
	}
	if len(p) <= len(ansi.CursorHomePosition) || !bytes.HasPrefix(p, []byte(ansi.CursorHomePosition)) {
		return s.File.Write(p)
	}
	out := make([]byte, 0, len(p)+64)
	out = append(out, ansi.SetModeSynchronizedOutput...)
	out = append(out, ansi.HideCursor...)
	out = append(out, s.strip(p)...)
	if len(s.caret) > 0 {
		out = append(out, "\x1b["...)
		out = append(out, s.caret...)
		out = append(out, 'H')
		out = append(out, ansi.ShowCursor...)
	}
	out = append(out, ansi.ResetModeSynchronizedOutput...)
	if _, err := s.File.Write(out); err != nil {
		return 0, err
	}
	return len(p), nil
}

// WriteString is Write: Bubble Tea's single sequences come this way.
func (s *screen) WriteString(text string) (int, error) { return s.Write([]byte(text)) }

// strip takes the marker out of a frame and remembers it. A frame without one
// leaves the caret where it was.
func (s *screen) strip(p []byte) []byte {
	begin := bytes.Index(p, []byte(markerBegin))
	if begin < 0 {
		return p
	}
	rest := p[begin+len(markerBegin):]
	end := bytes.Index(rest, []byte(markerEnd))
	if end < 0 {
		return p
	}
	s.caret = append(s.caret[:0], rest[:end]...)
	return append(append([]byte{}, p[:begin]...), rest[end+len(markerEnd):]...)
}
