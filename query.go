package chat

// ConversationQuery selects conversations of one owner, newest first.
type ConversationQuery struct {
	Search string // words that must all occur in the title or in the messages
	ID     string // the beginning or the end of an id
	Cursor string // from the previous page
	Limit  int    // 50 by default, 200 at most
	// Temporary includes temporary conversations; an ID does, too.
	Temporary bool
}

// Match is a conversation that a search has found.
type Match struct {
	Conversation
	// MessageID is the message with most of the words, and Snippet a piece of the line
	// with most of them. Both are empty if only the title matches.
	MessageID string `json:"message_id,omitempty"`
	Snippet   string `json:"snippet,omitempty"`
}

// ModelUsage counts the answers of one model, and their tokens as the provider reported
// them.
type ModelUsage struct {
	Model    string `json:"model"`
	Answers  int    `json:"answers"`
	Reported int    `json:"answers_with_tokens"`
	Usage
}

// ConversationPatch changes the fields that are not nil.
type ConversationPatch struct {
	Title  *string `json:"title"`
	Model  *string `json:"model"`
	System *string `json:"system"`
	// Parameters replaces all parameters; empty ones clear them.
	Parameters *Parameters `json:"parameters"`
}

// Regeneration are the changes of an answer that is made again. Model "" keeps the model of
// the conversation, or else of the answer. Parameters, which are Lasting, replace those of
// the answer that they set.
type Regeneration struct {
	// Continue says that the new answer begins with the text of the old one, which was cut
	// (Message.Continuable).
	Continue   bool        `json:"-"`
	Model      string      `json:"model,omitempty"`
	Priority   Priority    `json:"priority,omitempty"`
	Parameters *Parameters `json:"parameters,omitempty"`
}

// TaskQuery selects tasks of one owner, newest first.
type TaskQuery struct {
	States         []TaskState // none means all
	ID             string      // the beginning or the end of an id
	ConversationID string
	Answers        bool // without tasks of other kinds
	Limit          int  // 50 by default, 200 at most
}

// SubmitOptions are the options of a submission. A repeated IdempotencyKey with the same
// BodyHash returns the first result; with another BodyHash it is CodeKeyReuse.
type SubmitOptions struct {
	TaskID         string // chosen by the caller; "" lets the store choose
	IdempotencyKey string
	BodyHash       string
	// CredentialsHost is the CredentialsHost of the Task.
	CredentialsHost string
}
