package conversation

import (
	"slices"

	"chat/tui/transcript"
)

// Reading reports whether keys go to the messages, not to the input.
func (v *View) Reading() bool { return v.reading }

// Read gives keys to the messages. One of them is selected, at first the last.
func (v *View) Read() {
	v.reading = true
	v.style.Selected = v.Selected()
	v.selectInSight()
}

// Leave gives keys back to the input.
func (v *View) Leave() { v.reading, v.style.Selected = false, nil }

// Selected is the message that keys apply to, nil if there is none.
func (v *View) Selected() *transcript.Message {
	if slices.Contains(v.shown, v.style.Selected) {
		return v.style.Selected
	}
	if n := len(v.shown); n > 0 {
		return v.shown[n-1]
	}
	return nil
}

// Step selects another message, by as many messages after the selected one.
func (v *View) Step(by int) {
	at := slices.Index(v.shown, v.Selected())
	if to := at + by; at >= 0 && to >= 0 && to < len(v.shown) {
		v.selectMessage(v.shown[to])
	}
}

// Sibling shows the message beside the selected one: another version of the
// prompt or the answer. It reports false if there is none at all.
func (v *View) Sibling(by int) bool {
	item := v.Selected()
	if item == nil || item.Siblings < 2 {
		return false
	}
	ids, at := v.tree.Siblings(item.ID)
	to := at + by
	if to < 0 || to >= len(ids) {
		return true
	}
	v.choices[v.tree.Parent(item.ID)] = ids[to]
	v.branch = nil
	v.rebuild()
	v.selectMessage(v.items[ids[to]])
	return true
}

// selectMessage selects a message and brings it into sight.
func (v *View) selectMessage(item *transcript.Message) {
	if i := slices.Index(v.shown, item); i >= 0 {
		v.style.Selected = item
		v.list.Show(i)
	}
}

// Scroll moves the window by rows.
func (v *View) Scroll(by int) {
	if by < 0 {
		v.list.ScrollUp(-by)
	} else {
		v.list.ScrollDown(by)
	}
	v.selectInSight()
}

// Jump goes to the beginning or to the end.
func (v *View) Jump(end bool) {
	if end {
		v.list.Bottom()
	} else {
		v.list.Top()
	}
	v.selectInSight()
}

// selectInSight selects the nearest message in sight when the selected one has
// left the window.
func (v *View) selectInSight() {
	at := slices.Index(v.shown, v.Selected())
	if !v.reading || at < 0 {
		return
	}
	v.Layout(v.width, v.height)
	first, last := v.list.InSight()
	v.style.Selected = v.shown[min(max(at, first), last, len(v.shown)-1)]
}

// Layout lays out what is in sight.
func (v *View) Layout(width, height int) {
	v.width, v.height = width, height
	v.list.Resize(width, height)
	v.list.Settle()
}

// Rows are the rows in sight, at most as many as Layout was given.
func (v *View) Rows() []string { return v.list.Rows() }

// AtEnd reports whether the end is in sight and followed.
func (v *View) AtEnd() bool { return v.list.AtEnd() }

// Unread is the number of rows that came after the reader left the end.
func (v *View) Unread() int { return v.list.Unread() }
