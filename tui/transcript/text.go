package transcript

import (
	"strings"

	"chat/internal/term/citation"
	"chat/internal/term/markdown"
	"chat/internal/term/sanitize"
)

// text is a Markdown text that may still grow. It is cleaned as it comes in, citation
// markers included, and laid out when somebody looks.
type text struct {
	clean  sanitize.Stream
	cites  citation.Stream
	src    strings.Builder
	stream *markdown.Stream // nil: not laid out
	width  int
	look   int // the version of the style
}

func (t *text) add(piece string) { t.src.WriteString(t.cites.Append(t.clean.Append(piece))) }

// end says that no more comes.
func (t *text) end() { t.src.WriteString(t.cites.Flush()) }

func (t *text) empty() bool { return t.src.Len() == 0 }

// set replaces the text, which is clean, and keeps the layout if it is the same.
func (t *text) set(whole string) {
	if whole == t.src.String() {
		return
	}
	t.clear()
	t.src.WriteString(whole)
}

func (t *text) clear() { *t = text{} }

func (t *text) rows(width int, style markdown.Style, look int) []string {
	if t.stream == nil || t.width != width || t.look != look {
		t.stream, t.width, t.look = markdown.NewStream(width, style), width, look
	}
	t.stream.Append(t.src.String()[t.stream.Len():])
	return t.stream.Lines()
}

func (t *text) drop() { t.stream = nil }
