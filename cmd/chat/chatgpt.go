package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"chat"
)

// ChatGPT's conversations.json: a conversation is a mapping of nodes, with roots
// and system prompts that are often empty, and the calls of tools between the texts.

type gptConversation struct {
	ID             string             `json:"id"`
	ConversationID string             `json:"conversation_id"`
	Title          string             `json:"title"`
	CreateTime     float64            `json:"create_time"`
	UpdateTime     float64            `json:"update_time"`
	CurrentNode    string             `json:"current_node"`
	Mapping        map[string]gptNode `json:"mapping"`
}

type gptNode struct {
	Parent   string      `json:"parent"`
	Children []string    `json:"children"`
	Message  *gptMessage `json:"message"`
}

type gptMessage struct {
	Author struct {
		Role string `json:"role"`
	} `json:"author"`
	CreateTime float64    `json:"create_time"`
	Content    gptContent `json:"content"`
	Recipient  string     `json:"recipient"`
	Metadata   struct {
		Hidden bool   `json:"is_visually_hidden_from_conversation"`
		Model  string `json:"model_slug"`
		Finish struct {
			Type string `json:"type"`
		} `json:"finish_details"`
	} `json:"metadata"`
}

type gptContent struct {
	Type     string            `json:"content_type"`
	Parts    []json.RawMessage `json:"parts"`
	Text     string            `json:"text"`
	Thoughts []struct {
		Summary string `json:"summary"`
		Content string `json:"content"`
	} `json:"thoughts"`
}

// text is what somebody saw of a content.
func (c gptContent) text() string {
	switch c.Type {
	case "text", "multimodal_text":
	case "code":
		return c.Text
	default:
		return "" // what a tool was told or has said, and the like
	}
	var parts []string
	for _, raw := range c.Parts {
		var s string
		if json.Unmarshal(raw, &s) == nil {
			parts = append(parts, s)
			continue
		}
		var object struct {
			Type string `json:"content_type"`
			Text string `json:"text"`
		}
		if json.Unmarshal(raw, &object) != nil {
			continue // neither a text nor anything that there is a word for
		}
		switch {
		case object.Text != "":
			parts = append(parts, object.Text) // what was said
		case strings.HasPrefix(object.Type, "image"):
			parts = append(parts, "[image]")
		}
	}
	return strings.TrimSpace(strings.Join(parts, "\n\n"))
}

func (c gptContent) reasoning() string {
	var parts []string
	for _, t := range c.Thoughts {
		parts = append(parts, strings.TrimSpace(t.Summary+"\n"+t.Content))
	}
	return strings.TrimSpace(strings.Join(parts, "\n\n"))
}

// readChatGPT makes a conversation of one of ChatGPT's. Its ids are derived from
// those in the file, so that they are the same each time.
func readChatGPT(raw []byte) (chat.Transcript, error) {
	var g gptConversation
	if err := json.Unmarshal(raw, &g); err != nil {
		return chat.Transcript{}, err
	}
	source := cmp.Or(g.ConversationID, g.ID)
	if source == "" {
		return chat.Transcript{}, fmt.Errorf("it has no id")
	}
	t := chat.Transcript{Conversation: chat.Conversation{Title: oneLine(g.Title), CreatedAt: gptTime(g.CreateTime), UpdatedAt: gptTime(g.UpdateTime)}}
	if t.CreatedAt.IsZero() {
		t.CreatedAt = t.UpdatedAt
	}
	if t.CreatedAt.IsZero() {
		t.CreatedAt = time.Unix(0, 0).UTC()
	}
	if t.UpdatedAt.Before(t.CreatedAt) {
		t.UpdatedAt = t.CreatedAt
	}
	t.ID = chat.DerivedID(t.CreatedAt, "chatgpt", source)
	w := gptWalk{g: &g, t: &t, seen: map[string]bool{}, current: g.way()}
	w.all()
	if t.Title == "" && len(t.Messages) > 0 {
		t.Title = chat.TitleFrom(t.Messages[0].Content)
	}
	return t, nil
}

// oneLine is a title that is not too long.
func oneLine(title string) string {
	title = strings.Join(strings.Fields(title), " ")
	const limit = 200 // characters
	if r := []rune(title); len(r) > limit/2 && len(title) > limit {
		title = strings.TrimSpace(string(r[:limit/2-1])) + "…"
	}
	return title
}

// gptTime is a time of ChatGPT's, in seconds since 1970.
func gptTime(seconds float64) time.Time {
	if math.IsNaN(seconds) || seconds <= 0 || seconds > 1e11 {
		return time.Time{}
	}
	whole, part := math.Modf(seconds)
	return time.Unix(int64(whole), int64(part*1e6)*1000).UTC()
}

