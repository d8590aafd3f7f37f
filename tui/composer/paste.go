package composer

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"

	"chat/internal/term/sanitize"
)

// A long paste is folded: the text contains one character of a private plane for
// it. The character is shown as a label, and moves and is deleted as one. Value
// unfolds it.
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
	f := folded{text, sanitize.Line(label)}
	c.know(f)
	fold := c.fold(f)
	c.edit(c.text[:c.caret]+fold+c.text[c.caret:], c.caret+len(fold))
	return true
}

// fold is the character that stands for a paste.
func (c *Composer) fold(f folded) string {
	c.pastes = append(c.pastes, f)
	return string(rune(foldFirst + len(c.pastes) - 1))
}

// maxKnown bounds what is remembered of pastes.
const maxKnown = 32

func (c *Composer) know(f folded) {
	c.forget(f)
	c.known = append(c.known, f)
	c.known = c.known[max(0, len(c.known)-maxKnown):]
}

func (c *Composer) forget(f folded) {
	c.known = slices.DeleteFunc(c.known, func(k folded) bool { return k.text == f.text })
}

// refold folds known pastes in a text again.
func (c *Composer) refold(text string) string {
	for _, f := range slices.Backward(c.known) {
		for f.text != "" && len(c.pastes) <= foldLast-foldFirst {
			before, after, found := strings.Cut(text, f.text)
			if !found {
				break
			}
			text = before + c.fold(f) + after
		}
	}
	return text
}

// folded is a text and the label that is shown instead.
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

// Unfold replaces the folded paste at the caret by its text; false if there is
// none.
func (c *Composer) Unfold() bool {
	for _, at := range []int{c.before(), c.caret} {
		r, size := utf8.DecodeRuneInString(c.text[at:])
		if i := int(r) - foldFirst; isFold(r) && i < len(c.pastes) {
			c.forget(c.pastes[i])
			c.edit(c.text[:at]+c.pastes[i].text+c.text[at+size:], at+len(c.pastes[i].text))
			return true
		}
	}
	return false
}

// shown is a part of the text as a row of at most room cells.
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
