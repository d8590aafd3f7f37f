package chat

// TaskKind is what a task writes.
type TaskKind string

// The kinds of tasks. A task of any kind but the first belongs to a conversation and answers
// no message: it reads the conversation up to Task.UserMessageID, has no Task.MessageID, and
// its text is in no list of messages.
const (
	KindAnswer  TaskKind = ""
	KindSummary TaskKind = "summary" // of the beginning of a conversation
	KindTitle   TaskKind = "title"   // of a conversation
)

// Label returns the title of a conversation as that of a task of the kind in it.
func (k TaskKind) Label(title string) string {
	if k == KindAnswer {
		return title
	}
	return string(k) + " of " + title
}

// KindTask asks for a task of a kind other than KindAnswer.
type KindTask struct {
	TaskID         string // chosen by the caller; "" lets the store choose
	Kind           TaskKind
	ConversationID string
	LastMessageID  string // the last message that it reads
	Model          string
	Priority       Priority
	// DeadlineSeconds and CredentialsHost are as in Task.
	DeadlineSeconds int
	CredentialsHost string
}
