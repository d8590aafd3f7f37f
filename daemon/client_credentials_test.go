package daemon

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"chat"
	"chat/daemon/api"
	"chat/daemon/model/anthropic"
	"chat/daemon/model/openai"
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

func TestTheKindOfAClientsProvider(t *testing.T) {
	m := newModels(nil, &windows{})
	for kind, ok := range map[string]bool{"": true, "openai": true, "anthropic": true, "soap": false} {
		if err := m.CheckCredentials(api.Credentials{Key: "k", Kind: kind}); (err == nil) != ok {
			t.Errorf("%q: %v", kind, err)
		}
	}
	if err := m.CheckCredentials(api.Credentials{BaseURL: "http://169.254.169.254", Kind: "anthropic"}); !chat.IsCode(err, chat.CodeInvalid) {
		t.Error(err)
	}
	for own, want := range map[api.Credentials]string{
		{Key: "k"}: openai.DefaultModel, {Key: "k", Kind: "anthropic"}: anthropic.DefaultModel, {Key: "k", Kind: "anthropic", BaseURL: "https://api.anthropic.com/"}: anthropic.DefaultModel,
		{Key: "k", BaseURL: "https://h"}: "", {Key: "k", Kind: "anthropic", BaseURL: "https://h"}: "",
	} {
		if got := m.DefaultModel(own); got != want {
			t.Errorf("%+v: %q", own, got)
		}
	}
}
