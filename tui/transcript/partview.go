package transcript

import (
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"chat"
	"chat/internal/term/attach"
	"chat/internal/term/citation"
	"chat/internal/term/markdown"
	"chat/internal/term/sanitize"
	"chat/internal/term/theme"
)

// partView shows one part of a message.
type partView struct {
	part chat.Part // as it was last seen
	text text
	took int             // how much of the part's text the text has, in bytes
	from time.Time       // when the reasoning began
	time time.Duration   // how long the model reasoned, 0 if unknown
	rows map[int]plainly // not used for Markdown
}

// plainly is a layout of a text that is no Markdown.
type plainly struct {
	rows []string
	look int
}

// update takes over what has come of the part.
func (v *partView) update(p *chat.Part) {
	v.part = *p
	if p.DurationMS > 0 { // the worker's clock knows better than one that saw a replay
		v.time = time.Duration(p.DurationMS) * time.Millisecond
	}
	if len(p.Text) > v.took {
		v.text.add(p.Text[v.took:])
		v.took = len(p.Text)
	}
}

// set takes over the whole part as it is stored, and keeps the layout of the same text.
func (v *partView) set(p *chat.Part, role chat.Role) {
	clean := sanitize.String(p.Text)
	if role == chat.RoleAssistant && (p.Type == chat.PartText || p.Type == chat.PartReasoning) {
		clean = citation.String(clean)
	}
	v.part, v.took = *p, len(p.Text)
	if p.DurationMS > 0 {
		v.time = time.Duration(p.DurationMS) * time.Millisecond
	}
	v.text.set(clean)
	v.rows = nil
}

// end says that no more comes of the part.
func (v *partView) end(now time.Time) {
	v.text.end()
	if v.part.Type == chat.PartReasoning && v.time == 0 && !v.from.IsZero() {
		v.time = now.Sub(v.from)
	}
}

// markdown lays out the text of an answer.
func (v *partView) markdown(width int, style markdown.Style, look int) []string {
	return v.text.rows(width, style, look)
}

// plain lays out the words of a message as they were written, and a row for each file
// in it.
func (v *partView) plain(width int, look *Look) []string {
	if done, ok := v.rows[width]; ok && done.look == look.Version {
		return done.rows
	}
	var rows []string
	for _, part := range attach.Split(strings.TrimRight(v.text.src.String(), "\n")) {
		if part.Name != "" {
			rows = append(rows, fileRow(part.Kind(), part.Name, part.Size, width, look))
			continue
		}
		if words := strings.Trim(part.Source, "\n"); words != "" {
			rows = append(rows, markdown.Plain(words, width, "")...)
		}
	}
	v.rows = map[int]plainly{width: {rows, look.Version}}
	return rows
}

// fileRow is the row that stands for an image or a file.
func fileRow(kind, name string, size, width int, look *Look) string {
	label := "[" + kind + "] " + sanitize.Line(name) + "  " + attach.Size(size)
	return theme.Paint(ansi.Truncate(label, width, "…"), look.Theme.Dim)
}

// toolRow is the row that stands for a tool call or its result.
func (v *partView) toolRow(width int, look *Look) string {
	sgr := look.Theme.Dim
	if v.part.IsError {
		sgr = look.Theme.Bad
	}
	return theme.Paint(ansi.Truncate("▸ "+sanitize.Line(v.part.Label()), width, "…"), sgr)
}

// drop frees the layout.
func (v *partView) drop() {
	v.text.drop()
	v.rows = nil
}
