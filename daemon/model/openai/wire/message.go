package wire

import (
	"encoding/json"
	"fmt"

	goopenai "github.com/sashabaranov/go-openai"
)

// Message is a message of Chat Completions.
type Message struct {
	goopenai.ChatCompletionMessage

	// Continue is the name of the field that says that the answer begins with this message; "" if
	// it does not.
	Continue string
}

// MarshalJSON implements json.Marshaler.
func (m Message) MarshalJSON() ([]byte, error) {
	raw, err := json.Marshal(m.ChatCompletionMessage)
	if err != nil || m.Continue == "" {
		return raw, err
	}
	return fmt.Appendf(raw[:len(raw)-1], ",%q:true}", m.Continue), nil
}
