// Package foreign reads the exports of other programs, and those of chat.
package foreign

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"chat/internal/blocks"
	"chat/internal/term/attach"
	"chat/internal/transcript"

	"chat"
)

// imported is a conversation of another program before its conversion.
type imported struct {
	kind     string // of the program: part of the ids
	id       string
	title    string
	system   string
	created  time.Time
	updated  time.Time
	current  string // the message that was shown last, "" if unknown
	messages []importedMessage
	left     LeftOut
	attached map[string]chat.Attachment // by digest
}

// importedMessage is a node of the tree. A node without a role is invisible and only
// connects others.
type importedMessage struct {
	chat.Message
	parent string // its id in the file; "" or unknown for a root
	order  int    // among those with the same parent
}

// LeftOut counts the parts that are not imported, by their plural names.
type LeftOut map[string]int

func (l LeftOut) add(what string) { l[what]++ }

// Merge adds the counts of another.
func (l LeftOut) Merge(other LeftOut) {
	for what, n := range other {
		l[what] += n
	}
}

// List returns the counts in words, "" for none.
func (l LeftOut) List() string {
	var parts []string
	for what, n := range l {
		if n == 1 {
			what = strings.Replace(what, "messages", "message", 1)
			what = strings.Replace(what, "images", "image", 1)
			what = strings.Replace(what, "files", "file", 1)
			what = strings.Replace(what, "uses", "use", 1)
			what = strings.Replace(what, "recordings", "recording", 1)
		}
		parts = append(parts, fmt.Sprint(n)+" "+what)
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}

// contentID returns an id for a conversation without one, derived from its content.
func contentID(raw []byte) string {
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

// transcript converts the conversation. It derives the ids from those in the file, so
// that each import produces the same ids.
func (f *imported) transcript() transcript.Transcript {
	t := transcript.Transcript{Conversation: chat.Conversation{
		Title: oneLine(chat.NormalizeText(f.title)), System: chat.NormalizeText(f.system), CreatedAt: f.startTime(), UpdatedAt: f.updated,
	}}
	if t.UpdatedAt.Before(t.CreatedAt) {
		t.UpdatedAt = t.CreatedAt
	}
	if len(t.System) > chat.MaxSystem {
		f.left.add("system prompts that are too long")
		t.System = ""
	}
	t.ID = transcript.DerivedID(t.CreatedAt, f.kind, f.id)
	w := treeWalk{f: f, t: &t, seen: make([]bool, len(f.messages)), current: map[int]bool{}}
	w.all()
	for i := range t.Messages {
		f.attachParts(&t, &t.Messages[i])
	}
	if t.Title == "" && len(t.Messages) > 0 {
		t.Title = t.Messages[0].AllParts().Title()
	}
	return t
}

// attachParts makes parts of the lines that attach has put into the text of a message, as
// far as a message may have so many images.
func (f *imported) attachParts(t *transcript.Transcript, m *chat.Message) {
	if len(f.attached) == 0 {
		return
	}
	var parts chat.Parts
	for _, p := range attach.ParseDraft(m.Content) {
		a, known := f.attached[p.Digest]
		switch {
		case p.Digest == "":
		case !known: // the message itself contains such a line
			p = chat.Part{Type: chat.PartText, Text: "\n\n" + attach.Draft(chat.Parts{p})}
		case p.Type == chat.PartImage && append(parts, p).CheckImportedSize() != nil:
			f.left.add("images")
			p = chat.Part{Type: chat.PartText, Text: "\n\n[" + oneLine(p.Name) + "]"}
		default:
			p = a.Part(p.Name)
			t.Attachments = append(t.Attachments, a)
		}
		parts = append(parts, p)
	}
	if len(parts.Digests()) > 0 {
		m.SetParts(append(chat.AnswerParts(m.Reasoning, m.ReasoningMS, ""), parts...))
	}
}

// moveBlocks turns images and files in the text of a message into attachments.
func moveBlocks(t *transcript.Transcript, m *chat.Message) {
	parts, found := blocks.Parts(m.Content)
	if len(found) == 0 {
		return
	}
	m.SetParts(append(chat.AnswerParts(m.Reasoning, m.ReasoningMS, ""), parts...))
	t.Attachments = append(t.Attachments, found...)
}

// startTime returns the start time of the conversation.
func (f *imported) startTime() time.Time {
	if at := f.created; !at.IsZero() {
		return at
	}
	at := f.updated
	for _, m := range f.messages {
		if !m.CreatedAt.IsZero() && (at.IsZero() || m.CreatedAt.Before(at)) {
			at = m.CreatedAt
		}
	}
	if at.IsZero() {
		return time.Unix(0, 0).UTC()
	}
	return at
}

// oneLine returns a title on one line, shortened if necessary.
func oneLine(title string) string {
	title = strings.Join(strings.Fields(title), " ")
	const limit = 200 // characters
	if r := []rune(title); len(r) > limit/2 && len(title) > limit {
		title = strings.TrimSpace(string(r[:limit/2-1])) + "…"
	}
	return title
}

// treeWalk walks the tree of one conversation from its roots.
type treeWalk struct {
	f        *imported
	t        *transcript.Transcript
	children map[int][]int
	seen     []bool
	current  map[int]bool // the messages down to the current one
	stack    []treeStep
}

// treeStep is a message to visit.
type treeStep struct {
	at int
	// under is the index of its parent in Messages, or -1; alone is true for an only
	// child.
	under int
	alone bool
}

func (w *treeWalk) all() {
	places := make(map[string]int, len(w.f.messages))
	for i, m := range w.f.messages {
		places[m.ID] = i
	}
	parent := make([]int, len(w.f.messages))
	w.children = map[int][]int{}
	var roots []int
	for i, m := range w.f.messages {
		p, known := places[m.parent]
		if !known || m.parent == "" || p == i {
			parent[i] = -1
			roots = append(roots, i)
			continue
		}
		parent[i] = p
		w.children[p] = append(w.children[p], i)
	}
	for _, list := range w.children {
		slices.SortStableFunc(list, func(a, b int) int { return cmp.Compare(w.f.messages[a].order, w.f.messages[b].order) })
	}
	if at, known := places[w.f.current]; known {
		for at >= 0 && !w.current[at] {
			w.current[at] = true
			at = parent[at]
		}
	}
	w.push(roots, -1, false)
	w.run()
	// A cycle has no root; start with its first message.
	for i := range w.f.messages {
		if !w.seen[i] {
			w.push([]int{i}, -1, false)
			w.run()
		}
	}
}

func (w *treeWalk) run() {
	for len(w.stack) > 0 {
		s := w.stack[len(w.stack)-1]
		w.stack = w.stack[:len(w.stack)-1]
		if w.seen[s.at] {
			continue
		}
		w.seen[s.at] = true
		under := w.visit(s, w.f.messages[s.at].Message)
		next := w.children[s.at]
		w.push(next, under, len(next) == 1 && (s.alone || under != s.under))
	}
}

// push adds messages to visit. Those of the current branch come last, because a
// conversation continues after its last message.
func (w *treeWalk) push(list []int, under int, alone bool) {
	for _, current := range []bool{true, false} {
		for _, at := range slices.Backward(list) {
			if w.current[at] == current {
				w.stack = append(w.stack, treeStep{at, under, alone})
			}
		}
	}
}

// visit adds a message and returns the index of the parent of the next one. It merges the
// texts of an assistant before and after a tool call into one answer.
func (w *treeWalk) visit(s treeStep, m chat.Message) int {
	if m.Role != chat.RoleUser && m.Role != chat.RoleAssistant {
		return s.under
	}
	m.Content, m.Reasoning = chat.NormalizeText(m.Content), chat.NormalizeText(m.Reasoning)
	if m.Role == chat.RoleAssistant && s.under >= 0 && s.alone && w.t.Messages[s.under].Role == chat.RoleAssistant {
		before := &w.t.Messages[s.under]
		before.Content = joinText(before.Content, m.Content)
		before.Reasoning = joinText(before.Reasoning, m.Reasoning)
		before.Model = cmp.Or(m.Model, before.Model)
		before.FinishReason, before.State, before.Error = m.FinishReason, m.State, m.Error
		if m.CreatedAt.After(before.UpdatedAt) {
			before.UpdatedAt = m.CreatedAt
		}
		return s.under
	}
	id := m.ID
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
	m.ID = transcript.DerivedID(m.CreatedAt, w.f.kind, w.t.ID, id)
	w.t.Messages = append(w.t.Messages, m)
	return len(w.t.Messages) - 1
}

func joinText(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "\n\n" + b
}
