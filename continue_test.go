package chat_test

import (
	"strings"
	"testing"

	"chat"
)

func TestContinuable(t *testing.T) {
	text := chat.TextParts("half an ans")
	reasoned := chat.AnswerParts("hm", 1, "half")
	call := append(chat.TextParts("I look."), chat.Part{Type: chat.PartToolCall, CallID: "c", Name: "look"})
	for name, tc := range map[string]struct {
		m    chat.Message
		code chat.Code
		says string
	}{
		"a limit":                 {chat.Message{State: chat.TaskDone, FinishReason: "max_tokens", Parts: text}, "", ""},
		"a limit after reasoning": {chat.Message{State: chat.TaskDone, FinishReason: "length", Parts: reasoned}, "", ""},
		"an unknown reason":       {chat.Message{State: chat.TaskDone, FinishReason: "pause_turn", Parts: text}, "", ""},
		"stopped":                 {chat.Message{State: chat.TaskCancelled, FinishReason: "cancelled", Parts: text}, "", ""},
		"broken off":              {chat.Message{State: chat.TaskInterrupted, Parts: text}, "", ""},
		"a limit in JSON":         {chat.Message{State: chat.TaskDone, FinishReason: "length", Parts: text, Error: &chat.Error{Code: chat.CodeFormatMismatch}}, "", ""},
		"complete":                {chat.Message{State: chat.TaskDone, FinishReason: "stop", Parts: text}, chat.CodeConflict, "complete"},
		"of another program":      {chat.Message{State: chat.TaskDone, Content: "whole"}, chat.CodeConflict, "complete"},
		"wrong JSON":              {chat.Message{State: chat.TaskDone, FinishReason: "stop", Parts: text, Error: &chat.Error{Code: chat.CodeFormatMismatch}}, chat.CodeConflict, "was not cut"},
		"a filter":                {chat.Message{State: chat.TaskDone, FinishReason: "SAFETY", Parts: text}, chat.CodeConflict, "content filter"},
		"a tool":                  {chat.Message{State: chat.TaskDone, FinishReason: "stop", Parts: call}, chat.CodeConflict, "tool"},
		"only reasoning":          {chat.Message{State: chat.TaskDone, FinishReason: "length", Parts: chat.AnswerParts("hm", 1, " ")}, chat.CodeConflict, "within its reasoning"},
		"stopped in reasoning":    {chat.Message{State: chat.TaskCancelled, Parts: chat.AnswerParts("hm", 1, "")}, chat.CodeConflict, "within its reasoning"},
		"nothing":                 {chat.Message{State: chat.TaskFailed}, chat.CodeConflict, "no text"},
		"running":                 {chat.Message{State: chat.TaskRunning, Parts: text}, chat.CodeBusy, "chat attach"},
		"the user's":              {chat.Message{Role: chat.RoleUser, Parts: text}, chat.CodeInvalid, "not an answer"},
	} {
		if tc.m.Role == "" {
			tc.m.Role = chat.RoleAssistant
		}
		err := tc.m.Continuable()
		if chat.CodeOf(err) != tc.code || err != nil && !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: %v", name, err)
		}
		if tc.code == chat.CodeConflict && !strings.Contains(err.Error(), "chat retry") {
			t.Errorf("%s: the next step is missing: %v", name, err)
		}
	}
}
