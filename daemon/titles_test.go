package daemon_test

import (
	"testing"
	"time"

	"chat"
	"chat/daemon"
	"chat/daemon/model/modeltest"
	"chat/internal/poll"
)

// titled is a daemon whose provider answers everything with a title.
func titled(t *testing.T, change func(*daemon.Config)) (*running, *modeltest.Anthropic) {
	t.Helper()
	server := modeltest.NewAnthropic(t, modeltest.Script{Blocks: []modeltest.Block{{Type: "text", Text: `"The Sky"`}}})
	server.Models = append(server.Models, `{"type":"model","id":"claude-haiku-4-5","display_name":"Haiku","created_at":"2026-01-01T00:00:00Z"}`)
	cfg := usual(directory(t))
	cfg.Titles = true
	cfg.Named = []daemon.NamedProvider{{Name: "anthropic", Kind: daemon.KindAnthropic, BaseURL: server.URL, Key: modeltest.Key, Model: "claude-test"}}
	change(&cfg)
	return start(t, cfg), server
}

// ask begins a conversation and waits for its answer.
func (r *running) ask(sub chat.Submission) chat.Accepted {
	r.Helper()
	acc, err := r.Submit(r.Context(), sub, "")
	r.must(err)
	r.follow(acc, nil)
	return acc
}

func TestTitlesAreWrittenByAnInexpensiveModel(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*daemon.Config)
		model  string
	}{
		"by default": {func(*daemon.Config) {}, "claude-haiku-4-5"},
		"another":    {func(c *daemon.Config) { c.TitleModel = "anthropic/claude-test" }, "claude-test"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, server := titled(t, tc.change)
			acc := d.ask(chat.Submission{Content: "Why is the sky blue?", ModelTitle: true})
			if !poll.Until(30*time.Second, func() bool {
				c, err := d.Conversation(t.Context(), acc.ConversationID)
				d.must(err)
				return c.Title == "The Sky"
			}) {
				t.Fatalf("no title: %+v", server.Requests())
			}
			requests := server.Requests()
			if len(requests) != 2 || requests[1].Model != tc.model || len(requests[1].System) != 0 {
				t.Errorf("%+v", requests)
			}
			list, err := d.Tasks(t.Context(), chat.TaskQuery{})
			if d.must(err); len(list) != 2 || list[0].Kind != chat.KindTitle || list[0].Priority != chat.PriorityBackground || list[0].Usage == nil {
				t.Errorf("%+v", list)
			}
			if list, err = d.Tasks(t.Context(), chat.TaskQuery{Answers: true}); err != nil || len(list) != 1 {
				t.Errorf("%+v, %v", list, err)
			}
		})
	}
}

func TestTitlesCanBeOff(t *testing.T) {
	t.Parallel()
	d, server := titled(t, func(c *daemon.Config) { c.Titles = false })
	acc := d.ask(chat.Submission{Content: "Why is the sky blue?", ModelTitle: true})
	d.ask(chat.Submission{Content: "And now?", ConversationID: acc.ConversationID})
	if c, err := d.Conversation(t.Context(), acc.ConversationID); err != nil || c.Title != "Why is the sky blue?" || len(server.Requests()) != 2 {
		t.Errorf("%+v, %v, %d requests", c, err, len(server.Requests()))
	}
}

// A daemon that is asked to end when it is idle ends with the title written, or at least asked for.
func TestAnIdleDaemonWaitsForTheTitle(t *testing.T) {
	t.Parallel()
	d, _ := titled(t, func(c *daemon.Config) { c.Local, c.Idle = true, time.Hour })
	d.ask(chat.Submission{Content: "Why is the sky blue?", ModelTitle: true})
	d.must(d.Shutdown(t.Context(), false))
	select {
	case <-d.done:
	case <-time.After(30 * time.Second):
		t.Fatal("it does not end")
	}
}
