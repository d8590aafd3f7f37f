package report

import "chat"

// SentRequest is what a model received for an answer.
type SentRequest struct {
	TaskID string `json:"task_id"`
	Model  string `json:"model,omitempty"`
	// Recorded is false before the end of the answer: it is then what would be sent now.
	Recorded   bool             `json:"recorded"`
	System     string           `json:"system,omitempty"`
	SummaryID  string           `json:"summary_id,omitempty"`
	Parameters *chat.Parameters `json:"parameters,omitempty"`
	Messages   []chat.Message   `json:"messages"` // with a role and parts
	Notices    []string         `json:"notices,omitempty"`
}

// ContextUse is how full the context of a conversation's model is.
type ContextUse struct {
	ConversationID string `json:"conversation_id"`
	Model          string `json:"model,omitempty"`
	// Tokens are those of the next request without a new message, as an estimate.
	Tokens int `json:"tokens"`
	// Context is how many the model accepts, with the answer; 0 if that is not known.
	Context int `json:"context,omitempty"`
	// Summary, if it is used, stands for the messages up to its MessageID.
	Summary *chat.Summary `json:"summary,omitempty"`
}

// Percent is how full the context is, 0 if that is not known.
func (u ContextUse) Percent() int {
	if u.Context == 0 {
		return 0
	}
	return (100*u.Tokens + u.Context/2) / u.Context
}
