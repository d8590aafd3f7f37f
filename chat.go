// Package chat is the domain: conversations, messages, tasks, the chunks in which an
// answer is streamed, and the errors. It does no I/O and imports no other package of
// this module.
//
// A task generates an answer in at most MaxAttempts attempts, without those that a worker
// released at shutdown. Each attempt appends chunks to the task's chunk log, and one attempt
// commits the assistant message to SQL. A Position identifies the last chunk that a reader
// has seen.
package chat

import (
	"strings"
	"time"
	"unicode/utf8"
)

// Limits in bytes.
const (
	MaxTitle      = 500
	MaxModel      = 200 // a model's name
	MaxSystem     = 256 << 10
	MaxTranscript = 64 << 20 // a conversation as JSON
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
	ID     string `json:"id"`
	Owner  string `json:"-"`
	Title  string `json:"title"`
	Model  string `json:"model,omitempty"`
	System string `json:"system,omitempty"`
	// Parameters apply to messages that do not set their own; nil if there are none. They
	// are Lasting.
	Parameters *Parameters `json:"parameters,omitempty"`
	// Temporary conversations are hidden from lists, and deleted some time after their last
	// change.
	Temporary bool      `json:"temporary,omitempty"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// Message is one node of a conversation's tree. An assistant message exists
// from the moment its task is accepted. Until the task ends, State is not terminal and
// Content holds what was saved so far, which is often nothing.
type Message struct {
	ID             string `json:"id"`
	ConversationID string `json:"conversation_id"`
	ParentID       string `json:"parent_id,omitempty"`
	Role           Role   `json:"role"`
	Parts          Parts  `json:"parts"`
	// SetParts derives Content, Reasoning and ReasoningMS from Parts, for readers that
	// need only the text.
	Content     string    `json:"content"`
	Reasoning   string    `json:"reasoning,omitempty"`
	ReasoningMS int64     `json:"reasoning_ms,omitempty"`
	Model       string    `json:"model,omitempty"`
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`

	// For assistant messages only: the task that generates it, and the task's outcome.
	TaskID       string    `json:"task_id,omitempty"`
	State        TaskState `json:"state,omitempty"`
	FinishReason string    `json:"finish_reason,omitempty"`
	Usage        *Usage    `json:"usage,omitempty"`
	Error        *Error    `json:"error,omitempty"`
	Notices      []string  `json:"notices,omitempty"` // as in Task
	Waiting      *Wait     `json:"waiting,omitempty"` // as in Task
	// Parameters are the lasting ones of the task.
	Parameters *Parameters `json:"parameters,omitempty"`
}

// SetParts sets the parts and the fields that are derived from them.
func (m *Message) SetParts(p Parts) {
	if p == nil {
		p = Parts{} // an empty list on the wire
	}
	m.Parts, m.Content, m.Reasoning, m.ReasoningMS = p, p.Text(), p.Reasoning(), p.ReasoningMS()
}

// AllParts returns the message's parts. If Parts is nil, as in exports of other programs,
// it builds them from Content and Reasoning.
func (m *Message) AllParts() Parts {
	if m.Parts != nil {
		return m.Parts
	}
	return AnswerParts(m.Reasoning, m.ReasoningMS, m.Content)
}

// LocalOwner owns everything that is created over the unix socket.
const LocalOwner = "local"

// Submission is a message to be answered: the body of POST /messages.
type Submission struct {
	// ConversationID is the conversation to continue. If it is empty, the server creates
	// one with Title (by default the beginning of the message), Model and System.
	ConversationID string `json:"conversation_id,omitempty"`
	// CreateMissing says that ConversationID is the id of a new conversation unless it exists.
	CreateMissing bool   `json:"-"`
	Title         string `json:"title,omitempty"`
	System        string `json:"system,omitempty"`
	Temporary     bool   `json:"temporary,omitempty"` // of a new conversation
	// ModelTitle says that a model may write the title of a new conversation that has none.
	ModelTitle bool `json:"model_title,omitempty"`

	// History has messages that are stored before this one, each as the child of the one
	// before. Only role and parts are used. It is for clients that send the whole
	// conversation each time.
	History []Message `json:"-"`

	// Content is the text of the message. Parts replaces it if the message has images or
	// files, which refer to attachments.
	Content string `json:"content,omitempty"`
	Parts   Parts  `json:"parts,omitempty"`
	// Attachments, with their data, are uploaded by the client before the submission.
	Attachments []Attachment `json:"-"`

	Model    string   `json:"model,omitempty"`
	Priority Priority `json:"priority,omitempty"`
	// ParentID is the message before this one. Empty means the newest leaf of the
	// conversation; RootParent means no parent, so that the message starts a new branch.
	ParentID string `json:"parent_id,omitempty"`
	// DeadlineSeconds limits each attempt, without the time in the queue. The attempt that
	// exceeds it is the last. 0 means the server's default.
	DeadlineSeconds int `json:"deadline_seconds,omitempty"`
	// Parameters are those of the message's own answer. A new conversation keeps their
	// lasting ones; those of an existing one apply where Parameters sets nothing, and
	// ModelDefaults where neither does.
	Parameters    *Parameters `json:"parameters,omitempty"`
	ModelDefaults *Parameters `json:"model_defaults,omitempty"`
	Failover      *Failover   `json:"failover,omitempty"`
	// Standalone says that the Parameters do not depend on those of the conversation, and
	// that a new conversation does not keep them.
	Standalone bool   `json:"-"`
	Origin     string `json:"-"` // as in Task
}

// Message returns the parts of the submitted message.
func (s *Submission) Message() Parts {
	if s.Parts != nil {
		return s.Parts
	}
	return TextParts(s.Content)
}

// RootParent as a ParentID makes a message a sibling of the conversation's first.
const RootParent = "root"

// Accepted is the response to a submission. Status is always StatusProcessing.
type Accepted struct {
	TaskID         string `json:"task_id"`
	MessageID      string `json:"message_id"`
	UserMessageID  string `json:"user_message_id"`
	ConversationID string `json:"conversation_id"`
	Status         string `json:"status"`
}

// StatusProcessing is the Status of every Accepted.
const StatusProcessing = "processing"

// NormalizeText returns s with invalid UTF-8 replaced by U+FFFD and NUL removed, because
// PostgreSQL refuses both. Apply it before a text is first published or stored, so that
// all copies of the text are equal.
func NormalizeText(s string) string {
	if strings.IndexByte(s, 0) >= 0 {
		s = strings.ReplaceAll(s, "\x00", "")
	}
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	return s
}
