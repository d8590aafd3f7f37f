// Package chat is the domain: conversations, messages, tasks, the chunks an
// answer is streamed in, and the one vocabulary of errors. It does no I/O and
// imports nothing of this module; every other package imports it.
//
// An answer is made by a task. A task makes at most MaxAttempts attempts; each
// attempt appends chunks to the task's chunk log, and one attempt commits the
// assistant message to SQL. A reader's place in the log is a Position.
package chat

import (
	"strings"
	"time"
	"unicode/utf8"
)

// Role says who wrote a message.
type Role string

// The roles of a message.
const (
	RoleSystem    Role = "system"
	RoleUser      Role = "user"
	RoleAssistant Role = "assistant"
)

// Conversation is a tree of messages with one title, model and system prompt.
type Conversation struct {
	ID        string    `json:"id"`
	Owner     string    `json:"-"`
	Title     string    `json:"title"`
	Model     string    `json:"model,omitempty"`
	System    string    `json:"system,omitempty"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// Message is one node of a conversation's tree. An assistant message exists
// from the moment its task is accepted; until the task ends, Content holds what
// was saved of it so far (often nothing) and State is not terminal.
type Message struct {
	ID             string `json:"id"`
	ConversationID string `json:"conversation_id"`
	ParentID       string `json:"parent_id,omitempty"`
	Role           Role   `json:"role"`
	Parts          Parts  `json:"parts"`
	// Content, Reasoning and ReasoningMS are derived from Parts (SetParts), for readers
	// that want no more than the text.
	Content     string    `json:"content"`
	Reasoning   string    `json:"reasoning,omitempty"`
	ReasoningMS int64     `json:"reasoning_ms,omitempty"`
	Model       string    `json:"model,omitempty"`
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`

	// For assistant messages: the task that makes it, and how that stands.
	TaskID       string    `json:"task_id,omitempty"`
	State        TaskState `json:"state,omitempty"`
	FinishReason string    `json:"finish_reason,omitempty"`
	Usage        *Usage    `json:"usage,omitempty"`
	Error        *Error    `json:"error,omitempty"`
	Notices      []string  `json:"notices,omitempty"` // as in Task
}

// SetParts sets the parts and the fields that are derived from them.
func (m *Message) SetParts(p Parts) {
	if p == nil {
		p = Parts{} // an empty list on the wire
	}
	m.Parts, m.Content, m.Reasoning, m.ReasoningMS = p, p.Text(), p.Reasoning(), p.ReasoningMS()
}

// AllParts is the message's parts; those of a message that has only texts, as versions
// before parts and other programs wrote them, are made of these.
func (m *Message) AllParts() Parts {
	if m.Parts != nil {
		return m.Parts
	}
	return AnswerParts(m.Reasoning, m.ReasoningMS, m.Content)
}

// Usage counts the tokens of one answer as the provider reported them.
type Usage struct {
	PromptTokens     int `json:"prompt_tokens"`
	CompletionTokens int `json:"completion_tokens"`
	TotalTokens      int `json:"total_tokens"`
}

// LocalOwner owns everything that is created over the unix socket.
const LocalOwner = "local"

// Submission is a message to be answered: what POST /messages takes.
type Submission struct {
	// ConversationID is the conversation that it continues; empty makes a new one, with
	// Title (by default the beginning of the message), Model and System.
	ConversationID string `json:"conversation_id,omitempty"`
	Title          string `json:"title,omitempty"`
	System         string `json:"system,omitempty"`

	Content  string   `json:"content"`
	Model    string   `json:"model,omitempty"`
	Priority Priority `json:"priority,omitempty"`
	// ParentID is the message this one answers to; empty means the newest leaf
	// of the conversation, and RootParent none: another beginning.
	ParentID string `json:"parent_id,omitempty"`
	// DeadlineSeconds bounds the task's total run time; 0 means the server's default.
	DeadlineSeconds int `json:"deadline_seconds,omitempty"`
}

// RootParent as a ParentID makes a message a sibling of the conversation's first.
const RootParent = "root"

// Accepted is the answer to a submission. Status is always "processing".
type Accepted struct {
	TaskID         string `json:"task_id"`
	MessageID      string `json:"message_id"`
	UserMessageID  string `json:"user_message_id"`
	ConversationID string `json:"conversation_id"`
	Status         string `json:"status"`
}

// StatusProcessing is the Status of every Accepted.
const StatusProcessing = "processing"

// NormalizeText returns s with invalid UTF-8 replaced by U+FFFD and NUL
// removed. PostgreSQL refuses both; applied before a text is first published or
// stored, it makes every copy of the text equal byte for byte.
func NormalizeText(s string) string {
	if strings.IndexByte(s, 0) >= 0 {
		s = strings.ReplaceAll(s, "\x00", "")
	}
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	return s
}

// TitleFrom makes a conversation title of at most 60 characters from the first
// line of a message.
func TitleFrom(content string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(WithoutImages(content)), "\n")
	line = strings.Join(strings.Fields(line), " ")
	const limit = 60
	if utf8.RuneCountInString(line) <= limit {
		return line
	}
	return strings.TrimSpace(string([]rune(line)[:limit-1])) + "…"
}
