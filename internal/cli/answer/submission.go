package answer

import (
	"context"

	"chat"
	"chat/daemon/client"
	"chat/internal/cli/ids"
)

// Submission is a message to send.
type Submission struct {
	chat.Submission
	Reference    string // the conversation, as the user names it; "" starts a new one
	SystemPrompt string // of a new conversation
	Key          string // the idempotency key
}

// Submit sends the message, to a new conversation if none is named.
func (s Submission) Submit(ctx context.Context, cl *client.Client) (chat.Accepted, error) {
	if s.Reference != "" {
		conv, err := ids.FindConversation(ctx, cl, s.Reference)
		if err != nil {
			return chat.Accepted{}, err
		}
		s.ConversationID = conv.ID
	} else {
		s.System = s.SystemPrompt
	}
	acc, err := cl.Submit(ctx, s.Submission, s.Key)
	if chat.IsCode(err, chat.CodeKeyReuse) && s.Reference == "" {
		err = chat.Errorf(chat.CodeKeyReuse, "the idempotency key %q was already used in another conversation or for another message: for the same answer, send the same message with -C and that conversation", s.Key)
	}
	return acc, err
}
