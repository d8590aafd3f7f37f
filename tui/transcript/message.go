package transcript

import (
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"chat"
	"chat/tui/attach"
	"chat/tui/citation"
	"chat/tui/markdown"
	"chat/tui/sanitize"
	"chat/tui/theme"
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

	look      *Look
	pace      pace
	model     string
	at        time.Time
	state     chat.TaskState
	finish    string
	failure   string
	attempt   int // of the last chunk
	notices   []string
	attempts  int       // begun anew, as seen here
	began     time.Time // the first of the text
	trouble   string    // of the attempt before, while the next one has said nothing
	try       int       // the number of the next attempt
	due       time.Time // when it is made at the earliest
	content   text
	reasoning text
	thinking  time.Time
	thought   time.Duration

	plain      []string // a user's text, laid out
	plainWidth int
	plainLook  int // the version of the look

	head, fold, middle, body, tail []string // laid out by Height, top to bottom
	indent                         string
}

// Stands tells how the message's task stands, which a stream does not while nothing
// comes: why an attempt has failed, and when the next one is made.
func (m *Message) Stands(t chat.Task) {
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
	content := sanitize.String(rec.Content)
	if m.Role == chat.RoleAssistant {
		content = citation.String(content)
	}
	m.content.set(content)
	m.reasoning.set(citation.String(sanitize.String(rec.Reasoning)))
	if rec.ReasoningMS > 0 { // the worker's clock knows better than one that saw a replay
		m.thought = time.Duration(rec.ReasoningMS) * time.Millisecond
	}
	m.failure, m.notices = "", rec.Notices
	if rec.Error != nil {
		m.failure = sanitize.Line(rec.Error.Message)
	}
	m.plain = nil
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
func (m *Message) HasText() bool { return !m.content.empty() }

// Content is the text as it is shown, before layout.
func (m *Message) Content() string { return m.content.src.String() }

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
	case chat.ChunkContent:
		m.endThinking()
		m.pace.add(c.Content, m.look.Now)
		m.content.add(c.Content)
		m.state = chat.TaskRunning
	case chat.ChunkReasoning:
		if m.thinking.IsZero() {
			m.thinking = m.look.Now
		}
		m.pace.add(c.Content, m.look.Now)
		m.reasoning.add(c.Content)
		m.state = chat.TaskRunning
	case chat.ChunkReset:
		had := m.HasText() || !m.reasoning.empty()
		m.content.clear()
		m.reasoning.clear()
		m.thinking, m.thought = m.began, 0
		if again {
			m.thinking, m.began, m.pace = time.Time{}, time.Time{}, pace{}
		}
		if again && had {
			m.attempts++
		}
	case chat.ChunkDone, chat.ChunkError:
		m.endThinking()
		m.end(c)
	}
}

func (m *Message) endThinking() {
	if !m.thinking.IsZero() && m.thought == 0 {
		m.thought = m.look.Now.Sub(m.thinking)
	}
}

func (m *Message) end(c chat.Chunk) {
	m.content.end()
	m.reasoning.end()
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
	m.content.end()
	m.reasoning.end()
}

// Height lays the message out. Of a long text only what changed is laid out anew.
func (m *Message) Height(width int) int {
	m.indent = "   "
	if width < 60 {
		m.indent = " "
	}
	inner := width - len(m.indent)
	m.head = append(m.head[:0], m.header(width))
	m.fold, m.middle, m.body, m.tail = m.fold[:0], nil, nil, m.tail[:0]
	if m.Role == chat.RoleAssistant {
		m.layoutReasoning(inner)
		if !m.content.empty() {
			m.body = m.content.rows(inner, m.look.Theme.Answer, m.look.Version)
		}
	} else {
		m.body = m.layoutPlain(inner)
	}
	m.tail = append(append(m.tail, m.footer(inner)...), m.noticeRows(inner)...)
	return len(m.head) + len(m.fold) + len(m.middle) + m.gap() + len(m.body) + len(m.tail) + 1
}

// gap is the empty row between unfolded reasoning and the answer.
func (m *Message) gap() int {
	if len(m.middle) > 0 && len(m.body) > 0 {
		return 1
	}
	return 0
}

// Row returns row i of the last layout; the last one is always empty. A bar runs
// along the chosen message.
func (m *Message) Row(i int) string {
	row := m.row(i)
	if m.look.Chosen != m || m.isGap(i) {
		return row
	}
	return theme.Paint("▌", m.look.Theme.Warn) + strings.TrimPrefix(row, " ")
}

// isGap reports whether i is the empty row under the message.
func (m *Message) isGap(i int) bool {
	return i >= len(m.head)+len(m.fold)+len(m.middle)+m.gap()+len(m.body)+len(m.tail)
}

func (m *Message) row(i int) string {
	if i < len(m.head) {
		return m.head[i]
	}
	i -= len(m.head)
	blank := make([]string, m.gap())
	for _, part := range [...][]string{m.fold, m.middle, blank, m.body, m.tail} {
		if i < len(part) {
			if part[i] == "" {
				return ""
			}
			return m.indent + part[i]
		}
		i -= len(part)
	}
	return ""
}

// Drop frees the layout.
func (m *Message) Drop() {
	m.content.drop()
	m.reasoning.drop()
	m.plain, m.body, m.middle = nil, nil, nil
}

func (m *Message) layoutPlain(width int) []string {
	if m.plain == nil || m.plainWidth != width || m.plainLook != m.look.Version {
		m.plain, m.plainWidth, m.plainLook = m.plainRows(width), width, m.look.Version
	}
	return m.plain
}

// plainRows are the words of a message as they were written, and a row for each
// file in it.
func (m *Message) plainRows(width int) []string {
	var rows []string
	for _, part := range attach.Split(strings.TrimRight(m.Content(), "\n")) {
		if part.Name != "" {
			label := "[" + part.Kind() + "] " + sanitize.Line(part.Name) + "  " + attach.Size(part.Size)
			rows = append(rows, theme.Paint(ansi.Truncate(label, width, "…"), m.look.Theme.Dim))
			continue
		}
		if words := strings.Trim(part.Source, "\n"); words != "" {
			rows = append(rows, markdown.Plain(words, width, "")...)
		}
	}
	return rows
}

// At is when the message was made, by its record.
func (m *Message) At() time.Time { return m.at }

// Model is the name of the model that answered, "" if unknown.
func (m *Message) Model() string { return m.model }
