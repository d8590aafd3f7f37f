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
	Reference    string // the conversation, as the user names it; "" starts a new one
	SystemPrompt string // of a new conversation
	Key          string // the idempotency key
	Models       settings.Models
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
	if s.ModelDefaults, err = ModelDefaults(ctx, cl, s.Models, cmp.Or(s.Model, conv.Model)); err != nil {
		return acc, err
	}
	return cl.Submit(ctx, s.Submission, s.Key)
}

// ModelDefaults returns the parameters that the config file has for a model, nil if it has
// none. An empty model is the server's default.
func ModelDefaults(ctx context.Context, cl *client.Client, models settings.Models, model string) (*chat.Parameters, error) {
	if !models.HaveParameters() {
		return nil, nil
	}
	if model == "" {
		list, err := cl.Models(ctx)
		if err != nil {
			return nil, err
		}
		for _, m := range list {
			if m.Default {
				model = m.ID
			}
		}
	}
	return models.Parameters(model), nil
}
