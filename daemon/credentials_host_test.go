package daemon_test

import (
	"context"
	"path/filepath"
	"testing"

	"chat"
	"chat/daemon"
	"chat/daemon/client"
	"chat/daemon/model/modeltest"
	"chat/internal/poll"
	"chat/internal/services"
)

// with is a client of the daemon that brings a provider along.
func (r *running) with(dir, key, baseURL string) *running {
	r.Helper()
	other := *r
	other.Client = client.New(client.At(client.Endpoint{Network: "unix", Address: socket(dir)}), client.Options{ProviderKey: key, ProviderBaseURL: baseURL})
	r.Cleanup(other.Close)
	return &other
}

// shared is a daemon's configuration on databases that others have, too.
func shared(t *testing.T, url, redis string, role daemon.Role) daemon.Config {
	t.Helper()
	cfg := usual(directory(t))
	cfg.Local, cfg.Role, cfg.DatabaseURL, cfg.RedisURL, cfg.Instance = false, role, url, redis, filepath.Base(cfg.DataDir)
	if role == daemon.RoleWorker {
		cfg.Listen = nil
	}
	return cfg
}

func (r *running) within(what string, is func() bool) {
	r.Helper()
	if !poll.Until(testTimeout, is) {
		r.Fatalf("never: %s", what)
	}
}

func TestAClientsOwnProviderAnswersItsTasks(t *testing.T) {
	t.Parallel()
	url, redis := services.Postgres(t), services.StartRedis(t).URL()
	theirs, own := modeltest.New(t), modeltest.New(t)
	hands := shared(t, url, redis, daemon.RoleWorker)
	hands.ProviderURL, hands.ProviderKey = theirs.URL, "sk-server"
	start(t, hands)
	cfg := shared(t, url, redis, daemon.RoleAll)
	holder := start(t, cfg)
	me := holder.with(cfg.DataDir, "sk-own", own.URL)
	holder.within("both workers are there", func() bool { w, err := holder.Workers(t.Context()); return err == nil && len(w) == 2 })
	const count = 8
	var accepted []chat.Accepted
	for range count {
		accepted = append(accepted, me.submit("hello"))
	}
	for _, acc := range accepted {
		me.answered(acc)
	}
	if n := len(theirs.Calls()); n != 0 {
		t.Errorf("%d of the tasks went to the server's provider", n)
	}
	for _, c := range own.Calls() {
		if c.Header.Get("Authorization") != "Bearer sk-own" {
			t.Errorf("called with %q", c.Header.Get("Authorization"))
		}
	}
	if n := len(own.Calls()); n != count {
		t.Errorf("%d calls", n)
	}

	// With the holder its key is gone, and nobody makes do with another one.
	half := me.submit("lie: chunks=20 gate")
	own.Step(5)
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	defer cancel()
	holder.must(own.Wait(ctx, func(c []modeltest.Call) bool { return len(c) == count+1 && c[count].Tokens >= 5 }))
	holder.kill()
	if err := holder.ended(); err != nil {
		t.Error(err)
	}
	after := start(t, shared(t, url, redis, daemon.RoleAPI)) // sees what has become of it
	_, end := after.follow(half, nil)
	if end.Code != chat.CodeNotConfigured || end.Retryable || len(end.Content) < 40 {
		t.Errorf("it ended with %+v", end)
	}
	if n := len(theirs.Calls()); n != 0 {
		t.Error("it went to the server's provider")
	}
}

func TestAProviderThatTheServerHasAnywayOutlivesARestart(t *testing.T) {
	t.Parallel()
	provider := modeltest.New(t)
	cfg := usual(directory(t))
	cfg.ProviderURL, cfg.ProviderKey = provider.URL, "sk-both"
	first := start(t, cfg)
	acc := first.with(cfg.DataDir, "sk-both", provider.URL+"/").submit("lie: chunks=20 gate")
	provider.Step(5)
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	defer cancel()
	first.must(provider.Wait(ctx, func(c []modeltest.Call) bool { return len(c) == 1 && c[0].Tokens >= 5 }))
	first.kill()
	if err := first.ended(); err != nil {
		t.Error(err)
	}
	provider.Step(100)
	start(t, cfg).answered(acc)
}

func TestAnAPIWithoutAWorkerTakesNoOwnProvider(t *testing.T) {
	t.Parallel()
	cfg := shared(t, services.Postgres(t), services.StartRedis(t).URL(), daemon.RoleAPI)
	front := start(t, cfg)
	conv, err := front.CreateConversation(t.Context(), client.NewConversation{}, "")
	front.must(err)
	_, err = front.with(cfg.DataDir, "sk-own", "").Submit(t.Context(), chat.Submission{ConversationID: conv.ID, Content: "x"}, "")
	if !chat.IsCode(err, chat.CodeNotConfigured) {
		t.Errorf("%v (%s)", err, chat.CodeOf(err))
	}
}
