package tui

import (
	"errors"
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"

	"chat"
	"chat/internal/term/paint"
	"chat/internal/term/sanitize/hostile"
	"chat/internal/term/theme"
	"chat/tui/connection"
	"chat/tui/conversation"
	"chat/tui/lists"
)

// harmless checks that the screen contains no sequence except the styles of a
// screen without colours, and the caret's position, which is never sent to a
// terminal.
func (s *timedScreen) harmless(t *testing.T, where, payload string) {
	t.Helper()
	view := s.m.View()
	begin := strings.LastIndex(view, paint.MarkerBegin)
	if begin < 0 || !strings.HasSuffix(view, paint.MarkerEnd) {
		t.Fatalf("%s, %s: no position of the caret at the end of %q", where, payload, view)
	}
	if err := hostile.Check(view[:begin], hostile.SGR("1", "2", "3", "4", "7", "9")); err != nil {
		t.Fatalf("%s, %s: %v", where, payload, err)
	}
}

// Whatever stands in a title, a message, a name or an error, and wherever a stream
// is cut, nothing of it steers the terminal.
func TestHostileTextsAreHarmlessOnScreen(t *testing.T) {
	none, err := theme.Named(theme.None)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range hostile.Payloads() {
		text := "before " + p.Text + " behind"
		cuts := hostile.Splits(text, 1)
		for i, cut := range cuts[1 : len(cuts)-1] { // uncut it stands in the messages before
			s := benchScreen(t, 2)
			s.m.applyTheme(none)
			s.m.host = text
			c := chat.Conversation{ID: "c", Title: text, Model: text}
			question := chat.Message{ID: "q", Role: chat.RoleUser, Content: text}
			failed := chat.Message{
				ID: "f", ParentID: "q", Role: chat.RoleAssistant, State: chat.TaskFailed, Model: text, Content: text, Reasoning: text, FinishReason: text,
				Error: &chat.Error{Code: chat.CodeProviderServer, Message: text},
			}
			answer := chat.Message{ID: "a", ParentID: "f", Role: chat.RoleAssistant, State: chat.TaskRunning, TaskID: "t", Model: text}
			s.send(conversation.OpenedMsg{Session: s.m.conversation.Session(), Conversation: c, Messages: []chat.Message{question, failed, answer}})
			for _, kind := range []chat.ChunkType{chat.ChunkReasoning, chat.ChunkContent} {
				for _, piece := range []string{text[:cut], text[cut:]} {
					s.send(conversation.BatchesMsg{{ID: s.m.conversation.LastStream(), Chunks: []chat.Chunk{{Type: kind, Content: piece}}}})
				}
				s.harmless(t, "streaming", p.Name())
			}
			if i > 0 {
				continue // what follows is not cut
			}
			s.send(conversation.BatchesMsg{{ID: s.m.conversation.LastStream(), Conn: &chat.ConnState{State: chat.ConnReconnecting, Reason: text}}})
			s.harmless(t, "reconnecting", p.Name())
			s.send(keyTypes["ctrl+t"])
			s.harmless(t, "unfolded", p.Name())
			s.send(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(text), Paste: true})
			s.harmless(t, "pasted", p.Name())
			s.send(stoppedMsg{taskID: "t", err: errors.New(text)})
			s.harmless(t, "complaint", p.Name())
			listed := chat.Conversation{ID: "x", Title: text, Model: text}
			running := chat.Task{ID: "u", ConversationID: "x", State: chat.TaskRunning, Model: text}
			s.send(connection.PolledMsg{Seq: s.m.server.Seq(), Running: []chat.Task{running}, Conversations: []chat.Conversation{listed}})
			for _, list := range []string{"ctrl+k", "ctrl+b", "ctrl+l"} {
				s.send(keyTypes[list])
				if list == "ctrl+l" {
					models := []chat.Model{{ID: text, Provider: text}}
					s.m.list.Current().SetItems(lists.Models(models, ""))
				}
				s.harmless(t, list, p.Name())
				s.send(keyTypes["esc"])
			}
		}
	}
}
