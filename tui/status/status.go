// Package status draws the rows around the conversation: the header, the divider
// above the input, and the last row with a notice or hints. Bar owns the notice.
package status

import (
	"fmt"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"chat/internal/term/sanitize"
	"chat/internal/term/theme"
)

// How long notices stay. A user who looks away must still see a failure later.
const (
	noticeTime  = 10 * time.Second
	failureTime = 2 * time.Minute
)

// Bar is the last row. Its notice stays until the next key press or for some time.
type Bar struct {
	notice string
	failed bool
	until  time.Time
}

// Say shows a notice.
func (b *Bar) Say(text string, now time.Time) { *b = Bar{notice: text, until: now.Add(noticeTime)} }

// Warn shows a failure.
func (b *Bar) Warn(text string, now time.Time) {
	*b = Bar{notice: text, failed: true, until: now.Add(failureTime)}
}

// Clear removes the notice.
func (b *Bar) Clear() { *b = Bar{} }

// Expire removes the notice when its time is over.
func (b *Bar) Expire(now time.Time) {
	if now.After(b.until) {
		b.Clear()
	}
}

// Notice is the notice, "" if there is none.
func (b *Bar) Notice() string { return b.notice }

// Label is the right part of the bar: the connection. An urgent one leaves no room
// for hints.
type Label struct {
	Text, SGR string
	Urgent    bool
}

// View is the row. hints returns what fits into a number of columns.
func (b *Bar) View(th theme.Theme, width int, label Label, hints func(room int) string) string {
	right := ansi.Truncate(label.Text, width-2, "…")
	room := width - ansi.StringWidth(right) - 3
	left, leftSGR := "", th.Dim
	switch {
	case b.notice != "":
		left = b.notice
		if b.failed {
			leftSGR = th.Bad
		}
	case !label.Urgent:
		left = hints(room - 1)
	}
	left = ansi.Truncate(left, max(room-1, 0), "…")
	free := room - 1 - ansi.StringWidth(left)
	return " " + theme.Paint(left, leftSGR) + strings.Repeat(" ", max(free, 0)+1) + " " + theme.Paint(right, label.SGR)
}

// Header is what the first row shows. Its texts need not be clean.
type Header struct {
	Title, Model, Host string
	Parameters         string // shown if there is room
	Usage              string
	Running            int
}

// View is the row: the program, the conversation, the model and the server, and
// on the right how many tasks run and the usage.
func (h Header) View(th theme.Theme, width int) string {
	right := h.Usage
	if right != "" {
		right += " "
	}
	if width < 60 && h.Running > 0 {
		right = ""
	}
	busy := ""
	if h.Running > 0 {
		busy = fmt.Sprintf("● %d running ", h.Running)
		if right != "" {
			busy += "  "
		}
	}
	right = busy + right
	room := width - ansi.StringWidth(right) - 1
	left := " chat"
	title := sanitize.Line(h.Title)
	if title == "" {
		title = "new conversation"
	}
	space := room - len(left) - 2
	rest := joined(h.Model, h.Parameters, h.Host)
	if ansi.StringWidth(title+rest) > space {
		rest = joined(h.Model, h.Host)
		if ansi.StringWidth(rest) > space/2 {
			rest = ansi.Truncate(rest, max(space/2, 0), "…")
		}
	}
	title = ansi.Truncate(title, max(space-ansi.StringWidth(rest), 0), "…")
	free := room - len(left) - 2 - ansi.StringWidth(title) - ansi.StringWidth(rest)
	return theme.Paint(left, th.Title) + "  " + title + theme.Paint(rest, th.Dim) +
		strings.Repeat(" ", max(free, 0)+1) + theme.Paint(busy, th.Good) + theme.Paint(right[len(busy):], th.Dim)
}

// joined is the parts that are not empty, each after a dot.
func joined(parts ...string) string {
	out := ""
	for _, part := range parts {
		if part = sanitize.Line(part); part != "" {
			out += " · " + part
		}
	}
	return out
}

// Divider is the rule above the input with a badge, "" for none.
func Divider(th theme.Theme, width int, badge string) string {
	badge = ansi.Truncate(badge, width, "")
	lead := max(width-ansi.StringWidth(badge)-2, 0)
	tail := width - lead - ansi.StringWidth(badge)
	return theme.Paint(strings.Repeat("─", lead), th.Rule) + theme.Paint(badge, th.Warn) +
		theme.Paint(strings.Repeat("─", tail), th.Rule)
}
