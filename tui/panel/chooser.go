package panel

import (
	"context"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"chat"
	"chat/internal/term/sanitize"
	"chat/tui/jobs"
)

// typingPause is how long typing must rest before the server is searched.
const typingPause = 150 * time.Millisecond

// Kind identifies the kind of a list. The caller defines the kinds.
type Kind int

// List is a panel with what its caller knows about it.
type List struct {
	*Panel
	Kind Kind
	// Refresh returns the current items; nil if they are fixed.
	Refresh func() []Item
	// Search asks the server; nil: typing only filters.
	Search func(ctx context.Context, query string) ([]Item, error)
	// Pick is what a choice does.
	Pick func(Item) tea.Cmd
	// Word is what the user entered to open the list, "" if it was a key.
	Word string

	id int // results for another list are stale
}

// Chooser owns the list that is open.
type Chooser struct {
	jobs   *jobs.Runner
	open   *List
	opened int // lists so far
}

// NewChooser returns a Chooser without an open list.
func NewChooser(j *jobs.Runner) *Chooser { return &Chooser{jobs: j} }

// FoundMsg is the result of a search.
type FoundMsg struct {
	List  int // the number of the list, see Show
	Query string
	Items []Item
	Err   error
}

// Current is the open list, or nil.
func (c *Chooser) Current() *List { return c.open }

// Is reports whether a list of that kind is open.
func (c *Chooser) Is(kind Kind) bool { return c.open != nil && c.open.Kind == kind }

// Show opens a list. Lists are numbered from 1.
func (c *Chooser) Show(l *List) {
	c.opened++
	l.id = c.opened
	c.open = l
	c.Refresh()
}

// Close closes the open list.
func (c *Chooser) Close() { c.open = nil }

// Reopen shows a list again that was open before, with its searches.
func (c *Chooser) Reopen(l *List) { c.open = l }

// Refresh brings the open list up to date.
func (c *Chooser) Refresh() {
	if c.open != nil && c.open.Refresh != nil {
		c.open.SetItems(c.open.Refresh())
	}
}

// SetLoaded marks the list as complete: no more items will arrive.
func (c *Chooser) SetLoaded() {
	if c.open != nil {
		c.open.Loading = false
	}
}

// LoadOnce fills the list by one search. Typing then only filters.
func (c *Chooser) LoadOnce() tea.Cmd {
	cmd := c.search("", 0)
	c.open.Search = nil
	return cmd
}

// Filter changes the filter of the open list, and searches for it.
func (c *Chooser) Filter(query string) tea.Cmd {
	l := c.open
	l.SetQuery(query)
	l.Loading, l.Failure = false, ""
	if l.Search == nil || strings.TrimSpace(query) == "" {
		return nil
	}
	return c.search(l.Query(), typingPause)
}

func (c *Chooser) search(query string, pause time.Duration) tea.Cmd {
	l := c.open
	l.Loading = true
	id, search := l.id, l.Search
	return c.jobs.Command(func(ctx context.Context) tea.Msg {
		jobs.Pause(ctx, pause)
		items, err := search(ctx, query)
		return FoundMsg{id, query, items, err}
	})
}

// Found shows the result of a search, the items for which visible is true. It
// reports whether the query has found items.
func (c *Chooser) Found(msg FoundMsg, visible func([]Item) []Item) bool {
	l := c.open
	if l == nil || l.id != msg.List || msg.Query != "" && msg.Query != l.Query() {
		return false
	}
	l.Loading, l.Failure = false, ""
	switch {
	case msg.Err != nil:
		l.Failure = sanitize.Line(chat.AsError(msg.Err).Message)
	case msg.Query == "":
		l.SetItems(msg.Items)
	default:
		l.SetFound(msg.Query, visible(msg.Items))
		return true
	}
	return false
}

// NotesMsg is where in the items of a list the words of a search are.
type NotesMsg struct {
	list  int
	query string
	notes map[string]Note
}

// FindNotes runs find for the query of the open list. Notes are an extra: without
// them, the list is as it is.
func (c *Chooser) FindNotes(find func(ctx context.Context, query string) (map[string]Note, error)) tea.Cmd {
	l := c.open
	if len(l.Shown()) == 0 || strings.TrimSpace(l.Query()) == "" {
		return nil
	}
	id, query := l.id, l.Query()
	return c.jobs.Command(func(ctx context.Context) tea.Msg {
		notes, err := find(ctx, query)
		if err != nil {
			return nil
		}
		return NotesMsg{id, query, notes}
	})
}

// NotesFound shows notes.
func (c *Chooser) NotesFound(msg NotesMsg) {
	if c.open != nil && c.open.id == msg.list {
		c.open.SetNotes(msg.query, msg.notes)
	}
}
