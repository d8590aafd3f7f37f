package modeltest

import (
	"fmt"
	"strings"
)

// maxMarks is how many blocks of a request may have cache_control.
const maxMarks = 4

// fault says what Anthropic's server has against a request, "" if nothing.
func (a AskedMessages) fault() string {
	switch {
	case a.Model == "":
		return "model: Field required"
	case a.MaxTokens <= 0:
		return "max_tokens: Field required"
	case len(a.Messages) == 0:
		return "messages: at least one message is required"
	case a.Messages[0].Role != "user":
		return "messages: first message must use the \"user\" role"
	case a.Messages[len(a.Messages)-1].Role != "user" && (a.reasons() || !strings.HasPrefix(a.Model, "claude-3")):
		return "This model does not support assistant message prefill. The conversation must end with a user message."
	case a.endsWithSpace():
		return "messages: final assistant content cannot end with trailing whitespace"
	case a.marks() > maxMarks:
		return fmt.Sprintf("A maximum of 4 blocks with cache_control may be provided. Found %d.", a.marks())
	case a.Thinking != nil && a.Thinking.Type == "enabled" && (a.Thinking.Budget < 1024 || a.Thinking.Budget >= a.MaxTokens):
		return "`max_tokens` must be greater than `thinking.budget_tokens`."
	case a.reasons() && a.Temperature != nil && *a.Temperature != 1:
		return "`temperature` may only be set to 1 when thinking is enabled or in adaptive mode."
	case a.reasons() && strings.Contains(string(a.ToolChoice), `"any"`):
		return "Thinking may not be enabled when tool_choice forces tool use."
	}
	for i, t := range a.Tools {
		if t.Schema.Type != "object" {
			return fmt.Sprintf("tools.%d.custom.input_schema.type: Field required", i)
		}
	}
	for i := range a.Messages {
		if what := a.turnFault(i); what != "" {
			return what
		}
	}
	return ""
}

func (a AskedMessages) reasons() bool { return a.Thinking != nil && a.Thinking.Type != "disabled" }

// endsWithSpace reports whether the last message is the assistant's and ends with space.
func (a AskedMessages) endsWithSpace() bool {
	last := a.Messages[len(a.Messages)-1]
	if last.Role == "user" || len(last.Content) == 0 {
		return false
	}
	text := last.Content[len(last.Content)-1].Text
	return text != strings.TrimRight(text, " \t\r\n")
}

func (a AskedMessages) marks() int {
	n := 0
	for _, t := range a.Tools {
		n += min(len(t.Cache), 1)
	}
	for _, b := range a.System {
		n += min(len(b.Cache), 1)
	}
	for _, t := range a.Messages {
		for _, b := range t.Content {
			n += min(len(b.Cache), 1)
		}
	}
	return n
}

// turnFault says what is wrong with a message.
func (a AskedMessages) turnFault(i int) string {
	t := a.Messages[i]
	if len(t.Content) == 0 {
		return fmt.Sprintf("messages.%d: all messages must have non-empty content", i)
	}
	if i > 0 && a.Messages[i-1].Role == t.Role {
		return fmt.Sprintf("messages.%d: roles must alternate", i) // the server merges them; chat does it itself
	}
	calls, results := map[string]bool{}, map[string]bool{}
	if i > 0 {
		for _, b := range a.Messages[i-1].Content {
			calls[b.ID] = b.Type == "tool_use"
		}
	}
	for j, b := range t.Content {
		at := fmt.Sprintf("messages.%d.content.%d", i, j)
		switch b.Type {
		case "text":
			if strings.TrimSpace(b.Text) == "" {
				return at + ": text content blocks must contain non-whitespace text"
			}
		case "thinking":
			if b.Signature == "" || b.Thinking == nil || len(b.Cache) > 0 {
				return at + ".thinking.signature: Field required"
			}
		case "redacted_thinking":
			if b.Data == "" {
				return at + ".redacted_thinking.data: Field required"
			}
		case "tool_use":
			if b.ID == "" || strings.Trim(b.ID, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") != "" {
				return at + ".tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'"
			}
			if !strings.HasPrefix(string(b.Input), "{") {
				return at + ".tool_use.input: Input should be a valid dictionary"
			}
		case "tool_result":
			if !calls[b.ToolUseID] {
				return at + ": unexpected `tool_use_id` found in `tool_result` blocks: " + b.ToolUseID
			}
			results[b.ToolUseID] = true
		case "image", "document":
			if s := b.Source; s == nil || (s.Type != "base64" || s.Data == "" || s.MediaType == "" || s.FileID != "") && (s.Type != "file" || s.FileID == "" || s.Data != "") {
				return at + ".source: Field required"
			}
		default:
			return at + ": Input tag '" + b.Type + "' found using 'type' does not match any of the expected tags"
		}
	}
	for id, call := range calls {
		if call && !results[id] {
			return fmt.Sprintf("messages.%d: `tool_use` ids were found without `tool_result` blocks immediately after: %s", i, id)
		}
	}
	return ""
}
