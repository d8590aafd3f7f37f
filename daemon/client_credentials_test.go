package daemon

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"chat/daemon/api"
)

// fakeTasks are the tasks that have not ended.
type fakeTasks struct {
	open  []string
	err   error
	asked []string
}

func (l *fakeTasks) Unfinished(ctx context.Context, ids []string) ([]string, error) {
	if _, ok := ctx.Deadline(); !ok {
		return nil, errors.New("nothing bounds the wait")
	}
	l.asked = slices.Clone(ids)
	return l.open, l.err
}

func TestCredentialsOfEndedTasksExpire(t *testing.T) {
	t.Parallel()
	var c clientCredentials
	for _, id := range []string{"runs", "ended", "deleted"} {
		c.PutCredentials(id, api.Credentials{Key: "sk-" + id})
	}
	accepted := time.Now()
	c.PutCredentials("being accepted", api.Credentials{Key: "sk-new"})
	away := &fakeTasks{err: errors.New("away")}
	if err := c.expire(t.Context(), away, accepted); err == nil || c.credentials("ended") == nil {
		t.Errorf("without SQL: %v, %v", err, c.credentials("ended"))
	}
	store := &fakeTasks{open: []string{"runs"}}
	if err := c.expire(t.Context(), store, accepted); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]bool{"runs": true, "being accepted": true, "ended": false, "deleted": false} {
		if held := c.credentials(id) != nil; held != want {
			t.Errorf("%s: held %v", id, held)
		}
	}
	if slices.Contains(store.asked, "being accepted") {
		t.Error("a task that is being accepted would not be found")
	}
	c.ForgetCredentials("runs")
	store.asked = nil
	if err := c.expire(t.Context(), store, accepted); err != nil || store.asked != nil {
		t.Errorf("SQL is asked for nothing: %v, %v", store.asked, err)
	}
}
