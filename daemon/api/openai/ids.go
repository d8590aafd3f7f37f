package openai

import (
	"encoding/hex"
	"strings"

	"github.com/google/uuid"

	"chat"
)

// The ids of OpenAI's objects are a prefix and the hex digits of the UUID of the task or of
// the conversation.
const (
	responsePrefix     = "resp_"
	completionPrefix   = "chatcmpl-"
	conversationPrefix = "conv_"
)

// digits returns the hex digits of a UUID.
func digits(id string) string { return strings.ReplaceAll(id, "-", "") }

func responseID(taskID string) string { return responsePrefix + digits(taskID) }

// taskOf returns the id of a response's task. what names the object in the error.
func taskOf(id string) (string, error) { return parseID(id, responsePrefix, "response") }

func parseID(id, prefix, what string) (string, error) {
	raw, err := hex.DecodeString(strings.ReplaceAll(strings.TrimPrefix(id, prefix), "-", ""))
	if err == nil {
		var u uuid.UUID
		if u, err = uuid.FromBytes(raw); err == nil {
			return u.String(), nil
		}
	}
	return "", chat.Errorf(chat.CodeNotFound, "no %s has the id %q", what, id)
}
