package main

import (
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"chat"
)

// replaySafeSink writes the exact text, and a newline, for a program that reads it. When the
// answer begins again, a file is taken back to where it was. What a pipe got
// cannot be taken back: it goes on only where the new text has the same
// beginning, and fails otherwise.
type replaySafeSink struct {
	w       io.Writer
	rewind  func() error // nil: what is written cannot be taken back
	written strings.Builder
	again   bool // the answer began again: pending must first catch up
	pending strings.Builder
	why     string // of the last reset
}

// newExact writes to f, from where that stands now.
func newExact(f *os.File) *replaySafeSink {
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
		start = info.Size() // >>: writes go to the end, wherever we stand
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
	if e.again {
		e.pending.WriteString(text)
		now, was := e.pending.String(), e.written.String()
		switch {
		case strings.HasPrefix(now, was):
			text = now[len(was):]
			e.again = false
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

// errDiverged says that what has been written is not the answer's beginning.
var errDiverged = chat.Errorf(chat.CodeAnswerRestarted, "the answer was begun again, and differs from what has been written")

// diverged is the error of a text that goes on otherwise than what has been written.
func (e *replaySafeSink) diverged() error {
	if what, ok := strings.CutPrefix(e.why, "that was "); ok {
		return chat.Errorf(chat.CodeAnswerRestarted, "what has been written turned out to be %s", what)
	}
	return errDiverged
}

func (e *replaySafeSink) Reset(why string) error {
	e.why = why
	e.pending.Reset()
	if e.rewind != nil && e.written.Len() > 0 {
		e.written.Reset()
		return e.rewind()
	}
	e.again = e.written.Len() > 0
	return nil
}

func (e *replaySafeSink) Close() error {
	if e.again {
		return e.diverged() // it ended before it reached what has been written
	}
	if e.written.Len() == 0 {
		return nil
	}
	_, err := io.WriteString(e.w, "\n")
	return err
}
