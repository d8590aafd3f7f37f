package deletion

import (
	"context"
	"testing"

	"chat/tui/jobs"
)

type fakeDeleter struct{ deleted []string }

func (f *fakeDeleter) Delete(_ context.Context, id string) error {
	f.deleted = append(f.deleted, id)
	return nil
}

func TestTheLastDeletionIsUndoneFirst(t *testing.T) {
	deleter := &fakeDeleter{}
	d := New(jobs.New(t.Context()), deleter)
	d.Add(Deletion{ID: "a"})
	d.Add(Deletion{ID: "b"})
	if one := d.Undo(); one.ID != "b" || d.Hidden("b") || !d.Hidden("a") {
		t.Fatalf("undid %q", one.ID)
	}
	if d.Due(DueMsg{Seq: 2}) != nil {
		t.Error("deletes what was undone")
	}
	cmd := d.Due(DueMsg{Seq: 1})
	if d.CanUndo() {
		t.Error("undoes what is being deleted")
	}
	msg, ok := cmd().(DoneMsg)
	if !ok || len(deleter.deleted) != 1 || deleter.deleted[0] != "a" {
		t.Fatalf("deleted %q", deleter.deleted)
	}
	if d.Done(msg); d.Hidden("a") {
		t.Error("still hidden")
	}
}

func TestFinishDeletesTheRest(t *testing.T) {
	deleter := &fakeDeleter{}
	d := New(jobs.New(t.Context()), deleter)
	d.Add(Deletion{ID: "a"})
	if err := d.Finish(t.Context()); err != nil || len(deleter.deleted) != 1 {
		t.Fatalf("deleted %q, %v", deleter.deleted, err)
	}
}
