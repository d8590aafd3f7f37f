package chat

// ConversationQuery selects conversations of one owner, newest first.
type ConversationQuery struct {
	Search string // words that must all occur in the title or in the messages
	ID     string // the beginning or the end of an id
	Cursor string // from the page before
	Limit  int    // 50 by default, 200 at most
}

// ConversationPatch changes the fields that are not nil.
type ConversationPatch struct {
	Title  *string `json:"title"`
	Model  *string `json:"model"`
	System *string `json:"system"`
}

// TaskQuery selects tasks of one owner, newest first.
type TaskQuery struct {
	States         []TaskState // none means all
	ID             string      // the beginning or the end of an id
	ConversationID string
	Limit          int // 50 by default, 200 at most
}

// SubmitOptions go with a submission. The same IdempotencyKey with the same
// BodyHash is answered as the first time; with another BodyHash it is refused.
type SubmitOptions struct {
	TaskID         string // chosen by the caller; "" lets the store choose
	IdempotencyKey string
	BodyHash       string
	// OwnProvider is the Task's.
	OwnProvider string
}
