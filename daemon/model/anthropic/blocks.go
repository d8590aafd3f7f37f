package anthropic

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"chat"
	"chat/daemon/model/thread"
)

// turn is a message of a request.
type turn struct {
	Role    chat.Role `json:"role"`
	Content []block   `json:"content"`
}

// block is one block of a turn's content, or of an answer's.
type block struct {
	Type      string          `json:"type"`
	Text      string          `json:"text,omitempty"`
	Title     string          `json:"title,omitempty"`     // of a document
	Source    *source         `json:"source,omitempty"`    // of an image or a document
	Thinking  *string         `json:"thinking,omitempty"`  // may be empty beside a signature
	Signature string          `json:"signature,omitempty"` // of thinking
	Data      string          `json:"data,omitempty"`      // of redacted_thinking
	ID        string          `json:"id,omitempty"`        // of tool_use
	Name      string          `json:"name,omitempty"`
	Input     json.RawMessage `json:"input,omitempty"`
	ToolUseID string          `json:"tool_use_id,omitempty"` // of tool_result
	Content   string          `json:"content,omitempty"`
	IsError   bool            `json:"is_error,omitempty"`
	Cache     *cache          `json:"cache_control,omitempty"`
}

// source is the data of an image or a document.
type source struct {
	Type      string `json:"type"`
	MediaType string `json:"media_type,omitempty"`
	Data      string `json:"data,omitempty"`
	FileID    string `json:"file_id,omitempty"`
}

// cache marks the end of a beginning of the request that the provider keeps for some minutes.
type cache struct {
	Type string `json:"type"`
}

func ephemeral() *cache { return &cache{"ephemeral"} }

// turns builds the messages of a request.
type turns struct {
	list []turn
	load thread.Loader
	// own returns the block of reasoning that the provider gets back.
	own func(*chat.Part) (block, bool)
	ids ids
}

// add adds a block to the last turn, or to a new one if that has another role.
func (t *turns) add(role chat.Role, b block) {
	if n := len(t.list); n == 0 || t.list[n-1].Role != role {
		t.list = append(t.list, turn{Role: role})
	}
	last := &t.list[len(t.list)-1]
	last.Content = append(last.Content, b)
}

// message adds a message. Results stand at the beginning of a user's turn, directly after their
// calls.
func (t *turns) message(ctx context.Context, m chat.Message) error {
	if m.Role == chat.RoleUser {
		for i := range m.Parts {
			if p := &m.Parts[i]; p.Type == chat.PartToolResult {
				t.result(p)
			}
		}
	}
	for i := range m.Parts {
		p := &m.Parts[i]
		switch p.Type {
		case chat.PartText:
			t.text(m.Role, p.Text, len(m.Parts) > 1)
		case chat.PartReasoning:
			if b, ok := t.own(p); ok {
				t.add(m.Role, b)
			}
		case chat.PartToolCall:
			t.add(m.Role, block{Type: typeToolUse, ID: t.ids.of(p.CallID), Name: thread.CallName(p.Name), Input: thread.CallArguments(p.Text)})
		case chat.PartToolResult:
			if m.Role != chat.RoleUser {
				t.result(p)
			}
		case chat.PartImage, chat.PartFile:
			if err := t.attached(ctx, m.Role, p); err != nil {
				return err
			}
		default:
			t.text(m.Role, p.Text, true)
		}
	}
	return nil
}

// text adds a text, unless it is only space, which is refused.
func (t *turns) text(role chat.Role, text string, trim bool) {
	if trim && role == chat.RoleUser {
		text = strings.Trim(text, "\n")
	}
	if strings.TrimSpace(text) != "" {
		t.add(role, block{Type: typeText, Text: text})
	}
}

func (t *turns) result(p *chat.Part) {
	t.add(chat.RoleUser, block{Type: "tool_result", ToolUseID: t.ids.of(p.CallID), Content: p.Text, IsError: p.IsError})
}

// attached adds an image, a PDF, or a text file.
func (t *turns) attached(ctx context.Context, role chat.Role, p *chat.Part) error {
	a, err := t.load(ctx, p)
	if err != nil {
		return err
	}
	switch {
	case p.Type == chat.PartImage:
		t.add(role, block{Type: "image", Source: sourceOf(&a)})
	case a.MediaType == chat.PDFType:
		t.add(role, block{Type: "document", Title: p.Name, Source: sourceOf(&a)})
	default:
		t.text(role, chat.FileBlock(p.Name, string(a.Data)), true)
	}
	return nil
}

func sourceOf(a *thread.File) *source {
	if a.Reference != "" {
		return &source{Type: "file", FileID: a.Reference}
	}
	return &source{Type: "base64", MediaType: a.MediaType, Data: base64.StdEncoding.EncodeToString(a.Data)}
}

// ids are the ids of calls, which have letters, digits, _ and - only. Other providers' ids have
// more.
type ids map[string]string

func (m ids) of(id string) string {
	known, ok := m[id]
	if !ok {
		known = strings.Map(func(r rune) rune {
			if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-' {
				return r
			}
			return '_'
		}, id)
		if known != id {
			known = fmt.Sprintf("call_%d_%s", len(m)+1, known)
		}
		m[id] = known
	}
	return known
}

// cachedTurns is how many of the user's turns end with a mark: the next request begins with the
// same messages up to the first of them.
const cachedTurns = 2

// markTurns marks what the next request of the conversation has in common with this one.
func markTurns(list []turn) {
	marked := 0
	for i := len(list) - 1; i >= 0 && marked < cachedTurns; i-- {
		if list[i].Role == chat.RoleUser {
			list[i].Content[len(list[i].Content)-1].Cache = ephemeral()
			marked++
		}
	}
}
