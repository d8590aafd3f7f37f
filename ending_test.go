package chat_test

import (
	"strings"
	"testing"

	"chat"
)

func TestFinishReasonsMeanFewThings(t *testing.T) {
	for ending, names := range map[chat.Ending]string{
		chat.EndingComplete: "stop STOP Stop end_turn eos eos_token stop_sequence completed COMPLETE endTurn null FINISH_REASON_STOP stop-sequence done",
		chat.EndingLength:   "length max_tokens MAX_TOKENS max_output_tokens model_length context_length MaxTokens max-tokens model_context_window_exceeded FINISH_REASON_MAX_TOKENS token_limit ERROR_LIMIT",
		chat.EndingFilter:   "content_filter ContentFilter SAFETY RECITATION PROHIBITED_CONTENT BLOCKLIST SPII refusal sensitive content-filter guardrail_intervened IMAGE_SAFETY ERROR_TOXIC content_filter:SAFETY",
		chat.EndingTool:     "tool_calls function_call tool_use TOOL_CALL tool-calls",
		chat.EndingFailure:  "error ERROR insufficient_system_resource abort aborted network_error cancelled timeout server_error",
		chat.EndingOther:    "pause_turn OTHER LANGUAGE FINISH_REASON_UNSPECIFIED MALFORMED_FUNCTION_CALL weiß_nicht unknown",
	} {
		for _, name := range strings.Fields(names) {
			if got := chat.EndingOf(name); got != ending {
				t.Errorf("%s is %s, want %s", name, got, ending)
			}
			why := chat.Shortfall(name, chat.TextParts("text"))
			if (why == "") != (ending == chat.EndingComplete) || ending == chat.EndingOther && !strings.Contains(why, name) {
				t.Errorf("%s: %q", name, why)
			}
		}
	}
	if chat.EndingOf("") != chat.EndingComplete || chat.Shortfall("", chat.TextParts("text")) != "" {
		t.Error("no finish reason is not a complete answer")
	}
	for _, tc := range []struct{ reason, content, reasoning, want string }{
		{"stop", "", "hm", "there is no answer: the model ended after its reasoning"},
		{"stop", " \n", "hm", "there is no answer: the model ended after its reasoning"},
		{"length", "", "hm", "there is no answer, only reasoning: the model's limit on its length was reached"},
		{"stop", "", "", "there is no answer: it is empty"},
		{"SAFETY", "", "", "there is no answer: the provider's content filter ended it"},
	} {
		if got := chat.Shortfall(tc.reason, chat.AnswerParts(tc.reasoning, 0, tc.content)); got != tc.want {
			t.Errorf("%+v: %q", tc, got)
		}
	}
}

func TestOnlyAMessageThatIsDoneFallsShort(t *testing.T) {
	for _, state := range chat.TaskStates() {
		m := chat.Message{State: state, FinishReason: "length", Content: "The har"}
		if got := m.Shortfall(); (got != "") != (state == chat.TaskDone) {
			t.Errorf("%s: %q", state, got)
		}
	}
	if got := (&chat.Message{Content: ""}).Shortfall(); got != "" {
		t.Errorf("a user's message: %q", got)
	}
}
