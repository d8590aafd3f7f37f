package answer

import (
	"cmp"
	"context"

	"chat"
	"chat/daemon/client"
	"chat/internal/cli/ids"
	"chat/internal/cli/settings"
)

// Submission is a message to send.
type Submission struct {
	chat.Submission
	Reference    string   // the conversation, as the user names it; "" starts a new one
	SystemPrompt string   // of a new conversation
	Key          string   // the idempotency key
	Fallback     []string // the models that answer if Model does not; of the file if empty
	Defaults     settings.Failover
}

// Submit sends the message, to a new conversation if none is named.
func (s Submission) Submit(ctx context.Context, cl *client.Client) (chat.Accepted, error) {
	if s.Reference != "" {
		conv, err := ids.FindConversation(ctx, cl, s.Reference)
		if err != nil {
			return chat.Accepted{}, err
		}
		return s.SubmitTo(ctx, cl, conv)
	}
	s.System = s.SystemPrompt
	acc, err := s.SubmitTo(ctx, cl, chat.Conversation{})
	if chat.IsCode(err, chat.CodeKeyReuse) {
		err = chat.Errorf(chat.CodeKeyReuse, "the idempotency key %q was already used in another conversation or for another message: for the same answer, send the same message with -C and that conversation", s.Key)
	}
	return acc, err
}

// SubmitTo sends the message to a conversation; one without an id is new.
func (s Submission) SubmitTo(ctx context.Context, cl *client.Client, conv chat.Conversation) (acc chat.Accepted, err error) {
	s.ConversationID = conv.ID
	model, err := defaultsOf(ctx, cl, s.Defaults.Models, cmp.Or(s.Model, conv.Model))
	if err != nil {
		return acc, err
	}
	s.ModelDefaults, s.Failover = s.Defaults.Models.Parameters(model), s.Defaults.Of(s.Fallback, model)
	return cl.Submit(ctx, s.Submission, s.Key)
}

// defaultsOf returns the model whose tables in the config file apply: the server's default if none
// is named and a model has such a table.
func defaultsOf(ctx context.Context, cl *client.Client, models settings.Models, model string) (string, error) {
	if model != "" || !models.HaveDefaults() {
		return model, nil
	}
	list, err := cl.Models(ctx)
	if err != nil {
		return "", err
	}
	for _, m := range list {
		if m.Default {
			model = m.ID
		}
	}
	return model, nil
}
