package transfer

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"chat"
	"chat/internal/transcript"
)

func TestExportLosesNothing(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
	one := transcript.Transcript{
		Conversation: chat.Conversation{ID: "c1", Title: "<T> & \u2028", Model: "m", System: "s", CreatedAt: at, UpdatedAt: at},
		Messages: []chat.Message{
			{ID: "m1", ConversationID: "c1", Role: chat.RoleUser, Content: "a\n\"b\"\t\x1b[1m", CreatedAt: at, UpdatedAt: at},
			{
				ID: "m2", ConversationID: "c1", ParentID: "m1", Role: chat.RoleAssistant, Content: "c", Reasoning: "r", Model: "m", CreatedAt: at, UpdatedAt: at,
				TaskID: "t1", State: chat.TaskInterrupted, FinishReason: "length", Usage: &chat.Usage{PromptTokens: 1, CompletionTokens: 2, TotalTokens: 3},
				Error: &chat.Error{Code: chat.CodeProviderCut, Message: "cut", Retryable: true},
			},
		},
	}
	two := transcript.Transcript{Conversation: chat.Conversation{ID: "c2", CreatedAt: at, UpdatedAt: at}, Messages: []chat.Message{}}
	for _, all := range [][]transcript.Transcript{{}, {one}, {one, two}} {
		var b strings.Builder
		out := &jsonExport{w: &b, importable: maxRaw}
		for _, tr := range all {
			if err := out.Conversation(tr.Conversation, tr.Messages, nil); err != nil {
				t.Fatal(err)
			}
		}
		if err := out.End(); err != nil {
			t.Fatal(err)
		}
		var got struct {
			Format        string                  `json:"format"`
			Version       int                     `json:"version"`
			ExportedAt    time.Time               `json:"exported_at"`
			Conversations []transcript.Transcript `json:"conversations"`
		}
		if err := json.Unmarshal([]byte(b.String()), &got); err != nil {
			t.Fatalf("%v in %s", err, b.String())
		}
		if got.Format != exportFormat || got.Version != exportVersion || got.ExportedAt.IsZero() {
			t.Errorf("%+v\nfrom %s", got, b.String())
		}
		want, err := json.Marshal(all)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := json.Marshal(got.Conversations); err != nil || string(back) != string(want) {
			t.Errorf("%v\n got %s\nwant %s", err, back, want)
		}
	}
}

func TestExportWarnsOfAConversationThatImportRefuses(t *testing.T) {
	conv := chat.Conversation{ID: "0190a0b0-0000-7000-8000-00000000abcd"}
	for _, tt := range []struct {
		importable int
		want       string
	}{
		{maxRaw, ""},
		{10, "0000abcd: with its attachments it is larger than"},
	} {
		var b strings.Builder
		warned := ""
		warn := func(format string, args ...any) { warned += fmt.Sprintf(format, args...) }
		out := &jsonExport{w: &b, warn: warn, importable: tt.importable}
		if err := out.Conversation(conv, nil, nil); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), conv.ID) || (warned != "") != (tt.want != "") || !strings.Contains(warned, tt.want) {
			t.Errorf("wrote %q, warned %q, want %q", b.String(), warned, tt.want)
		}
	}
}
