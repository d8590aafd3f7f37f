package transcript

import (
	"fmt"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"chat"
	"chat/internal/term/markdown"
	"chat/internal/term/sanitize"
	"chat/internal/term/theme"
)

// header is the row above a message: who, which model, when.
func (m *Message) header(width int) string {
	th := m.style.Theme
	name, sgr := "You", th.You
	switch m.Role {
	case chat.RoleAssistant:
		name, sgr = "Assistant", th.Answerer
	case chat.RoleSystem:
		name, sgr = "System", th.Dim
	case chat.RoleUser:
	}
	var rest []string
	if m.Role == chat.RoleAssistant && m.model != "" {
		rest = append(rest, m.model)
	}
	if !m.at.IsZero() {
		rest = append(rest, m.when())
	}
	row := " " + theme.Paint(name, sgr)
	if len(rest) > 0 {
		row += theme.Paint(" · "+strings.Join(rest, " · "), th.Dim)
	}
	if m.Siblings > 1 {
		row = beside(row, fmt.Sprintf("‹%d/%d› ", m.Sibling, m.Siblings), width, th.Warn)
	}
	return ansi.Truncate(row, width, "…")
}

// beside puts a label at the right end of a row. If there is no room, it omits the
// label.
func beside(row, label string, width int, sgr string) string {
	room := width - ansi.StringWidth(label) - 1
	if room < 1 {
		return row
	}
	row = ansi.Truncate(row, room, "…")
	return row + strings.Repeat(" ", room-ansi.StringWidth(row)+1) + theme.Paint(label, sgr)
}

// when is the message's time, with the date if that is not today's.
func (m *Message) when() string {
	at, now := m.at.In(m.style.Zone), m.style.Now.In(m.style.Zone)
	if at.YearDay() == now.YearDay() && at.Year() == now.Year() {
		return at.Format("15:04")
	}
	return at.Format("2 Jan 2006 15:04")
}

// reasoningRow is the row that represents reasoning; last reports that it is the
// last part so far.
func (m *Message) reasoningRow(v *partView, last bool, width int) string {
	mark := "▸ "
	if m.style.Unfold {
		mark = "▾ "
	}
	label := mark + "thought"
	switch {
	case m.Running() && last && v.time == 0:
		label = mark + "thinking"
		if d := m.style.Now.Sub(v.from); !v.from.IsZero() && d >= time.Second {
			label += " for " + seconds(d)
		}
	case v.time >= time.Second:
		label += " for " + seconds(v.time)
	}
	label += " · " + about(tokens(v.text.src.String()))
	hint := m.style.Keys.Fold
	if free := width - ansi.StringWidth(label) - ansi.StringWidth(hint); free > 2 && hint != "" {
		label += strings.Repeat(" ", free) + hint
	}
	return theme.Paint(ansi.Truncate(label, width, "…"), m.style.Theme.Dim)
}

// footer shows the progress of an answer, or why it is incomplete.
func (m *Message) footer(width int) []string {
	th := m.style.Theme
	switch {
	case m.Sending:
		return []string{theme.Paint("sending…", th.Dim)}
	case m.Waiting:
		label := "waits for the answer"
		if key := m.style.Keys.TakeBack; key != "" {
			label += " · " + key + " takes it back"
		}
		return []string{theme.Paint(ansi.Truncate(label, width, "…"), th.Warn)}
	case m.Role == chat.RoleAssistant && m.Running():
		return []string{ansi.Truncate(theme.Paint("▍", th.Answerer)+theme.Paint(m.progress(), th.Dim), width, "…")}
	}
	sentence, sgr := m.ending()
	if sentence == "" {
		return nil
	}
	return markdown.Plain(sentence, width, sgr)
}

// noticeRows show the notices: what was left out of the request for this answer.
func (m *Message) noticeRows(width int) []string {
	var rows []string
	for _, notice := range m.notices {
		rows = append(rows, markdown.Plain(sanitize.Line(notice), width, m.style.Theme.Dim)...)
	}
	return rows
}

// waits says why an answer has no text yet.
func (m *Message) waits() string {
	switch in := m.due.Sub(m.style.Now); {
	case m.trouble == "":
		return "waiting for the first words"
	case m.try == 0:
		return m.trouble
	case in >= time.Second:
		return fmt.Sprintf("%s · try %d in %s", m.trouble, m.try, clock(in))
	}
	return fmt.Sprintf("%s · try %d", m.trouble, m.try)
}

func (m *Message) progress() string {
	parts := []string{}
	if !m.has(chat.PartText) && !m.has(chat.PartReasoning) {
		parts = append(parts, m.waits())
	}
	if m.attempts > 0 {
		parts = append(parts, "restarted")
	}
	if d := m.style.Now.Sub(m.at); !m.at.IsZero() && d >= time.Second {
		parts = append(parts, clock(d))
	}
	if rate := m.pace.label(m.style.Now); rate != "" {
		parts = append(parts, rate)
	}
	switch key := m.style.Keys.Stop; {
	case m.Stopping:
		parts = append(parts, "stopping…")
	case key != "":
		parts = append(parts, key+" stop")
	}
	return " " + strings.Join(parts, " · ")
}

// ending returns the sentence under an incomplete answer, and its colour.
func (m *Message) ending() (sentence, sgr string) {
	th := m.style.Theme
	kept := ""
	if m.HasText() {
		kept = " The text so far is kept."
	}
	switch m.state {
	case chat.TaskFailed, chat.TaskInterrupted:
		reason := m.failure
		if reason == "" {
			reason = "The answer ended early."
		}
		if !strings.HasSuffix(reason, ".") {
			reason += "."
		}
		return "✗ " + reason + kept + m.toContinue(), th.Bad
	case chat.TaskCancelled:
		return "■ Stopped." + kept, th.Warn
	case chat.TaskDone:
		if m.failure != "" { // it is not in the form that was asked for
			return "⚠ " + asSentence(m.failure) + m.toContinue(), th.Warn
		}
		if why := chat.Shortfall(m.finish, m.parts); why != "" && m.Role == chat.RoleAssistant {
			return "⚠ " + asSentence(why) + m.toContinue(), th.Warn
		}
	case chat.TaskQueued, chat.TaskRunning:
	default:
		if m.failure != "" { // a message of the user's that could not be sent
			return "✗ " + m.failure, th.Bad
		}
	}
	return "", ""
}

// toContinue says which keys continue the answer, "" if it cannot be continued.
func (m *Message) toContinue() string {
	rec := chat.Message{Role: m.Role, State: m.state, FinishReason: m.finish, Parts: m.parts}
	if m.style.Keys.Continue == "" || rec.Continuable() != nil {
		return ""
	}
	return " " + m.style.Keys.Continue + " continues it."
}

// asSentence turns a clause into a sentence.
func asSentence(clause string) string {
	return strings.ToUpper(clause[:1]) + clause[1:] + "."
}

func seconds(d time.Duration) string { return fmt.Sprintf("%d s", int(d.Seconds())) }

func clock(d time.Duration) string {
	s := int(d.Seconds())
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}
