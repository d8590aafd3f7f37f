package transcript

import (
	"slices"
	"strings"
	"time"

	"chat"
	"chat/internal/term/sanitize"
	"chat/internal/term/theme"
)

// Look is what all messages of a screen have in common. Changing it takes effect
// with the next Height.
type Look struct {
	Theme theme.Theme
	// Version changes with Theme.
	Version int
	Now     time.Time
	Zone    *time.Location
	Unfold  bool // show reasoning in full
	// Keys are told where they help; an empty one is left out.
	Keys Keys
	// Chosen is the message that keys mean, nil if the input has the focus.
	Chosen *Message
}

// Keys are the keys that messages tell of.
type Keys struct{ Fold, Stop, TakeBack string }

// Message is one message, as it stands in the record or as it is being made.
type Message struct {
	ID, TaskID string
	Role       chat.Role
	// Stopping: the user has asked to stop it. Sending: it is on its way. Waiting:
	// it is to be sent when the answer has ended.
	Stopping, Sending, Waiting bool
	// Sibling is the message's place among the Siblings beside it, from 1.
	Sibling, Siblings int

	// Usage is what the provider counted, nil until it has.
	Usage *chat.Usage

	look     *Look
	pace     pace
	model    string
	at       time.Time
	state    chat.TaskState
	finish   string
	failure  string
	attempt  int // of the last chunk
	notices  []string
	attempts int       // begun anew, as seen here
	began    time.Time // the first of the text
	trouble  string    // of the attempt before, while the next one has said nothing
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

// SetStatus tells how the message's task stands, which a stream does not while nothing
// comes: why an attempt has failed, and when the next one is made.
func (m *Message) SetStatus(t chat.Task) {
	m.trouble = ""
	if t.Error == nil || t.Error.Code == chat.CodeDraining {
		return
	}
	m.trouble, m.try, m.due = sanitize.Line(t.Error.Fact()), t.Attempt, time.Time{}
	if t.State == chat.TaskQueued {
		m.try, m.due = t.Attempt+1, t.RunAfter
	}
}

// NewMessage makes a message of its record. One that is not finished begins
// empty: its text comes from its stream.
func NewMessage(rec chat.Message, look *Look) *Message {
	m := &Message{look: look}
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

// Update takes over the record, which is what counts, once the task has ended.
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
	again := !c.Resorts(m.attempt)
	m.attempt = c.Attempt
	if m.began.IsZero() && !c.Terminal() {
		m.began = m.look.Now
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
			m.pace.add(c.Content, m.look.Now)
			m.state = chat.TaskRunning
		}
	}
}

// showParts makes the views show what has come of the parts: a chunk changes the last
// one, or begins another.
func (m *Message) showParts() {
	for i := max(0, len(m.views)-1); i < len(m.parts); i++ {
		if i == len(m.views) {
			from := m.look.Now
			if i == 0 {
				from = m.began // which a correction of the type does not change
			} else {
				m.views[i-1].end(m.look.Now)
			}
			m.views = append(m.views, &partView{from: from})
		}
		m.views[i].update(&m.parts[i])
	}
}

// endViews says that no more comes.
func (m *Message) endViews() {
	for _, v := range m.views {
		v.end(m.look.Now)
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
	if c.Type == chat.ChunkError {
		m.failure = sanitize.Line(c.Content)
	}
}

// Fail ends the message here, for a reason that its task knows nothing of.
func (m *Message) Fail(sentence string) {
	m.Sending, m.Stopping = false, false
	m.state, m.failure = chat.TaskFailed, sanitize.Line(sentence)
	m.endViews()
}

// Height lays the message out. Of a long text only what changed is laid out anew.
func (m *Message) Height(width int) int {
	m.indent = "   "
	if width < 60 {
		m.indent = " "
	}
	inner := width - len(m.indent)
	m.sections = append(m.sections[:0], section{rows: []string{m.header(width)}})
	open := false // the last section is a text, which the next one keeps away from
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
		if v.part.Type == chat.PartReasoning && m.look.Unfold {
			m.sections = append(m.sections, section{v.markdown(inner, m.look.Theme.Reasoning, m.look.Version), true})
			open = true
		}
	}
	m.sections = append(m.sections, section{append(m.footer(inner), m.noticeRows(inner)...), true})
	return m.length() + 1
}

// layoutPart is the rows of part i; text says that they are a text, and not a row that
// stands for more.
func (m *Message) layoutPart(i int, v *partView, width int) (rows []string, text bool) {
	switch v.part.Type {
	case chat.PartText:
		if m.Role != chat.RoleAssistant {
			return v.plain(width, m.look), false
		}
		if v.text.empty() {
			return nil, false
		}
		return v.markdown(width, m.look.Theme.Answer, m.look.Version), true
	case chat.PartReasoning:
		if v.text.empty() {
			return nil, false
		}
		return []string{m.reasoningRow(v, i == len(m.views)-1, width)}, false
	case chat.PartToolCall, chat.PartToolResult:
		return []string{v.toolRow(width, m.look)}, false
	case chat.PartImage, chat.PartFile:
		return []string{fileRow(string(v.part.Type), v.part.Name, int(v.part.Size), width, m.look)}, false
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

// Row returns row i of the last layout; the last one is always empty. A bar runs
// along the chosen message.
func (m *Message) Row(i int) string {
	row := m.row(i)
	if m.look.Chosen != m || i >= m.length() {
		return row
	}
	return theme.Paint("▌", m.look.Theme.Warn) + strings.TrimPrefix(row, " ")
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

// At is when the message was made, by its record.
func (m *Message) At() time.Time { return m.at }

// Model is the name of the model that answered, "" if unknown.
func (m *Message) Model() string { return m.model }
