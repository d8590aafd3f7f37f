// Package panel is a list with a filter: a title, a field for the filter, and the
// rows that match. The caller provides the items and the meaning of a choice;
// Chooser owns the list that is open.
package panel

import (
	"strings"
	"unicode/utf8"

	"chat/internal/term/sanitize"
)

// Item is one row. Its texts must be clean.
type Item struct {
	ID     string
	Title  string
	Detail string // on the right, left out where there is no room
	Mark   Mark
	// Hidden text is found by the filter too.
	Hidden string
}

// Mark is the sign in front of a row.
type Mark int

// The marks.
const (
	Plain   Mark = iota
	Running      // an answer is being made
	News         // an answer has ended that the user has not seen
	InUse        // the one in use
	Failed       // ended badly
)

// Note is where in an item the query was found: a clean text that is shown beside
// the title, and the position as the caller knows it.
type Note struct{ Text, At string }

// Panel is an open list.
type Panel struct {
	Title string
	Field string // in front of the filter, such as "find"
	Empty string // what is said when there are no items at all
	// Loading says that items may still come, Failure why they do not.
	Loading bool
	Failure string

	query   string
	items   []Item
	found   []Item // by the caller, for foundBy
	foundBy string
	notes   map[string]Note // for notedBy
	notedBy string
	shown   []Item
	at, top int
	height  int // rows for items, set by View
}

// SetItems replaces all items. The selected row stays the same item if it is still
// there.
func (p *Panel) SetItems(items []Item) {
	p.items = items
	p.filter()
}

// SetFound adds what was found elsewhere for a query, as long as that is the
// query.
func (p *Panel) SetFound(query string, items []Item) {
	p.found, p.foundBy = items, query
	p.filter()
}

// SetNotes sets, by the items' ids, where a query was found in them, if that is
// still the query.
func (p *Panel) SetNotes(query string, notes map[string]Note) { p.notes, p.notedBy = notes, query }

// NoteOf is the note of an item, empty if there is none.
func (p *Panel) NoteOf(id string) Note {
	if p.notedBy != p.query {
		return Note{}
	}
	return p.notes[id]
}

// Query is the filter as it was typed.
func (p *Panel) Query() string { return p.query }

// Shown are the rows that fit the filter.
func (p *Panel) Shown() []Item { return p.shown }

// SetQuery changes the filter and goes to the first row that fits.
func (p *Panel) SetQuery(query string) {
	space := strings.HasSuffix(query, " ")
	p.query, p.at = sanitize.Line(query), 0
	if space && !strings.HasSuffix(p.query, " ") {
		p.query += " "
	}
	p.shown = nil
	p.filter()
}

// Shorter is the query without its last character.
func (p *Panel) Shorter() string {
	_, n := utf8.DecodeLastRuneInString(p.query)
	return p.query[:len(p.query)-n]
}

// Move moves the choice by rows, Page by screens.
func (p *Panel) Move(by int) { p.at = max(min(p.at+by, len(p.shown)-1), 0) }

// Page moves the choice by screens.
func (p *Panel) Page(by int) { p.Move(by * max(p.height-1, 1)) }

// Current is the selected item, false if there is none.
func (p *Panel) Current() (Item, bool) {
	if p.at >= len(p.shown) {
		return Item{}, false
	}
	return p.shown[p.at], true
}

// filter shows the items that hold all words of the query, and what was found.
func (p *Panel) filter() {
	current, selected := p.Current()
	p.shown = nil
	seen := map[string]bool{}
	words := strings.Fields(strings.ToLower(p.query))
	add := func(it Item) {
		if seen[it.ID] {
			return
		}
		seen[it.ID] = true
		if selected && it.ID == current.ID {
			p.at = len(p.shown)
		}
		p.shown = append(p.shown, it)
	}
	for _, it := range p.items {
		if fits(it, words) {
			add(it)
		}
	}
	if len(words) > 0 && p.foundBy == p.query {
		for _, it := range p.found {
			add(it)
		}
	}
	p.Move(0)
}

func fits(it Item, words []string) bool {
	text := strings.ToLower(it.Title + " " + it.Hidden)
	for _, w := range words {
		if !strings.Contains(text, w) {
			return false
		}
	}
	return true
}
