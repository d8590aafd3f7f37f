package markdown

import (
	"fmt"
	"io"
	"strings"

	"chat/internal/term/citation"
	"chat/internal/term/sanitize"
)

// Writer lays out a streamed text on a terminal by appending rows as soon as they
// are finished. It removes the citation markers of providers. It never moves the
// cursor and never rewrites a row, so a link whose target is defined later keeps
// its source form.
type Writer struct {
	w      io.Writer
	width  int
	style  Style
	clean  sanitize.Stream
	cites  citation.Stream
	stream *Stream
	done   int // rows written of stream
}

// NewWriter returns a Writer for rows of at most width cells. It sanitizes the text
// that is written to it.
func NewWriter(w io.Writer, width int, style Style) *Writer {
	return &Writer{w: w, width: width, style: style, stream: newFixed(width, style)}
}

// newFixed returns a Stream whose kept rows never change.
func newFixed(width int, style Style) *Stream {
	s := NewStream(width, style)
	s.fixed = true
	return s
}

// Write takes the next piece of the text and writes the rows that it finished.
func (w *Writer) Write(text string) error {
	w.stream.Append(w.cites.Append(w.clean.Append(text)))
	return w.rows(w.stream.Settled())
}

// Close writes the rest of the text. The Writer is then ready for another one.
func (w *Writer) Close() error {
	w.stream.Append(w.cites.Flush())
	err := w.rows(len(w.stream.Lines()))
	w.begin()
	return err
}

// Reset discards the text. If rows of it have been written already, it writes the
// reason.
func (w *Writer) Reset(why string) error {
	written := w.done > 0
	w.begin()
	if !written {
		return nil
	}
	label := cut(why, max(w.width-6, MinWidth))
	rest := max(w.width-rowWidth(label)-5, 0)
	row := paint("── "+label+" "+strings.Repeat("─", rest), w.style.Rule)
	_, err := fmt.Fprintf(w.w, "\n%s\n\n", row)
	return err
}

func (w *Writer) begin() {
	w.clean, w.cites, w.stream, w.done = sanitize.Stream{}, citation.Stream{}, newFixed(w.width, w.style), 0
}

// rows writes all rows before end that have not been written.
func (w *Writer) rows(end int) error {
	if end <= w.done {
		return nil
	}
	out := strings.Join(w.stream.Lines()[w.done:end], "\n") + "\n"
	w.done = end
	_, err := io.WriteString(w.w, out)
	return err
}
