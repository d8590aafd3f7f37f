package composer

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"

	"chat/tui/sanitize"
)

// A long paste is folded: in the text stands one character of a private plane,
// which is shown as a label, moves and goes as one, and is unfolded by Value.
const (
	foldFirst = 0x10F000 // in Supplementary Private Use Area-B
	foldLast  = 0x10F0FF
	foldLines = 8 // a paste of so many lines is folded
)

func isFold(r rune) bool { return r >= foldFirst && r <= foldLast }

// Paste inserts a pasted text at the caret, folded if it is long. It reports
// whether there was room.
func (c *Composer) Paste(text string) bool {
	text = clean(text)
	lines := strings.Count(strings.TrimSuffix(text, "\n"), "\n") + 1
	if lines < foldLines || len(c.pastes) > foldLast-foldFirst {
		return c.Insert(text)
	}
	return c.Fold(text, fmt.Sprintf("[pasted · %d lines]", lines))
}

// Fold inserts a text that is shown as a label. It reports whether there was room.
func (c *Composer) Fold(text, label string) bool {
	text = clean(text)
	if len(c.pastes) > foldLast-foldFirst {
		return c.Insert(text)
	}
	if len(c.Value())+len(text) > MaxBytes {
		return false
	}
	fold := string(rune(foldFirst + len(c.pastes)))
	c.pastes = append(c.pastes, folded{text, sanitize.Line(label)})
	c.edit(c.text[:c.caret]+fold+c.text[c.caret:], c.caret+len(fold))
	return true
}

// folded is a text and what is shown in its place.
type folded struct{ text, label string }

// unfold is the text with all pastes in it.
func (c *Composer) unfold() string {
	if len(c.pastes) == 0 {
		return c.text
	}
	var b strings.Builder
	for _, r := range c.text {
		if i := int(r) - foldFirst; isFold(r) && i < len(c.pastes) {
			b.WriteString(c.pastes[i].text)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// Unfold puts the paste beside the caret into the text as it is; false if there
// is none.
func (c *Composer) Unfold() bool {
	for _, at := range []int{c.before(), c.caret} {
		r, size := utf8.DecodeRuneInString(c.text[at:])
		if i := int(r) - foldFirst; isFold(r) && i < len(c.pastes) {
			c.edit(c.text[:at]+c.pastes[i].text+c.text[at+size:], at+len(c.pastes[i].text))
			return true
		}
	}
	return false
}

// shown is how a part of the text looks on a row of at most room cells.
func (c *Composer) shown(s string) string {
	s = strings.ReplaceAll(s, "\t", tab)
	if len(c.pastes) == 0 || !strings.ContainsFunc(s, isFold) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if i := int(r) - foldFirst; isFold(r) && i < len(c.pastes) {
			b.WriteString(ansi.Truncate(c.pastes[i].label, max(c.width-1, 1), "…"))
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}
