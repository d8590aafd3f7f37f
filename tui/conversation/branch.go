package conversation

import "chat"

// Branch makes the next message an answer to another message than the last one
// shown. It becomes a sibling of that message's answer.
type Branch struct {
	After string // the message that it answers to; "" begins a new thread
	Label string // in front of the input
	Stash string // the draft that was in the input before
}

// Branch is where the next message goes, nil for the end.
func (v *View) Branch() *Branch { return v.branch }

// SetBranch begins a branch, or ends it with nil.
func (v *View) SetBranch(b *Branch) {
	v.branch = b
	v.rebuild()
}

// EditPoint is the parent of a prompt, and of its edited sibling.
func (v *View) EditPoint(promptID string) string { return v.tree.Parent(promptID) }

// GoToEnd goes to the end of the conversation and follows it.
func (v *View) GoToEnd() { v.list.Bottom() }

// branchPoint is the message after which the thread is cut, for a branch that is
// being written or on its way.
func (v *View) branchPoint() (after string, ok bool) {
	switch {
	case v.pending != nil && v.after == chat.RootParent:
		return "", true
	case v.pending != nil && v.after != "":
		return v.after, true
	case v.branch != nil:
		return v.branch.After, true
	}
	return "", false
}
