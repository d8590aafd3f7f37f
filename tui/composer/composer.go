// Package composer is the input box: a text of several lines with a caret, laid
// out for a width. It knows nothing of keys or terminals.
package composer

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"

	"chat/internal/term/sanitize"
)

// MaxBytes bounds the text; what is inserted beyond it is refused.
const MaxBytes = 768 << 10

// Composer is a text and a caret. The zero Composer is empty.
type Composer struct {
	text  string
	caret int // byte offset, between two characters
	goal  int // column that up and down aim for, -1 if none
	top   int // first row in sight

	pastes []folded // texts that are shown as labels
	known  []folded // those that were pasted before, the newest last
	value  *string  // the unfolded text, nil if it is stale

	rows  []segment
	width int // that rows were laid out for
	stale bool
}

// Value is the text.
func (c *Composer) Value() string {
	if c.value == nil {
		text := c.unfold()
		c.value = &text
	}
	return *c.value
}

// Empty reports whether there is no text.
func (c *Composer) Empty() bool { return c.text == "" }

// Set replaces the text and puts the caret at its end. What was folded before is
// folded again.
func (c *Composer) Set(text string) {
	c.pastes = nil
	c.edit("", 0)
	c.Restore(text)
}

// Restore inserts a text that stood here before, what was folded in it folded again.
// It reports whether there was room.
func (c *Composer) Restore(text string) bool {
	text = clean(text)
	if len(c.Value())+len(text) > MaxBytes {
		return false
	}
	text = c.refold(text)
	c.edit(c.text[:c.caret]+text+c.text[c.caret:], c.caret+len(text))
	return true
}

// Insert puts text at the caret. It sanitizes the text, and turns line ends into
// newlines. It reports whether there was room.
func (c *Composer) Insert(text string) bool {
	text = clean(text)
	if len(c.Value())+len(text) > MaxBytes {
		return false
	}
	c.edit(c.text[:c.caret]+text+c.text[c.caret:], c.caret+len(text))
	return true
}

func clean(text string) string {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	if strings.ContainsFunc(text, isFold) {
		text = strings.Map(func(r rune) rune {
			if isFold(r) {
				return utf8.RuneError
			}
			return r
		}, text)
	}
	return sanitize.String(strings.ReplaceAll(text, "\r", "\n"))
}

func (c *Composer) edit(text string, caret int) {
	c.text, c.caret, c.goal = text, caret, -1
	c.value, c.stale = nil, true
}

func (c *Composer) move(caret int) { c.caret, c.goal = caret, -1 }

// Left and Right move by one character as users see it.
func (c *Composer) Left() { c.move(c.before()) }

// Right moves the caret one character towards the end.
func (c *Composer) Right() { c.move(c.after()) }

// WordLeft moves the caret to the beginning of a word.
func (c *Composer) WordLeft() { c.move(c.wordBefore()) }

// WordRight moves the caret to the end of a word.
func (c *Composer) WordRight() { c.move(c.wordAfter()) }

// Begin moves the caret to the beginning of the text.
func (c *Composer) Begin() { c.move(0) }

// Home moves the caret to the beginning of its line, End to the end.
func (c *Composer) Home() { c.move(strings.LastIndexByte(c.text[:c.caret], '\n') + 1) }

// End moves the caret to the end of its line.
func (c *Composer) End() {
	if i := strings.IndexByte(c.text[c.caret:], '\n'); i >= 0 {
		c.move(c.caret + i)
		return
	}
	c.move(len(c.text))
}

// AtEnd reports whether the caret is at the end of the text.
func (c *Composer) AtEnd() bool { return c.caret == len(c.text) }

// Backspace deletes the character before the caret, Delete the one after it.
func (c *Composer) Backspace() { c.cut(c.before(), c.caret) }

// Delete deletes the character after the caret.
func (c *Composer) Delete() { c.cut(c.caret, c.after()) }

// DeleteWord deletes back to the beginning of a word.
func (c *Composer) DeleteWord() { c.cut(c.wordBefore(), c.caret) }

// DeleteToHome deletes back to the beginning of the line.
func (c *Composer) DeleteToHome() {
	c.cut(strings.LastIndexByte(c.text[:c.caret], '\n')+1, c.caret)
}

func (c *Composer) cut(from, to int) { c.edit(c.text[:from]+c.text[to:], from) }

// before is where the character before the caret begins. Clusters are found from
// the line's beginning, since they cannot be found backwards.
func (c *Composer) before() int {
	if c.caret == 0 {
		return 0
	}
	at := strings.LastIndexByte(c.text[:c.caret-1], '\n') + 1
	for {
		next := at + clusterLen(c.text[at:])
		if next >= c.caret {
			return at
		}
		at = next
	}
}

func (c *Composer) after() int { return c.caret + clusterLen(c.text[c.caret:]) }

func (c *Composer) wordBefore() int {
	head := strings.TrimRightFunc(c.text[:c.caret], unicode.IsSpace)
	return strings.LastIndexFunc(head, unicode.IsSpace) + 1
}

func (c *Composer) wordAfter() int {
	rest := c.text[c.caret:]
	skip := len(rest) - len(strings.TrimLeftFunc(rest, unicode.IsSpace))
	if i := strings.IndexFunc(rest[skip:], unicode.IsSpace); i >= 0 {
		return c.caret + skip + i
	}
	return len(c.text)
}

func clusterLen(s string) int {
	if s == "" {
		return 0
	}
	if s[0] < utf8.RuneSelf && (len(s) == 1 || s[1] < utf8.RuneSelf) {
		return 1
	}
	cluster, _ := ansi.FirstGraphemeCluster(s, ansi.GraphemeWidth)
	return max(len(cluster), 1)
}

// Text is the text with each folded paste as one character. Caret is an offset in
// it.
func (c *Composer) Text() string { return c.text }

// Caret is the offset of the caret in Text.
func (c *Composer) Caret() int { return c.caret }

// Replace replaces a part of Text, and puts the caret after it.
func (c *Composer) Replace(from, to int, text string) {
	text = clean(text)
	c.edit(c.text[:from]+text+c.text[to:], from+len(text))
}

// Swap replaces old by text: the last one before the caret, or else the first one
// after it. The caret stays after the same character.
func (c *Composer) Swap(old, text string) {
	text = clean(text)
	at := strings.LastIndex(c.text[:c.caret], old)
	if at < 0 {
		at = strings.Index(c.text, old)
	}
	if at < 0 || old == "" {
		return
	}
	caret := c.caret
	switch {
	case caret >= at+len(old):
		caret += len(text) - len(old)
	case caret > at:
		caret = at + len(text)
	}
	c.edit(c.text[:at]+text+c.text[at+len(old):], caret)
}
