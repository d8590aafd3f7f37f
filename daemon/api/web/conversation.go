package web

import (
	"cmp"
	"net/http"
	"slices"

	"chat"
	"chat/daemon/api/web/render"
	"chat/internal/thread"
)

// pageSize is how many messages a response has. Others are loaded when they are wanted:
// rendering a long conversation takes longer than a reader waits.
const pageSize = 40

// lead is how many messages are shown before one that the reader goes to.
const lead = 4

// conversationView is a conversation as the page shows it: a piece of one path through it.
type conversationView struct {
	chat.Conversation
	Messages []message `json:"messages"`
	// Before is the first of Messages if earlier ones are missing.
	Before string `json:"before,omitempty"`
	// After is the last of Messages if later ones are missing.
	After string `json:"after,omitempty"`
	// Leaf is the last message of the path, which the next message follows.
	Leaf string `json:"leaf,omitempty"`
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
	Pages     int     `json:"pages,omitempty"`
	// Text is the text of a user's message, which can be edited.
	Text string `json:"text,omitempty"`
}

// conversation serves GET /web/conversations/{id}: the path that leads through ?message=, or
// else to the newest message, and of it the messages before ?before=, those after ?after=, or
// those around ?around=, which is by default that of ?message=.
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
	query := r.URL.Query()
	path := tree.Path(choices(tree, query.Get("message")))
	first, end := window(path, cmp.Or(query.Get("around"), query.Get("message")), query.Get("before"), query.Get("after"))
	out := conversationView{Conversation: c, Messages: []message{}}
	if len(path) > 0 {
		out.Leaf = path[len(path)-1].ID
	}
	if first > 0 && first < end {
		out.Before = path[first].ID
	}
	if end < len(path) && first < end {
		out.After = path[end-1].ID
	}
	for i := range path[first:end] {
		m := &path[first+i]
		siblings, _ := tree.Siblings(m.ID)
		out.Messages = append(out.Messages, viewOf(m, siblings))
	}
	return writeJSON(w, out)
}

// window returns which messages of a path a response has: those before or after one, those
// around one, or the last.
func window(path []chat.Message, around, before, after string) (first, end int) {
	at := func(id string) int { return slices.IndexFunc(path, func(m chat.Message) bool { return m.ID == id }) }
	if i := at(before); i >= 0 {
		return max(0, i-pageSize), i
	}
	if i := at(after); i >= 0 {
		return i + 1, min(len(path), i+1+pageSize)
	}
	first = max(0, len(path)-pageSize)
	if i := at(around); i >= 0 {
		first = min(first, max(0, i-lead))
	}
	return first, min(len(path), first+pageSize)
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
		MediaType: p.MediaType, Digest: p.Digest, Size: p.Size, Pages: p.Pages,
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
