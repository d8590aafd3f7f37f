package markdown

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// span is a run of text in one style. A span whose text is "\n" breaks the row.
type span struct{ text, sgr string }

// row is one laid-out row; width counts its cells.
type row struct {
	text  string
	width int
}

// paint wraps text in the SGR parameters and ends with a reset, so that each row is
// independent of the others.
func paint(text, sgr string) string {
	if sgr == "" || text == "" {
		return text
	}
	return "\x1b[" + sgr + "m" + text + "\x1b[0m"
}

// join adds SGR parameters to those in force.
func join(sgr, more string) string {
	if sgr == "" || more == "" {
		return sgr + more
	}
	return sgr + ";" + more
}

// wrap breaks spans into rows of at most width cells: at spaces, next to wide
// characters, and inside a word only if it is longer than a row. It merges runs of
// spaces unless keep is set.
func wrap(spans []span, width int, keep bool) []row {
	w := wrapper{width: width, keep: keep}
	for _, s := range spans {
		w.add(s)
	}
	w.word()
	if w.cells > 0 || len(w.rows) == 0 {
		w.newline()
	}
	return w.rows
}

type wrapper struct {
	width int
	keep  bool
	rows  []row
	cur   []span // the row so far
	cells int
	gap   int // spaces before the next word
	gapFX string
	part  []span // the word so far
	size  int
}

func (w *wrapper) add(s span) {
	if s.text == "\n" {
		w.word()
		w.newline()
		return
	}
	for rest := s.text; rest != ""; {
		if n := plain(rest); n > 0 {
			w.part = extend(w.part, rest[:n], s.sgr)
			w.size += n
			rest = rest[n:]
			continue
		}
		c, n := cluster(rest)
		rest = rest[len(c):]
		switch {
		case c == " " || c == "\t" || c == "\n":
			w.word()
			w.space(s.sgr)
		case n > 1:
			w.word()
			w.part, w.size = append(w.part, span{c, s.sgr}), n
			w.word()
		default:
			w.part = extend(w.part, c, s.sgr)
			w.size += n
		}
	}
}

// plain returns the length of the run of ASCII without spaces at the beginning of
// s, without a last character that a following one might combine with.
func plain(s string) int {
	n := 0
	for n < len(s) && s[n] > ' ' && s[n] < 0x80 {
		n++
	}
	if n > 0 && n < len(s) && s[n] >= 0x80 {
		n--
	}
	return n
}

func (w *wrapper) space(sgr string) {
	if w.keep {
		w.gap++
	} else if w.cells > 0 {
		w.gap = 1
	}
	w.gapFX = sgr
}

// word puts the finished word on this row or the next.
func (w *wrapper) word() {
	if len(w.part) == 0 {
		return
	}
	if w.cells > 0 && w.cells+w.gap+w.size > w.width {
		w.newline()
	}
	if w.gap > 0 && w.gap+w.size <= w.width-w.cells {
		w.cur = extend(w.cur, strings.Repeat(" ", w.gap), w.gapFX)
		w.cells += w.gap
	}
	w.gap = 0
	if w.cells+w.size <= w.width {
		for _, p := range w.part {
			w.cur = extend(w.cur, p.text, p.sgr)
		}
		w.cells += w.size
	} else {
		w.breakWord()
	}
	w.part, w.size = w.part[:0], 0
}

// breakWord breaks a word that is longer than a row.
func (w *wrapper) breakWord() {
	for _, p := range w.part {
		for rest := p.text; rest != ""; {
			c, n := cluster(rest)
			rest = rest[len(c):]
			if w.cells+n > w.width && w.cells > 0 {
				w.newline()
			}
			w.cur = extend(w.cur, c, p.sgr)
			w.cells += n
		}
	}
}

func (w *wrapper) newline() {
	var b strings.Builder
	for _, s := range w.cur {
		b.WriteString(paint(s.text, s.sgr))
	}
	w.rows = append(w.rows, row{b.String(), w.cells})
	w.cur, w.cells, w.gap = w.cur[:0], 0, 0
}

// extend appends text to the last span if the style is the same.
func extend(spans []span, text, sgr string) []span {
	if n := len(spans); n > 0 && spans[n-1].sgr == sgr {
		spans[n-1].text += text
		return spans
	}
	return append(spans, span{text, sgr})
}

// cluster returns the first user-perceived character of s and its width in cells.
func cluster(s string) (string, int) {
	if s[0] < 0x80 && (len(s) == 1 || s[1] < 0x80) {
		return s[:1], 1
	}
	return ansi.FirstGraphemeCluster(s, ansi.GraphemeWidth)
}

// hardwrap breaks text at exactly width cells, which suits code.
func hardwrap(text string, width int) []row {
	var rows []row
	start, cells := 0, 0
	for i := 0; i < len(text); {
		c, n := cluster(text[i:])
		if cells+n > width && cells > 0 {
			rows = append(rows, row{text[start:i], cells})
			start, cells = i, 0
		}
		cells += n
		i += len(c)
	}
	return append(rows, row{text[start:], cells})
}

// hardwrapSpans is hardwrap for several styles.
func hardwrapSpans(spans []span, width int) []string {
	var rows []string
	var b strings.Builder
	cells := 0
	for _, s := range spans {
		start := 0
		for i := 0; i < len(s.text); {
			c, n := cluster(s.text[i:])
			if cells+n > width && cells > 0 {
				b.WriteString(paint(s.text[start:i], s.sgr))
				rows = append(rows, b.String())
				b.Reset()
				start, cells = i, 0
			}
			cells += n
			i += len(c)
		}
		b.WriteString(paint(s.text[start:], s.sgr))
	}
	return append(rows, b.String())
}

// cut shortens text to width cells.
func cut(text string, width int) string { return ansi.Truncate(text, width, "…") }

// untab replaces tabs by spaces up to the next multiple of four.
func untab(text string) string {
	if !strings.ContainsRune(text, '\t') {
		return text
	}
	var b strings.Builder
	cells := 0
	for {
		part, rest, more := strings.Cut(text, "\t")
		b.WriteString(part)
		if !more {
			return b.String()
		}
		cells += ansi.StringWidth(part)
		n := 4 - cells%4
		b.WriteString(strings.Repeat(" ", n))
		cells += n
		text = rest
	}
}
