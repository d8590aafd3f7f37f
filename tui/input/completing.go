package input

import (
	"context"
	"strings"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"

	"chat/internal/term/attach"
	"chat/internal/term/sanitize"
	"chat/internal/term/theme"
)

// completion offers files for the @ that is being written.
type completion struct {
	files   []string // below the directory, nil until they are known
	reading bool     // of files
	from    int      // the offset of the @
	prefix  string
	offers  []string
	at      int // the selected offer
	closed  int // the offset of an @ without offers, -1 for none
}

// maxOffers is how many files are offered.
const maxOffers = 6

type (
	// FilesMsg is the files below the directory.
	FilesMsg struct{ files []string }
	// ListedMsg is the files elsewhere that begin with a prefix.
	ListedMsg struct {
		prefix string
		list   []string
	}
)

// Offering reports whether files are offered.
func (in *Input) Offering() bool { return len(in.files.offers) > 0 }

// Offers are the files that are offered.
func (in *Input) Offers() []string { return in.files.offers }

// Complete brings the offers up to date with the text.
func (in *Input) Complete() tea.Cmd {
	c := &in.files
	prefix, from, ok := attach.Partial(in.Text(), in.Caret())
	if !ok || from == c.closed {
		c.offers = nil
		if !ok {
			c.closed = -1
		}
		return nil
	}
	if prefix == c.prefix && from == c.from && c.offers != nil {
		return nil
	}
	c.prefix, c.from, c.at = prefix, from, 0
	dirs := in.dirs
	if attach.Elsewhere(prefix) {
		return in.jobs.Command(func(context.Context) tea.Msg {
			return ListedMsg{prefix, dirs.List(prefix, maxOffers)}
		})
	}
	c.offers = attach.Match(c.files, prefix, maxOffers)
	if c.files != nil || c.reading {
		return nil
	}
	c.reading = true
	return in.jobs.Command(func(ctx context.Context) tea.Msg { return FilesMsg{dirs.Files(ctx)} })
}

// FilesFound keeps the files below the directory and offers those that match.
func (in *Input) FilesFound(msg FilesMsg) {
	c := &in.files
	c.files, c.reading = append([]string{}, msg.files...), false
	if _, _, ok := attach.Partial(in.Text(), in.Caret()); ok {
		c.offers = attach.Match(c.files, c.prefix, maxOffers)
	}
}

// FilesListed offers files elsewhere, if their prefix is still the one in the text.
func (in *Input) FilesListed(msg ListedMsg) {
	if msg.prefix == in.files.prefix {
		in.files.offers = msg.list
	}
}

// AcceptOffer writes the selected file into the text.
func (in *Input) AcceptOffer() {
	c := &in.files
	path := c.offers[c.at]
	mention := attach.Write(path)
	if strings.HasSuffix(path, "/") {
		mention = "@" + path // the path continues
	} else {
		mention += " "
	}
	in.Replace(c.from, in.Caret(), mention)
	c.offers, c.prefix = nil, "\x00"
}

// MoveOffer moves the selection.
func (in *Input) MoveOffer(by int) {
	n := len(in.files.offers)
	in.files.at = (in.files.at + by + n) % n
}

// CloseOffers offers nothing more for this @.
func (in *Input) CloseOffers() {
	in.files.closed, in.files.offers = in.files.from, nil
	in.files.files = nil // read again for the next @
}

// Overlay puts the offers over the last rows.
func (in *Input) Overlay(rows []string, th theme.Theme, width int) []string {
	c := &in.files
	n := min(len(c.offers), len(rows))
	first := max(min(c.at-n+1, len(c.offers)-n), 0)
	for i := range n {
		at := first + i
		mark, sgr := "   @ ", ""
		if at == c.at {
			mark, sgr = " > @ ", th.Selected
		}
		text := ansi.Truncate(sanitize.Line(c.offers[at]), max(width-len(mark)-1, 1), "…")
		rows[len(rows)-n+i] = mark + theme.Paint(text, sgr)
	}
	return rows
}
