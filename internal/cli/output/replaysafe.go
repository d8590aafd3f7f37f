package output

import (
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"chat"
)

// replaySafeSink writes the exact text and a final newline to a file or a pipe. If the
// answer restarts, it truncates a file to its earlier length. Output to a pipe cannot be
// undone: the sink continues only if the new text starts with the text so far, and fails
// otherwise.
type replaySafeSink struct {
	w         io.Writer
	rewind    func() error // nil if the output cannot be undone
	written   strings.Builder
	replaying bool // the answer restarted: pending must first catch up
	pending   strings.Builder
	why       string // of the last reset
}

// NewReplaySafeSink returns a sink that writes to f from its current offset.
func NewReplaySafeSink(f *os.File) *replaySafeSink {
	e := &replaySafeSink{w: f}
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return e
	}
	at, err := f.Seek(0, io.SeekCurrent)
	if err != nil {
		return e
	}
	start := at
	if flags, err := unix.FcntlInt(f.Fd(), unix.F_GETFL, 0); err == nil && flags&unix.O_APPEND != 0 {
		start = info.Size() // >>: writes go to the end of the file
	}
	e.rewind = func() error {
		if err := f.Truncate(start); err != nil {
			return err
		}
		_, err := f.Seek(start, io.SeekStart)
		return err
	}
	return e
}

func (e *replaySafeSink) Write(text string) error {
	if e.replaying {
		e.pending.WriteString(text)
		now, was := e.pending.String(), e.written.String()
		switch {
		case strings.HasPrefix(now, was):
			text = now[len(was):]
			e.replaying = false
			e.pending.Reset()
		case strings.HasPrefix(was, now):
			return nil
		default:
			return e.diverged()
		}
	}
	e.written.WriteString(text)
	_, err := io.WriteString(e.w, text)
	return err
}

// ErrDiverged is the error of a restarted answer that does not start with the output so far.
var ErrDiverged = chat.Errorf(chat.CodeAnswerRestarted, "the answer restarted, and its text differs from the output so far")

// diverged returns ErrDiverged, or an error with the reason of the last reset.
func (e *replaySafeSink) diverged() error {
	if what, ok := strings.CutPrefix(e.why, "that was "); ok {
		return chat.Errorf(chat.CodeAnswerRestarted, "the output so far turned out to be %s", what)
	}
	return ErrDiverged
}

func (e *replaySafeSink) Reset(why string) error {
	e.why = why
	e.pending.Reset()
	if e.rewind != nil && e.written.Len() > 0 {
		e.written.Reset()
		return e.rewind()
	}
	e.replaying = e.written.Len() > 0
	return nil
}

func (e *replaySafeSink) Close() error {
	if e.replaying {
		return e.diverged() // the new text is shorter than the output
	}
	if e.written.Len() == 0 {
		return nil
	}
	_, err := io.WriteString(e.w, "\n")
	return err
}
