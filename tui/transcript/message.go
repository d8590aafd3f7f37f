package transcript

import (
	"slices"
	"strings"
	"time"

	"chat"
	"chat/internal/term/attach"
	"chat/internal/term/sanitize"
	"chat/internal/term/theme"
)

// Style is common to all messages of a screen. A change takes effect with the next
// Height.
type Style struct {
	Theme theme.Theme
	// Version changes with Theme.
	Version int
	Now     time.Time
	Zone    *time.Location
	Unfold  bool // show reasoning in full
	// Keys are named in hints; an empty one is left out.
	Keys Keys
	// Selected is the message that keys apply to, nil if the input has the focus.
	Selected *Message
}

// Keys are the keys that messages name.
type Keys struct{ Fold, Stop, TakeBack, Continue string }

// Message is one message, as the server has stored it or as it is being made.
type Message struct {
	ID, TaskID string
	Role       chat.Role
	// Stopping: the user has asked to stop it. Sending: it is on its way. Waiting:
	// it is to be sent when the answer has ended.
	Stopping, Sending, Waiting bool
	// Sibling is the number of the message among its Siblings, from 1.
	Sibling, Siblings int

	// Usage is what the provider counted, nil until it has.
	Usage *chat.Usage

	style    *Style
	pace     pace
	model    string
	at       time.Time
	state    chat.TaskState
	finish   string
	code     chat.Code // of the failure, at the end of the stream
	failure  string
	attempt  int // of the last chunk
	notices  []string
	attempts int       // restarts seen by this screen
	began    time.Time // the first of the text
	trouble  string    // why the previous attempt failed, until the next one has text
	try      int       // the number of the next attempt
	due      time.Time // when it is made at the earliest
	parts    chat.Parts
	views    []*partView // of the parts

	sections []section // laid out by Height, top to bottom
	indent   string
}

// section is some rows of a message.
type section struct {
	rows     []string
	indented bool
}

// SetStatus shows the state of the message's task, which a silent stream does not
// report: why an attempt failed and when the next one begins.
func (m *Message) SetStatus(t chat.Task) {
	if t.Failover != nil && len(t.Failover.Failed) > 0 { // another model answers
		m.model = sanitize.Line(t.Model)
	}
	m.trouble = sanitize.Line(t.Waiting.String())
	if m.trouble != "" {
		m.try = 0
		return
	}
	if t.Error == nil || t.Error.Code == chat.CodeDraining {
		return
	}
	m.trouble, m.try, m.due = sanitize.Line(t.Error.Summary()), t.Attempt, time.Time{}
	switch {
	case t.Error.Code == chat.CodeProviderContext: // it waits for a summary
		m.try = 0
	case t.State == chat.TaskQueued:
		m.try, m.due = t.Attempt+1, t.RunAfter
	}
}

// NewMessage returns a stored message. One that is not finished begins empty: its
// text comes from its stream.
func NewMessage(rec chat.Message, style *Style) *Message {
	m := &Message{style: style}
	m.identify(rec)
	if !m.Running() {
		m.texts(rec)
	}
	return m
}

func (m *Message) identify(rec chat.Message) {
	m.ID, m.TaskID, m.Role = rec.ID, rec.TaskID, rec.Role
	m.model, m.at = sanitize.Line(rec.Model), rec.CreatedAt
	m.state, m.finish, m.Usage = rec.State, rec.FinishReason, rec.Usage
}

func (m *Message) texts(rec chat.Message) {
	m.parts = rec.AllParts()
	m.views = m.views[:min(len(m.views), len(m.parts))]
	for i := range m.parts {
		if i == len(m.views) {
			m.views = append(m.views, &partView{})
		}
		m.views[i].set(&m.parts[i], m.Role)
	}
	m.failure, m.notices = "", rec.Notices
	if rec.Error != nil {
		m.failure = sanitize.Line(rec.Error.Message)
	}
}

// Update replaces the message by the stored one after the task has ended.
func (m *Message) Update(rec chat.Message) {
	if rec.State != "" && !rec.State.Terminal() {
		return
	}
	m.identify(rec)
	m.texts(rec)
	m.Stopping, m.Sending = false, false
}

// Running reports whether the answer is still being made.
func (m *Message) Running() bool { return m.state != "" && !m.state.Terminal() }

// HasText reports whether anything of the answer has arrived.
func (m *Message) HasText() bool { return m.has(chat.PartText) }

// has reports whether there is text in a part of that type.
func (m *Message) has(typ chat.PartType) bool {
	return slices.ContainsFunc(m.views, func(v *partView) bool { return v.part.Type == typ && !v.text.empty() })
}

// Content is the text as it is shown, before layout.
func (m *Message) Content() string { return m.joined(chat.PartText) }

// Draft is the message as a text that can be edited and sent again.
func (m *Message) Draft() string {
	parts := slices.Clone(m.parts)
	for i := range parts {
		if parts[i].Type == chat.PartText {
			parts[i].Text = m.views[i].text.src.String()
		}
	}
	return attach.Draft(parts)
}

// joined is the shown text of all parts of that type.
func (m *Message) joined(typ chat.PartType) string {
	var texts []string
	for _, v := range m.views {
		if v.part.Type == typ {
			texts = append(texts, v.text.src.String())
		}
	}
	return strings.Join(texts, "")
}

