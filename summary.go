package chat

import "time"

// Summary stands for the messages of a conversation from the root to MessageID, for models
// whose context the conversation exceeds.
type Summary struct {
	ID             string    `json:"id"` // of the task that wrote it
	ConversationID string    `json:"conversation_id"`
	MessageID      string    `json:"message_id"`
	Model          string    `json:"model,omitempty"`
	Text           string    `json:"text"`
	Removed        bool      `json:"removed,omitempty"`
	CreatedAt      time.Time `json:"created_at"`
}

// Sent is what is recorded about the request for an answer. SummaryID is "" if the model got all
// messages. Both are recorded when the answer ends.
type Sent struct {
	Model        string
	Recorded     bool
	SummaryID    string
	System       string
	PromptTokens int // as the model counted them, 0 if it did not
}

// CompactMode says what happens when a conversation exceeds the context of its model.
type CompactMode string

// The modes. Automatic writes a summary and sends again; ask ends the answer with an error that
// says how to write one; off sends what there is.
const (
	CompactAutomatic CompactMode = "automatic"
	CompactAsk       CompactMode = "ask"
	CompactOff       CompactMode = "off"
)

// Thread is what a task reads: the system prompt, and the messages of one path that no
// summary stands for.
type Thread struct {
	System  string
	Summary *Summary // of the messages before; nil if there are none, or none is used
	// WantsTitle says that a model is to write the title of the conversation, and has not tried.
	WantsTitle bool
	Messages   []Message
}
