package chat

import "strings"

// Continuable returns nil if the message is an answer that was cut, so that it can be continued,
// and otherwise an error that says what can be done instead.
func (m *Message) Continuable() error {
	parts := m.AllParts()
	switch ending := EndingOfParts(m.FinishReason, parts); {
	case m.Role != RoleAssistant:
		return Errorf(CodeInvalid, "that message is not an answer: name the answer to continue")
	case !m.State.Terminal():
		return Errorf(CodeBusy, "the answer is not complete yet, and still being made: chat attach follows it")
	case strings.TrimSpace(parts.Text()) == "" && parts.Reasoning() != "":
		return Errorf(CodeConflict, "the answer was cut within its reasoning, and has no text to continue: regenerate it with chat retry, with more --max-tokens or less --effort")
	case strings.TrimSpace(parts.Text()) == "":
		return Errorf(CodeConflict, "the answer has no text to continue: regenerate it with chat retry")
	case m.State == TaskCancelled || m.State == TaskInterrupted:
		return nil
	case ending == EndingLength || ending == EndingOther:
		return nil
	case ending == EndingFilter || ending == EndingTool:
		return Errorf(CodeConflict, "the answer cannot be continued, because %s: regenerate it with chat retry", ending.Why(m.FinishReason))
	case m.Error != nil: // CodeFormatMismatch
		return Errorf(CodeConflict, "the answer was not cut, although it does not match the schema: regenerate it with chat retry")
	}
	return Errorf(CodeConflict, "the answer is complete: send a message to ask for more, or regenerate the answer with chat retry")
}