// way are the nodes from the current one up to its root.
func (g *gptConversation) way() map[string]bool {
	way := map[string]bool{}
	for id := g.CurrentNode; id != "" && !way[id]; id = g.Mapping[id].Parent {
		way[id] = true
	}
	return way
}

// gptWalk goes through the tree of one conversation, from its roots.
type gptWalk struct {
	g       *gptConversation
	t       *chat.Transcript
	seen    map[string]bool
	current map[string]bool // the nodes of the current way
	stack   []gptStep
}

// gptStep is a node that is still to be seen.
type gptStep struct {
	id string
	// under is the place in Messages of what it answers to, -1 for nothing; alone
	// says that nothing else does.
	under int
	alone bool
}

func (w *gptWalk) all() {
	var roots []string
	for id, n := range w.g.Mapping {
		if _, known := w.g.Mapping[n.Parent]; !known {
			roots = append(roots, id)
		}
	}
	slices.Sort(roots)
	w.push(roots, -1, false)
	for len(w.stack) > 0 {
		s := w.stack[len(w.stack)-1]
		w.stack = w.stack[:len(w.stack)-1]
		node, known := w.g.Mapping[s.id]
		if !known || w.seen[s.id] {
			continue
		}
		w.seen[s.id] = true
		under := s.under
		if node.Message != nil {
			under = w.visit(s, node.Message)
		}
		w.push(node.Children, under, len(node.Children) == 1 && (s.alone || under != s.under))
	}
}

// push leaves the nodes for later: those of the current way come last, since a
// conversation goes on behind its last message.
func (w *gptWalk) push(ids []string, under int, alone bool) {
	for _, current := range []bool{true, false} {
		for _, id := range slices.Backward(ids) {
			if w.current[id] == current {
				w.stack = append(w.stack, gptStep{id, under, alone})
			}
		}
	}
}

// visit adds what there is to see of a message, and returns the place of what the
// next one answers to.
func (w *gptWalk) visit(s gptStep, m *gptMessage) int {
	text, thought := m.Content.text(), m.Content.reasoning()
	switch role := m.Author.Role; {
	case m.Metadata.Hidden, text == "" && thought == "":
		return s.under
	case role == "system":
		if w.t.System == "" && len(text) <= chat.MaxSystem {
			w.t.System = text
		}
		return s.under
	case role == "assistant" && (m.Recipient == "" || m.Recipient == "all"):
		return w.answer(s, m, text, thought)
	case role == "user" && text != "":
		return w.add(s, m, chat.Message{Role: chat.RoleUser, Content: text})
	}
	return s.under
}

// answer adds what the assistant said. What it said before and after the use of a
// tool is one answer.
func (w *gptWalk) answer(s gptStep, m *gptMessage, text, thought string) int {
	reason, state := "stop", chat.TaskDone
	switch m.Metadata.Finish.Type {
	case "max_tokens":
		reason = "length"
	case "interrupted":
		reason, state = "", chat.TaskCancelled
	}
	if s.under >= 0 && s.alone && w.t.Messages[s.under].Role == chat.RoleAssistant {
		before := &w.t.Messages[s.under]
		before.Content = joined(before.Content, text)
		before.Reasoning = joined(before.Reasoning, thought)
		before.Model = cmp.Or(m.Metadata.Model, before.Model)
		before.FinishReason, before.State = reason, state
		if at := gptTime(m.CreateTime); at.After(before.UpdatedAt) {
			before.UpdatedAt = at
		}
		return s.under
	}
	return w.add(s, m, chat.Message{
		Role: chat.RoleAssistant, Content: text, Reasoning: thought, Model: m.Metadata.Model, State: state, FinishReason: reason,
	})
}

func joined(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "\n\n" + b
}

func (w *gptWalk) add(s gptStep, from *gptMessage, m chat.Message) int {
	m.CreatedAt = gptTime(from.CreateTime)
	if s.under >= 0 {
		m.ParentID = w.t.Messages[s.under].ID
		if m.CreatedAt.IsZero() {
			m.CreatedAt = w.t.Messages[s.under].CreatedAt
		}
	}
	if m.CreatedAt.IsZero() {
		m.CreatedAt = w.t.CreatedAt
	}
	m.UpdatedAt = m.CreatedAt
	m.ID = chat.DerivedID(m.CreatedAt, "chatgpt", w.t.ID, s.id)
	w.t.Messages = append(w.t.Messages, m)
	return len(w.t.Messages) - 1
}
