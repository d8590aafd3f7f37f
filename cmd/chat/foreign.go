package main

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"chat"
)

// foreign is a conversation of another program on its way to one of ours.
type foreign struct {
	kind     string // of the program: part of the ids
	id       string
	title    string
	system   string
	created  time.Time
	updated  time.Time
	current  string // the message that was shown last, "" if nobody knows
	messages []foreignMessage
	left     leftOut
}

// foreignMessage is a node of its tree. One without a role was not seen by anybody,
// and only holds together what is around it.
type foreignMessage struct {
	chat.Message
	parent string // its id in the file; "" or unknown for a beginning
	order  int    // among those with the same parent
}

// leftOut counts what of a conversation is not imported, by its name in the plural.
type leftOut map[string]int

func (l leftOut) add(what string) { l[what]++ }

// merge adds the counts of another.
func (l leftOut) merge(other leftOut) {
	for what, n := range other {
		l[what] += n
	}
}

// list is all of it in words, "" for nothing.
func (l leftOut) list() string {
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

// hashOf stands for the id of what has none: the same for the same contents.
func hashOf(raw []byte) string {
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

// transcript is the conversation as it is stored here. Its ids are derived from
// those in the file, so that they are the same each time.
func (f *foreign) transcript() chat.Transcript {
	t := chat.Transcript{Conversation: chat.Conversation{
		Title: oneLine(chat.NormalizeText(f.title)), System: chat.NormalizeText(f.system), CreatedAt: f.begun(), UpdatedAt: f.updated,
	}}
	if t.UpdatedAt.Before(t.CreatedAt) {
		t.UpdatedAt = t.CreatedAt
	}
	if len(t.System) > chat.MaxSystem {
		f.left.add("system prompts that are too long")
		t.System = ""
	}
	t.ID = chat.DerivedID(t.CreatedAt, f.kind, f.id)
	w := foreignWalk{f: f, t: &t, seen: make([]bool, len(f.messages)), current: map[int]bool{}}
	w.all()
	if t.Title == "" && len(t.Messages) > 0 {
		t.Title = chat.TitleFrom(t.Messages[0].Content)
	}
	return t
}

// begun is when the conversation began.
func (f *foreign) begun() time.Time {
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

// oneLine is a title that is not too long.
func oneLine(title string) string {
	title = strings.Join(strings.Fields(title), " ")
	const limit = 200 // characters
	if r := []rune(title); len(r) > limit/2 && len(title) > limit {
		title = strings.TrimSpace(string(r[:limit/2-1])) + "…"
	}
	return title
}

// foreignWalk goes through the tree of one conversation, from its beginnings.
type foreignWalk struct {
	f        *foreign
	t        *chat.Transcript
	children map[int][]int
	seen     []bool
	current  map[int]bool // the messages down to the current one
	stack    []foreignStep
}

// foreignStep is a message that is still to be seen.
type foreignStep struct {
	at int
	// under is the place in Messages of what it answers to, -1 for nothing; alone
	// says that nothing else does.
	under int
	alone bool
}

func (w *foreignWalk) all() {
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
	// What is in a circle has no beginning; the first one of it serves as well.
	for i := range w.f.messages {
		if !w.seen[i] {
			w.push([]int{i}, -1, false)
			w.run()
		}
	}
}

func (w *foreignWalk) run() {
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

// push leaves messages for later: those of the current branch come last, since a
// conversation goes on behind its last message.
func (w *foreignWalk) push(list []int, under int, alone bool) {
	for _, current := range []bool{true, false} {
		for _, at := range slices.Backward(list) {
			if w.current[at] == current {
				w.stack = append(w.stack, foreignStep{at, under, alone})
			}
		}
	}
}

// visit adds a message, and returns the place of what the next one answers to. What
// an assistant said before and after the use of a tool is one answer.
func (w *foreignWalk) visit(s foreignStep, m chat.Message) int {
	if m.Role != chat.RoleUser && m.Role != chat.RoleAssistant {
		return s.under
	}
	m.Content, m.Reasoning = chat.NormalizeText(m.Content), chat.NormalizeText(m.Reasoning)
	if m.Role == chat.RoleAssistant && s.under >= 0 && s.alone && w.t.Messages[s.under].Role == chat.RoleAssistant {
		before := &w.t.Messages[s.under]
		before.Content = joined(before.Content, m.Content)
		before.Reasoning = joined(before.Reasoning, m.Reasoning)
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
	m.ID = chat.DerivedID(m.CreatedAt, w.f.kind, w.t.ID, id)
	w.t.Messages = append(w.t.Messages, m)
	return len(w.t.Messages) - 1
}

func joined(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "\n\n" + b
}
