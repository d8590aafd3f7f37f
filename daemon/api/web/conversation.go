package web

import (
	"net/http"
	"slices"

	"chat"
	"chat/daemon/api/web/render"
	"chat/internal/thread"
)

// pageSize is how many messages a response has. Earlier ones are loaded when they are
// wanted: rendering a long conversation takes longer than a reader waits.
const pageSize = 40

// conversationView is a conversation as the page shows it: the end of one path through it.
type conversationView struct {
	chat.Conversation
	Messages []message `json:"messages"`
	// Before is the first of Messages if earlier ones are missing.
	Before string `json:"before,omitempty"`
}

// message is a message with its parts as HTML.
type message struct {
	ID       string         `json:"id"`
	ParentID string         `json:"parent_id,omitempty"`
	Role     chat.Role      `json:"role"`
	Parts    []rendered     `json:"parts"`
	Siblings []string       `json:"siblings"` // with the message itself
	Model    string         `json:"model,omitempty"`
	TaskID   string         `json:"task_id,omitempty"`
	State    chat.TaskState `json:"state,omitempty"`
	// The outcome of an answer.
	FinishReason string      `json:"finish_reason,omitempty"`
	Error        *chat.Error `json:"error,omitempty"`
	Notices      []string    `json:"notices,omitempty"`
	CreatedAt    string      `json:"created_at"`
}

// rendered is a part with its blocks.
type rendered struct {
	part
	Blocks    []block `json:"blocks,omitempty"`
	MediaType string  `json:"media_type,omitempty"`
	Digest    string  `json:"digest,omitempty"`
	Size      int64   `json:"size,omitempty"`
	// Text is the text of a user's message, which can be edited.
	Text string `json:"text,omitempty"`
}

// conversation serves GET /web/conversations/{id}: the path that leads through ?message=, or
// else to the newest message, and of it the messages before ?before=.
func (a *API) conversation(w http.ResponseWriter, r *http.Request) error {
	owner, id := a.backend.Owner(r), r.PathValue("id")
	c, err := a.backend.Store().Conversation(r.Context(), owner, id)
	if err != nil {
		return err
	}
	list, err := a.backend.Store().Messages(r.Context(), owner, id)
	if err != nil {
		return err
	}
	tree := thread.New(list)
	wanted, before := r.URL.Query().Get("message"), r.URL.Query().Get("before")
	path := tree.Path(choices(tree, wanted))
	if i := slices.IndexFunc(path, func(m chat.Message) bool { return m.ID == before }); i >= 0 {
		path = path[:i]
	}
	out := conversationView{Conversation: c, Messages: []message{}}
	first := max(0, len(path)-pageSize)
	if i := slices.IndexFunc(path, func(m chat.Message) bool { return m.ID == wanted }); i >= 0 && before == "" {
		first = min(first, i)
	}
	if path = path[first:]; first > 0 {
		out.Before = path[0].ID
	}
	for i := range path {
		siblings, _ := tree.Siblings(path[i].ID)
		out.Messages = append(out.Messages, viewOf(&path[i], siblings))
	}
	return writeJSON(w, out)
}

// choices returns the choices that lead to a message.
func choices(tree *thread.Tree, id string) map[string]string {
	made := map[string]string{}
	parent := ""
	for _, m := range tree.To(id) {
		made[parent] = m.ID
		parent = m.ID
	}
	return made
}

// viewOf renders a message. An answer that is being made has no parts: the page reads them
// from its stream.
func viewOf(m *chat.Message, siblings []string) message {
	out := message{
		ID: m.ID, ParentID: m.ParentID, Role: m.Role, Parts: []rendered{}, Siblings: siblings, Model: m.Model, TaskID: m.TaskID, State: m.State,
		FinishReason: m.FinishReason, Error: m.Error, Notices: m.Notices, CreatedAt: m.CreatedAt.Format("2006-01-02T15:04:05Z07:00"),
	}
	if m.Role == chat.RoleAssistant && m.TaskID != "" && !m.State.Terminal() {
		return out
	}
	for i, p := range m.AllParts() {
		out.Parts = append(out.Parts, renderedPart(i, &p, m.Role))
	}
	return out
}

func renderedPart(i int, p *chat.Part, role chat.Role) rendered {
	out := rendered{
		part:      part{Part: i, Type: p.Type, Name: p.Name, CallID: p.CallID, DurationMS: p.DurationMS, IsError: p.IsError},
		MediaType: p.MediaType, Digest: p.Digest, Size: p.Size,
	}
	if role != chat.RoleAssistant && p.Type == chat.PartText {
		out.Text = p.Text
		out.Blocks = []block{{Part: i, HTML: render.Plain(p.Text)}}
		return out
	}
	var list []render.Block
	switch p.Type {
	case chat.PartText, chat.PartReasoning:
		list = render.Blocks(p.Text)
	case chat.PartToolCall:
		list = render.CodeBlocks("json", p.Text)
	case chat.PartToolResult:
		list = render.CodeBlocks("", p.Text)
	case chat.PartImage, chat.PartFile:
	}
	for n, b := range list {
		out.Blocks = append(out.Blocks, block{i, n, b.HTML(), b.More})
	}
	return out
}
