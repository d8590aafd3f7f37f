// Package thread computes paths through a conversation. Messages form a tree: an
// edited prompt, a regenerated answer and a fork are siblings of earlier
// messages. A reader sees one path from a root to a leaf.
package thread

import (
	"slices"

	"chat"
)

// Tree is the messages of a conversation in order of acceptance.
type Tree struct {
	records  []chat.Message
	children map[string][]int // by parent; those without one are children of ""
	newest   []int            // the newest message at or below each
	index    map[string]int
}

// New builds the tree. A message whose parent is unknown counts as a root.
func New(records []chat.Message) *Tree {
	t := &Tree{
		records: records, children: map[string][]int{},
		newest: make([]int, len(records)), index: make(map[string]int, len(records)),
	}
	for i, m := range records {
		t.index[m.ID] = i
		t.newest[i] = i
	}
	for i := len(records) - 1; i >= 0; i-- {
		if p, ok := t.parent(i); ok {
			t.newest[p] = max(t.newest[p], t.newest[i])
		}
	}
	for i := range records {
		parent := ""
		if p, ok := t.parent(i); ok {
			parent = records[p].ID
		}
		t.children[parent] = append(t.children[parent], i)
	}
	return t
}

// parent returns the parent of message i. It ignores a parent that does not come
// before the message, so that invalid data cannot form a cycle.
func (t *Tree) parent(i int) (int, bool) {
	p, ok := t.index[t.records[i].ParentID]
	return p, ok && p < i
}

// Path returns the path from a root to a leaf. At a fork it takes the child that
// choices names for the parent ("" for the roots), or else the path to the newest
// message.
func (t *Tree) Path(choices map[string]string) []chat.Message {
	var path []chat.Message
	for at := ""; ; {
		next, ok := t.step(at, choices[at])
		if !ok {
			return path
		}
		path = append(path, t.records[next])
		at = t.records[next].ID
	}
}

func (t *Tree) step(parent, choice string) (int, bool) {
	best, found := 0, false
	for _, c := range t.children[parent] {
		if t.records[c].ID == choice {
			return c, true
		}
		if !found || t.newest[c] > t.newest[best] {
			best, found = c, true
		}
	}
	return best, found
}

// To returns the path from a root to a message, nil for an unknown one.
func (t *Tree) To(id string) []chat.Message {
	i, ok := t.index[id]
	var path []chat.Message
	for ok {
		path = append(path, t.records[i])
		i, ok = t.parent(i)
	}
	slices.Reverse(path)
	return path
}

// Siblings returns the ids of a message and of those that share its parent, in
// order of acceptance, and the index of the message among them; nil for an unknown
// message.
func (t *Tree) Siblings(id string) (ids []string, at int) {
	i, ok := t.index[id]
	if !ok {
		return nil, 0
	}
	parent := ""
	if p, ok := t.parent(i); ok {
		parent = t.records[p].ID
	}
	for n, c := range t.children[parent] {
		if c == i {
			at = n
		}
		ids = append(ids, t.records[c].ID)
	}
	return ids, at
}

// Parent returns the id of the message that id answers to, "" for a root.
func (t *Tree) Parent(id string) string {
	if i, ok := t.index[id]; ok {
		if p, ok := t.parent(i); ok {
			return t.records[p].ID
		}
	}
	return ""
}

// Has reports whether the conversation has the message.
func (t *Tree) Has(id string) bool {
	_, ok := t.index[id]
	return ok
}

// Newest returns the id of the message after which the server adds by default, ""
// in an empty conversation.
func (t *Tree) Newest() string {
	if n := len(t.records); n > 0 {
		return t.records[n-1].ID
	}
	return ""
}
