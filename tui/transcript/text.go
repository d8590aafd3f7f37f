package transcript

import (
	"strings"

	"chat/internal/term/citation"
	"chat/internal/term/markdown"
	"chat/internal/term/sanitize"
)

// text is a Markdown text that may still grow. It is sanitized when it arrives,
// citation markers included, and laid out when it is visible.
type text struct {
	clean   sanitize.Stream
	cites   citation.Stream
	src     strings.Builder
	stream  *markdown.Stream // nil: not laid out
	width   int
	version int // the version of the style
}

func (t *text) add(piece string) { t.src.WriteString(t.cites.Append(t.clean.Append(piece))) }

// end ends the text.
func (t *text) end() { t.src.WriteString(t.cites.Flush()) }

func (t *text) empty() bool { return t.src.Len() == 0 }

// set replaces the text by a sanitized one, and keeps the layout if it is the same.
func (t *text) set(whole string) {
	if whole == t.src.String() {
		return
	}
	t.clear()
	t.src.WriteString(whole)
}

func (t *text) clear() { *t = text{} }

func (t *text) rows(width int, style markdown.Style, version int) []string {
	if t.stream == nil || t.width != width || t.version != version {
		t.stream, t.width, t.version = markdown.NewStream(width, style), width, version
	}
	t.stream.Append(t.src.String()[t.stream.Len():])
	return t.stream.Lines()
}

func (t *text) drop() { t.stream = nil }
