package transcript

import (
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"chat"
	"chat/internal/term/citation"
	"chat/internal/term/markdown"
	"chat/internal/term/sanitize"
	"chat/internal/term/theme"
)

// partView shows one part of a message.
type partView struct {
	part   chat.Part // as of the last update
	text   text
	copied int                 // the length of the part's text that was copied to text, in bytes
	from   time.Time           // when the reasoning began
	time   time.Duration       // how long the model reasoned, 0 if unknown
	rows   map[int]plainLayout // not used for Markdown
}

// plainLayout is a layout of a text that is not Markdown.
type plainLayout struct {
	rows    []string
	version int
}

// update adds what has arrived of the part.
func (v *partView) update(p *chat.Part) {
	v.part = *p
	if p.DurationMS > 0 { // the worker's clock is more accurate: this screen may have seen a replay
		v.time = time.Duration(p.DurationMS) * time.Millisecond
	}
	if len(p.Text) > v.copied {
		v.text.add(p.Text[v.copied:])
		v.copied = len(p.Text)
	}
}

// set replaces the part by the stored one, and keeps the layout if the text is the
// same.
func (v *partView) set(p *chat.Part, role chat.Role) {
	clean := sanitize.String(p.Text)
	if role == chat.RoleAssistant && (p.Type == chat.PartText || p.Type == chat.PartReasoning) {
		clean = citation.String(clean)
	}
	v.part, v.copied = *p, len(p.Text)
	if p.DurationMS > 0 {
		v.time = time.Duration(p.DurationMS) * time.Millisecond
	}
	v.text.set(clean)
	v.rows = nil
}

// end ends the part.
func (v *partView) end(now time.Time) {
	v.text.end()
	if v.part.Type == chat.PartReasoning && v.time == 0 && !v.from.IsZero() {
		v.time = now.Sub(v.from)
	}
}

// markdown lays out the text of an answer.
func (v *partView) markdown(width int, style markdown.Style, version int) []string {
	return v.text.rows(width, style, version)
}

// plain lays out the text of a message as it was written.
func (v *partView) plain(width int, style *Style) []string {
	if done, ok := v.rows[width]; ok && done.version == style.Version {
		return done.rows
	}
	var rows []string
	if words := strings.Trim(v.text.src.String(), "\n"); words != "" {
		rows = markdown.Plain(words, width, "")
	}
	v.rows = map[int]plainLayout{width: {rows, style.Version}}
	return rows
}

// fileRow is the row that represents an image or a file.
func fileRow(p *chat.Part, width int, style *Style) string {
	label := "[" + string(p.Type) + "] " + sanitize.Line(p.Name) + "  " + p.FormatExtent()
	return theme.Paint(ansi.Truncate(label, width, "…"), style.Theme.Dim)
}

// toolRow is the row that represents a tool call or its result.
func (v *partView) toolRow(width int, style *Style) string {
	sgr := style.Theme.Dim
	if v.part.IsError {
		sgr = style.Theme.Bad
	}
	return theme.Paint(ansi.Truncate("▸ "+sanitize.Line(v.part.Label()), width, "…"), sgr)
}

// drop frees the layout.
func (v *partView) drop() {
	v.text.drop()
	v.rows = nil
}