// State is where the message's task stands; "" for messages without one.
func (m *Message) State() chat.TaskState { return m.state }

// Apply takes the next chunk of the message's stream.
func (m *Message) Apply(c chat.Chunk) {
	again := !c.Retypes(m.attempt)
	m.attempt = c.Attempt
	if m.began.IsZero() && !c.Terminal() {
		m.began = m.style.Now
	}
	switch c.Type {
	case chat.ChunkReset:
		had := len(m.views) > 0
		m.parts, m.views = nil, nil
		if again {
			m.began, m.pace = time.Time{}, pace{}
		}
		if again && had {
			m.attempts++
		}
	case chat.ChunkDone, chat.ChunkError:
		m.end(c)
	default:
		m.parts.Apply(c)
		m.showParts()
		if len(m.parts) > 0 {
			m.pace.add(c.Content, m.style.Now)
			m.state = chat.TaskRunning
		}
	}
}

// showParts updates the views of the parts: a chunk changes the last part, or
// begins another.
func (m *Message) showParts() {
	for i := max(0, len(m.views)-1); i < len(m.parts); i++ {
		if i == len(m.views) {
			from := m.style.Now
			if i == 0 {
				from = m.began // which a correction of the type does not change
			} else {
				m.views[i-1].end(m.style.Now)
			}
			m.views = append(m.views, &partView{from: from})
		}
		m.views[i].update(&m.parts[i])
	}
}

// endViews ends the texts of all parts.
func (m *Message) endViews() {
	for _, v := range m.views {
		v.end(m.style.Now)
	}
}

func (m *Message) end(c chat.Chunk) {
	m.endViews()
	m.Stopping, m.state, m.finish, m.Usage = false, c.State, c.FinishReason, c.Usage
	m.notices = c.Notices
	if !m.state.Terminal() {
		m.state = chat.TaskDone
		if c.Type == chat.ChunkError {
			m.state = chat.TaskFailed
		}
	}
	if m.code = c.Code; c.Code != "" {
		m.failure = sanitize.Line(c.Content)
	}
}

// Code is the code of the failure with which the stream ended, "" for none.
func (m *Message) Code() chat.Code { return m.code }

// Fail ends the message for a reason that its task does not know.
func (m *Message) Fail(sentence string) {
	m.Sending, m.Stopping = false, false
	m.state, m.failure = chat.TaskFailed, sanitize.Line(sentence)
	m.endViews()
}

// Height lays the message out. Of a long text it lays out only the changes.
func (m *Message) Height(width int) int {
	m.indent = "   "
	if width < 60 {
		m.indent = " "
	}
	inner := width - len(m.indent)
	m.sections = append(m.sections[:0], section{rows: []string{m.header(width)}})
	open := false // the last section is a text, after which the next one leaves a row empty
	for i, v := range m.views {
		rows, text := m.layoutPart(i, v, inner)
		if len(rows) == 0 {
			continue
		}
		if open {
			m.sections = append(m.sections, section{rows: []string{""}})
		}
		m.sections = append(m.sections, section{rows, true})
		open = text
		if v.part.Type == chat.PartReasoning && m.style.Unfold {
			m.sections = append(m.sections, section{v.markdown(inner, m.style.Theme.Reasoning, m.style.Version), true})
			open = true
		}
	}
	m.sections = append(m.sections, section{append(m.footer(inner), m.noticeRows(inner)...), true})
	return m.length() + 1
}

// layoutPart returns the rows of part i; text reports that they are a text, and not
// a row that represents one.
func (m *Message) layoutPart(i int, v *partView, width int) (rows []string, text bool) {
	switch v.part.Type {
	case chat.PartText:
		if m.Role != chat.RoleAssistant {
			return v.plain(width, m.style), false
		}
		if v.text.empty() {
			return nil, false
		}
		return v.markdown(width, m.style.Theme.Answer, m.style.Version), true
	case chat.PartReasoning:
		if v.text.empty() {
			return nil, false
		}
		return []string{m.reasoningRow(v, i == len(m.views)-1, width)}, false
	case chat.PartToolCall, chat.PartToolResult:
		return []string{v.toolRow(width, m.style)}, false
	case chat.PartImage, chat.PartFile:
		return []string{fileRow(&v.part, width, m.style)}, false
	}
	return nil, false
}

// length is the number of rows of the last layout, without the empty one at its end.
func (m *Message) length() int {
	n := 0
	for _, s := range m.sections {
		n += len(s.rows)
	}
	return n
}

// Row returns row i of the last layout; the last one is always empty. A bar marks
// the selected message.
func (m *Message) Row(i int) string {
	row := m.row(i)
	if m.style.Selected != m || i >= m.length() {
		return row
	}
	return theme.Paint("▌", m.style.Theme.Warn) + strings.TrimPrefix(row, " ")
}

func (m *Message) row(i int) string {
	for _, s := range m.sections {
		if i >= len(s.rows) {
			i -= len(s.rows)
			continue
		}
		if !s.indented || s.rows[i] == "" {
			return s.rows[i]
		}
		return m.indent + s.rows[i]
	}
	return ""
}

// Drop frees the layout.
func (m *Message) Drop() {
	for _, v := range m.views {
		v.drop()
	}
	m.sections = nil
}

// At is when the message was made.
func (m *Message) At() time.Time { return m.at }

// Model is the name of the model that answered, "" if unknown.
func (m *Message) Model() string { return m.model }
