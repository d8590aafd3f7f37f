package tui

import (
	"context"
	"net/url"
	"strings"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"

	"chat/internal/term/attach"
	"chat/internal/term/sanitize"
)

type (
	// attachedMsg is a draft with the files that it mentions.
	attachedMsg struct {
		session        int
		draft, message string
		missing        []string
		err            error
	}
	// pathMsg says whether what was pasted is the path of a file.
	pathMsg struct {
		session    int
		text, path string
		isFile     bool
	}
)

// submitWith reads the files that a draft mentions, and then submits it.
func (m *Model) submitWith(draft string) tea.Cmd {
	if len(attach.Mentions(draft)) == 0 {
		return m.submitMessage(draft)
	}
	if m.attaching {
		return nil
	}
	m.attaching = true
	session, place := m.session, m.place
	return m.jobs.command(func(context.Context) tea.Msg {
		message, missing, err := place.Message(draft)
		return attachedMsg{session, draft, message, missing, err}
	})
}

// attached submits, unless the draft has changed meanwhile. A file that cannot be
// attached is asked about once: the same draft entered again is sent without it.
func (m *Model) attached(msg attachedMsg) tea.Cmd {
	m.attaching = false
	switch {
	case msg.session != m.session || msg.draft != m.input.Value():
		return nil
	case msg.err != nil && m.confirmedMissing != msg.draft:
		m.confirmedMissing = msg.draft
		m.warn(sentence(msg.err) + "; " + m.hintAt(writing, "send") + " again sends it as text")
		return nil
	case len(msg.missing) > 0 && m.confirmedMissing != msg.draft:
		m.confirmedMissing = msg.draft
		m.warn("there is no file " + shortened(strings.Join(msg.missing, ", ")) + "; " + m.hintAt(writing, "send") + " again sends it as text")
		return nil
	}
	m.confirmedMissing = ""
	return m.submitMessage(msg.message)
}

// shortened is a text as one row that leaves room for what is said of it.
func shortened(text string) string {
	const longest = 40
	return ansi.Truncate(sanitize.Line(text), longest, "…")
}

// pasted takes a paste: the path of a file becomes a mention of it, as soon as it is
// known to be one.
func (m *Model) pasted(text string) tea.Cmd {
	path, ok := pathIn(text)
	from := m.input.Caret()
	if !ok {
		if !m.input.Paste(text) {
			m.warn(tooLong)
		}
		return nil
	}
	m.insert(text)
	session, place, inserted := m.session, m.place, m.input.Text()[from:m.input.Caret()]
	return m.jobs.command(func(context.Context) tea.Msg {
		return pathMsg{session, inserted, path, place.IsFile(path)}
	})
}

func (m *Model) pathKnown(msg pathMsg) {
	if msg.isFile && msg.session == m.session {
		m.input.Swap(msg.text, attach.Write(msg.path)+" ")
	}
}

// pathIn is the absolute path that a paste consists of, as file managers and
// terminals write one when a file is dropped on them.
func pathIn(text string) (string, bool) {
	text = strings.TrimSpace(text)
	if strings.ContainsAny(text, "\r\n") || len(text) > 4096 {
		return "", false
	}
	if u, err := url.Parse(text); err == nil && u.Scheme == "file" {
		return u.Path, u.Path != ""
	}
	if n := len(text); n > 1 && (text[0] == '\'' || text[0] == '"') && text[n-1] == text[0] {
		text = text[1 : n-1]
	} else {
		text = strings.ReplaceAll(text, `\ `, " ")
	}
	return text, strings.HasPrefix(text, "/") && text != "/" || strings.HasPrefix(text, "~/")
}

// fill puts a message into the input, its files as labels.
func (m *Model) fill(message string) {
	m.input.Set("")
	for _, part := range attach.Split(message) {
		if part.Name != "" {
			m.input.Fold(part.Source, "["+part.Kind()+" "+part.Name+" · "+attach.Size(part.Size)+"]")
			continue
		}
		if !m.input.Restore(part.Source) {
			m.warn(tooLong)
		}
	}
}

// words are a message without its files.
func words(message string) string {
	var b strings.Builder
	for _, part := range attach.Split(message) {
		if part.Name == "" {
			b.WriteString(part.Source)
		}
	}
	return strings.TrimSpace(b.String())
}
