package panel

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"chat/internal/term/theme"
)

// roomy is the height from which on the filter has a row of its own.
const roomy = 6

// View returns exactly height rows, none wider than width, and where the caret
// of the filter stands among them.
func (p *Panel) View(th theme.Theme, width, height int) (rows []string, caretRow, caretColumn int) {
	if height >= roomy {
		p.height = height - 2
		rows = append(rows, p.heading(th, width), "")
		rows[1], caretColumn = p.field(th, p.Field+": ", width)
	} else {
		p.height = max(height-1, 1)
		rows = append(rows, "")
		rows[0], caretColumn = p.field(th, p.Title+": ", width)
	}
	caretRow = len(rows) - 1
	p.top = max(min(p.top, p.at, len(p.shown)-p.height), p.at-p.height+1, 0)
	for i := p.top; i < len(p.shown) && len(rows) < height; i++ {
		rows = append(rows, p.row(th, i, width))
	}
	if len(p.shown) == 0 && len(rows) < height {
		text, sgr := p.nothing(th)
		rows = append(rows, theme.Paint(ansi.Truncate("   "+text, width, "…"), sgr))
	}
	for len(rows) < height {
		rows = append(rows, "")
	}
	return rows[:height], min(caretRow, height-1), caretColumn
}

// heading is the title, and on the right how many rows there are.
func (p *Panel) heading(th theme.Theme, width int) string {
	count := fmt.Sprintf("%d", len(p.shown))
	if strings.TrimSpace(p.query) != "" {
		count = fmt.Sprintf("%d found", len(p.shown))
	}
	if p.Loading {
		count = "searching…"
	}
	if len(p.shown) > p.height && !p.Loading {
		count = fmt.Sprintf("%d of %s", p.at+1, count)
	}
	title := ansi.Truncate(" "+p.Title, width, "…")
	free := width - ansi.StringWidth(title) - ansi.StringWidth(count) - 1
	if free < 1 {
		return theme.Paint(title, th.Title)
	}
	return theme.Paint(title, th.Title) + strings.Repeat(" ", free) + theme.Paint(count, th.Dim)
}

func (p *Panel) field(th theme.Theme, name string, width int) (row string, caret int) {
	name = ansi.Truncate(" "+name, max(width/2, 1), "")
	room := max(width-ansi.StringWidth(name)-1, 0)
	query := ansi.TruncateLeft(p.query, max(ansi.StringWidth(p.query)-room, 0), "")
	return theme.Paint(name, th.Prompt) + query, ansi.StringWidth(name + query)
}

func (p *Panel) nothing(th theme.Theme) (text, sgr string) {
	switch {
	case p.Failure != "":
		return p.Failure, th.Bad
	case p.Loading:
		return "searching…", th.Dim
	case strings.TrimSpace(p.query) != "":
		return "nothing fits", th.Dim
	case p.Empty != "":
		return p.Empty, th.Dim
	}
	return "nothing here yet", th.Dim
}

func (p *Panel) row(th theme.Theme, i, width int) string {
	it := p.shown[i]
	pointer, sgr := "   ", ""
	if i == p.at {
		pointer, sgr = " > ", th.Selected
	}
	mark, markSGR := sign(th, it.Mark)
	room := width - ansi.StringWidth(pointer) - 2 - 1
	detail := it.Detail
	if ansi.StringWidth(detail) > room/2 {
		detail = ""
	}
	rest := max(room-ansi.StringWidth(detail)-2, 1)
	note := p.NoteOf(it.ID).Text
	title := it.Title
	if note != "" {
		title = ansi.Truncate(title, max(rest/2, 1), "…")
		note = ansi.Truncate("  "+note, max(rest-ansi.StringWidth(title), 0), "…")
	}
	title = ansi.Truncate(title, rest, "…")
	free := room - ansi.StringWidth(title+note) - ansi.StringWidth(detail)
	return pointer + theme.Paint(mark, markSGR) + " " + theme.Paint(title, sgr) + theme.Paint(note, th.Dim) +
		strings.Repeat(" ", max(free, 1)) + theme.Paint(detail, th.Dim)
}

func sign(th theme.Theme, m Mark) (text, sgr string) {
	switch m {
	case Running:
		return "●", th.Good
	case News:
		return "◆", th.Warn
	case InUse:
		return "✓", th.Good
	case Failed:
		return "✗", th.Bad
	case Plain:
	}
	return " ", ""
}
