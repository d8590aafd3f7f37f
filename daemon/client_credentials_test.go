package daemon

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"
)

// ledger is SQL that knows which tasks have not ended.
type ledger struct {
	open  []string
	err   error
	asked []string
}

func (l *ledger) Unfinished(ctx context.Context, ids []string) ([]string, error) {
	if _, ok := ctx.Deadline(); !ok {
		return nil, errors.New("nothing bounds the wait")
	}
	l.asked = slices.Clone(ids)
	return l.open, l.err
}

func TestKeysOfTasksThatHaveEndedAreForgotten(t *testing.T) {
	t.Parallel()
	var o clientCredentials
	for _, id := range []string{"runs", "ended", "deleted"} {
		o.Remember(id, "sk-"+id, "")
	}
	accepted := time.Now()
	o.Remember("being accepted", "sk-new", "")
	away := &ledger{err: errors.New("away")}
	if err := o.expire(t.Context(), away, accepted); err == nil || o.credentials("ended") == nil {
		t.Errorf("without SQL: %v, %v", err, o.credentials("ended"))
	}
	store := &ledger{open: []string{"runs"}}
	if err := o.expire(t.Context(), store, accepted); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]bool{"runs": true, "being accepted": true, "ended": false, "deleted": false} {
		if held := o.credentials(id) != nil; held != want {
			t.Errorf("%s: held %v", id, held)
		}
	}
	if slices.Contains(store.asked, "being accepted") {
		t.Error("a task that is being accepted would not be found")
	}
	o.Forget("runs")
	store.asked = nil
	if err := o.expire(t.Context(), store, accepted); err != nil || store.asked != nil {
		t.Errorf("SQL is asked for nothing: %v, %v", store.asked, err)
	}
}
