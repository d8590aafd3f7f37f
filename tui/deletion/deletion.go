// Package deletion deletes conversations after a time in which the user can undo
// it. Until then a conversation is only hidden, so a screen that is killed has
// deleted nothing.
package deletion

import (
	"context"
	"slices"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"chat/tui/jobs"
)

// undoTime is how long a deletion can be undone.
const undoTime = 10 * time.Second

// Deleter deletes a conversation and stops its tasks. Deleting one that does not
// exist is not an error.
type Deleter interface {
	Delete(ctx context.Context, conversationID string) error
}

// Deletion is a conversation that is about to be deleted.
type Deletion struct {
	ID, Title string
	// Session follows the conversation, if that was open; 0 if it was not.
	Session int

	seq int
	due bool // it is being deleted: too late to undo
}

// Deletions are the deletions that have not ended.
type Deletions struct {
	jobs    *jobs.Runner
	deleter Deleter
	list    []Deletion
	seq     int
}

type (
	// DueMsg says that the time to undo is over.
	DueMsg struct{ Seq int }
	// DoneMsg is the result of a deletion.
	DoneMsg struct {
		Deletion
		Err error
	}
)

// New returns no deletions. deleter may be nil.
func New(j *jobs.Runner, deleter Deleter) *Deletions { return &Deletions{jobs: j, deleter: deleter} }

// Possible reports whether conversations can be deleted at all.
func (d *Deletions) Possible() bool { return d.deleter != nil }

// Add hides a conversation, and deletes it when the time to undo is over.
func (d *Deletions) Add(one Deletion) tea.Cmd {
	d.seq++
	one.seq = d.seq
	d.list = append(d.list, one)
	return d.jobs.After(undoTime, DueMsg{one.seq})
}

// Hidden reports whether a conversation is about to be deleted.
func (d *Deletions) Hidden(id string) bool {
	return slices.ContainsFunc(d.list, func(one Deletion) bool { return one.ID == id })
}

// CanUndo reports whether a deletion can be undone.
func (d *Deletions) CanUndo() bool { return d.last() >= 0 }

// last is the index of the last deletion that can be undone, -1 if there is none.
func (d *Deletions) last() int {
	for i, one := range slices.Backward(d.list) {
		if !one.due {
			return i
		}
	}
	return -1
}

// Undo undoes the last deletion. The caller has checked CanUndo.
func (d *Deletions) Undo() Deletion {
	i := d.last()
	one := d.list[i]
	d.list = slices.Delete(d.list, i, i+1)
	return one
}

// Due deletes a conversation, unless the deletion was undone.
func (d *Deletions) Due(msg DueMsg) tea.Cmd {
	i := slices.IndexFunc(d.list, func(one Deletion) bool { return one.seq == msg.Seq })
	if i < 0 || d.deleter == nil {
		return nil
	}
	d.list[i].due = true
	one, deleter := d.list[i], d.deleter
	return d.jobs.Command(func(ctx context.Context) tea.Msg {
		return DoneMsg{one, deleter.Delete(ctx, one.ID)}
	})
}

// Done ends a deletion. After a failure the conversation is visible again.
func (d *Deletions) Done(msg DoneMsg) {
	d.list = slices.DeleteFunc(d.list, func(one Deletion) bool { return one.seq == msg.seq })
}

// Finish deletes what is still to be deleted when the screen ends.
func (d *Deletions) Finish(ctx context.Context) error {
	for _, one := range d.list {
		if d.deleter == nil || ctx.Err() != nil {
			return nil //nolint:nilerr // nothing is lost by it
		}
		if err := d.deleter.Delete(ctx, one.ID); err != nil {
			return err
		}
	}
	return nil
}
