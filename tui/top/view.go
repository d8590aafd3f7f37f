package top

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"chat"
	"chat/internal/report"
	"chat/internal/term/theme"
)

// The smallest screen that anything can be shown on.
const (
	minWidth  = 20
	minHeight = 6
)

// narrow terminals get priorities by their first letters.
const narrow = 50

// fixed are the rows above the list.
func (f frame) fixed(host string, width int) []string {
	return []string{f.headline(host, width), f.queue(width), f.memory(width)}
}

// part is a piece of a row. Where there is no room, the last pieces are left out
// first.
type part struct{ text, sgr string }

func parts(width int, between string, list ...part) string {
	var b strings.Builder
	used := 0
	for i, p := range list {
		sep := ""
		if i > 0 {
			sep = between
		}
		need := ansi.StringWidth(sep) + ansi.StringWidth(p.text)
		if used+need > width {
			if i == 0 {
				return theme.Paint(ansi.Truncate(p.text, width, "…"), p.sgr)
			}
			break
		}
		b.WriteString(sep + theme.Paint(p.text, p.sgr))
		used += need
	}
	return b.String()
}

func (f frame) headline(host string, width int) string {
	list := []part{
		{" chat top", f.th.Title},
		{fmt.Sprintf("%d running", f.st.Running), f.th.Good},
		{fmt.Sprintf("%.0f tok/s", f.meter.Total()), ""},
	}
	for _, d := range []struct{ name, state string }{{"sql", f.st.SQL}, {"redis", f.st.Redis}} {
		if !healthy(d.state) {
			list = append(list, part{d.name + " " + d.state, f.th.Bad})
		}
	}
	return parts(width, " · ", append(list,
		part{host, f.th.Dim},
		part{plural(f.st.Workers, "worker"), ""},
		part{plural(f.st.Streams, "follower") + " here", ""},
		part{f.st.Engine, f.th.Dim},
	)...)
}

func (f frame) queue(width int) string {
	list := []part{{" queue", f.th.Title}}
	lengths := make([]string, 0, len(chat.Priorities()))
	for _, p := range chat.Priorities() {
		n, sgr := f.st.Queued[p], f.th.Dim
		if n > 0 {
			sgr = f.th.Warn
		}
		name := string(p)
		if width < narrow {
			name = name[:4]
		}
		list = append(list, part{fmt.Sprintf("%s %d", name, n), sgr})
		if f.st.Memory != nil {
			lengths = append(lengths, fmt.Sprint(f.st.Memory.QueueLengths[p]))
		}
	}
	if len(lengths) > 0 {
		list = append(list, part{"wake-ups " + strings.Join(lengths, "/"), f.th.Dim})
	}
	return parts(width, "  ", list...)
}

func (f frame) memory(width int) string {
	list := []part{{" redis", f.th.Title}}
	m := f.st.Memory
	if problem := f.redisProblem(); problem != "" {
		list = append(list, part{problem, f.th.Bad})
	}
	if m == nil {
		return parts(width, "  ", list...)
	}
	if m.Keys >= 0 {
		list = append(list, part{fmt.Sprintf("%d keys", m.Keys), ""})
	}
	switch {
	case m.UsedBytes == 0:
		list = append(list, part{"memory unknown", f.th.Dim})
	case m.LimitBytes == 0:
		list = append(list, part{size(m.UsedBytes), ""})
	default:
		list = append(list, part{size(m.UsedBytes) + " of " + size(m.LimitBytes), ""})
	}
	if m.KeysWithoutTTL >= 0 {
		list = append(list, part{fmt.Sprintf("%d never expire", m.KeysWithoutTTL), f.th.Dim})
	}
	return parts(width, "  ", list...)
}

// healthy reports whether a component in this state needs no mention.
func healthy(state string) bool { return state == "ok" || state == "" }

// redisProblem describes the problem with Redis, "" if there is none.
func (f frame) redisProblem() string {
	switch state := f.st.Redis; {
	case !healthy(state) && state != "down":
		return state + "; answers continue and are saved"
	case f.st.Memory == nil || state == "down":
		return "does not answer; answers continue and are saved"
	}
	return ""
}

// Snapshot draws all of st, without colour, in rows of at most width columns.
func Snapshot(st report.Stats, m *Meter, host string, width int) []string {
	th, err := theme.Named(theme.None)
	if err != nil {
		th = theme.Theme{}
	}
	f := frame{sanitized(st), m, th}
	rows := f.fixed(host, width)
	for _, r := range f.rows() {
		rows = append(rows, draw(r, false, th, width))
	}
	for i, r := range rows {
		rows[i] = strings.TrimRight(ansi.Strip(r), " ")
	}
	return rows
}

func plural(n int, unit string) string {
	if n == 1 {
		return "1 " + unit
	}
	return fmt.Sprintf("%d %ss", n, unit)
}

// draw draws a row of the list, indented by one column.
func draw(r row, selected bool, th theme.Theme, width int) string {
	if r.kind == heading {
		return ansi.Truncate(" "+line(r.cells, width-1), width, "…")
	}
	if !selected {
		return ansi.Truncate("   "+line(r.cells, width-3), width, "…")
	}
	return theme.Paint(ansi.Truncate(" > "+ansi.Strip(line(r.cells, width-3)), width, "…"), th.Selected)
}

// View is the whole screen, exactly as many rows as it has.
func (m *Model) View() string {
	switch {
	case m.width == 0:
		return ""
	case m.width < minWidth || m.height < minHeight:
		return m.fill([]string{ansi.Truncate("too small", m.width, "")}, m.height)
	case m.help:
		return m.fill(m.helpRows(), m.height-1) + "\n" + m.status()
	case !m.seen:
		return m.fill([]string{" chat top", "", "   connecting…"}, m.height-1) + "\n" + m.status()
	}
	f := m.frame()
	rows := f.fixed(m.o.Host, m.width)
	list := f.rows()
	room := m.height - len(rows) - 1
	at := m.position(list)
	m.top = max(min(m.top, at, len(list)-room), at-room+1, 0)
	if at <= firstChoice(list) {
		m.top = 0 // with the heading
	}
	for i := m.top; i < len(list) && i < m.top+room; i++ {
		rows = append(rows, draw(list[i], i == at, m.th, m.width))
	}
	return m.fill(rows, m.height-1) + "\n" + m.status()
}

func (m *Model) fill(rows []string, height int) string {
	for len(rows) < height {
		rows = append(rows, "")
	}
	return strings.Join(rows[:height], "\n")
}

// status is the last row: a question, a problem, or the keys.
func (m *Model) status() string {
	switch {
	case m.ask != "":
		return theme.Paint(ansi.Truncate(" s again stops "+short(m.ask)+"; any other key cancels", m.width, "…"), m.th.Warn)
	case m.problem != "":
		return theme.Paint(ansi.Truncate(" "+m.problem, m.width, "…"), m.th.Bad)
	case m.note != "":
		return ansi.Truncate(" "+m.note, m.width, "…")
	}
	list := make([]part, 0, len(keys()))
	for _, k := range keys() {
		if k.hint != "" {
			list = append(list, part{k.hint, ""})
		}
	}
	return " " + theme.Paint(parts(m.width-1, " · ", list...), m.th.Dim)
}

func (m *Model) helpRows() []string {
	rows := []string{theme.Paint(" keys", m.th.Title)}
	for _, k := range keys() {
		rows = append(rows, ansi.Truncate(fmt.Sprintf("   %-14s %s", k.shown, k.what), m.width, "…"))
	}
	return append(rows, "", ansi.Truncate("   tok/s counts the pieces in which the provider sends an answer", m.width, "…"))
}
