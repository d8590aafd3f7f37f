package worker_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"chat"
	"chat/daemon/model/modeltest"
	"chat/daemon/model/providers"
	"chat/daemon/model/transport"
	"chat/daemon/worker"
	"chat/internal/poll"
)

// said is the whole answer of a provider of a failover test.
func saidBy(provider string) string {
	return fmt.Sprintf("%s0 %s1", provider, provider)
}

// streamBody is the body of a whole answer.
func streamBody(provider string, anthropic bool) string {
	var b strings.Builder
	if !anthropic {
		for _, word := range strings.SplitAfter(saidBy(provider), " ") {
			fmt.Fprintf(&b, "data: {\"choices\":[{\"delta\":{\"content\":%q}}]}\n\n", word)
		}
		b.WriteString("data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n")
		return b.String()
	}
	b.WriteString("data: {\"type\":\"message_start\",\"message\":{\"model\":\"m\",\"usage\":{}}}\n\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n")
	for _, word := range strings.SplitAfter(saidBy(provider), " ") {
		fmt.Fprintf(&b, "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":%q}}\n\n", word)
	}
	b.WriteString("data: {\"type\":\"content_block_stop\",\"index\":0}\n\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":3}}\n\ndata: {\"type\":\"message_stop\"}\n\n")
	return b.String()
}

// failing answers as provider, and fails as the message says: "KIND BYTE", or "STATUS" with
// seconds to wait.
func failing(provider string, anthropic bool) http.Handler {
	body := streamBody(provider, anthropic)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			_, _ = io.WriteString(w, `{"data":[{"id":"m"}]}`)
			return
		}
		raw, _ := io.ReadAll(r.Body)
		var kind string
		var at int
		text := string(raw)
		if i := strings.Index(text, "fail: "); i >= 0 {
			_, _ = fmt.Sscanf(text[i:], "fail: %s %d", &kind, &at)
		}
		if status := map[string]int{"500": 500, "503": 503, "529": 529, "429": 429, "401": 401, "400": 400, "404": 404}[kind]; status > 0 {
			if at > 0 {
				w.Header().Set("Retry-After", fmt.Sprint(at))
			}
			w.WriteHeader(status)
			_, _ = io.WriteString(w, `{"error":{"message":"no"}}`)
			return
		}
		if kind == "silent" || kind == "nothing" {
			if kind == "nothing" {
				w.WriteHeader(http.StatusOK)
				_ = http.NewResponseController(w).Flush()
			}
			<-r.Context().Done()
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		if kind == "" {
			at = len(body)
		}
		_, _ = io.WriteString(w, body[:at])
		_ = http.NewResponseController(w).Flush()
		switch kind {
		case "cut":
			panic(http.ErrAbortHandler)
		case "event":
			_, _ = io.WriteString(w, "\n\nevent: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n")
		case "garbage":
			_, _ = io.WriteString(w, "\n\ndata: <html>Bad Gateway\x00\xff</html>\n\n")
		}
	})
}

// failoverHarness has the providers a (OpenAI's API), n (Anthropic's), and b, which answers.
func failoverHarness(t *testing.T, limits transport.Limits) *harness {
	t.Helper()
	h := newHarness(t, setup{})
	server := func(f http.Handler) string {
		s := httptest.NewServer(f)
		t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
		return s.URL
	}
	honest := failing("b", false)
	cfg := providers.Config{Limits: limits, Named: []providers.Named{
		{Name: "a", BaseURL: server(failing("a", false)) + "/v1", Key: modeltest.Key},
		{Name: "n", BaseURL: server(failing("n", true)), Key: modeltest.Key, Kind: providers.Anthropic},
		{Name: "b", Key: modeltest.Key, BaseURL: server(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Body = http.NoBody
			honest.ServeHTTP(w, r)
		})) + "/v1"},
		{Name: "gone", BaseURL: "http://127.0.0.1:1/v1", Key: modeltest.Key},
		{Name: "unset", Unusable: chat.Errorf(chat.CodeNotConfigured, "the key of unset is not set: set it")},
	}}
	registry := providers.New(cfg)
	t.Cleanup(registry.Close)
	h.models = &models{registry: registry}
	return h
}

func with(model string, afterText bool, fallback ...string) func(*chat.Submission) {
	return func(s *chat.Submission) {
		s.Model = model
		s.Failover = &chat.Failover{Models: fallback, AfterText: afterText}
	}
}

// A provider that fails at every byte of its stream: the answer is that of one model, which is
// named, with both settings.
func TestNoAnswerIsMadeOfTwo(t *testing.T) {
	t.Parallel()
	for _, provider := range []string{"a", "n"} {
		t.Run(provider, func(t *testing.T) {
			t.Parallel()
			h := failoverHarness(t, transport.Limits{})
			type run struct {
				acc   chat.Accepted
				kind  string
				at    int
				after bool
			}
			var runs []run
			body := streamBody(provider, provider == "n")
			for at := range len(body) + 1 {
				if provider == "n" && at%4 != 0 { // its events are long
					continue
				}
				add := func(kind string, after bool) {
					runs = append(runs, run{h.submit(fmt.Sprintf("fail: %s %d", kind, at), with(provider+"/m", after, "b/m")), kind, at, after})
				}
				add("cut", false)
				add("cut", true)
				add([]string{"event", "garbage"}[len(runs)/2%2], len(runs)/4%2 == 0)
			}
			h.work(workerOptions{opts: worker.Options{Concurrency: 64}})
			if !poll.Until(5*time.Minute, func() bool {
				queued, running, err := h.store.QueueDepths(t.Context())
				h.must(err)
				return running+queued[chat.PriorityNormal] == 0
			}) {
				t.Fatal("not all tasks have ended")
			}
			counts := map[string]int{}
			for _, r := range runs {
				task, m := h.ended(r.acc)
				full, other := saidBy(provider), saidBy("b")
				what := fmt.Sprintf("%s at byte %d, after text %v: %s by %q (%q): %q", r.kind, r.at, r.after, task.State, m.Model, task.Model, m.Content)
				byFirst := m.Content != "" && strings.HasPrefix(full, m.Content)
				switch {
				case m.Content == other && task.State == chat.TaskDone:
					if m.Model != "b/m" || task.Model != "b/m" || len(task.Notices) != 1 || !strings.HasSuffix(task.Notices[0], "answered by b/m") {
						t.Errorf("%s; %q", what, task.Notices)
					}
					counts["b"]++
				case byFirst && (m.Content == full) == (task.State == chat.TaskDone) && !(r.after && m.Content != full):
					if (m.Model != "m" && m.Model != provider+"/m") || m.Model != task.Model && task.State == chat.TaskDone {
						t.Error(what)
					}
					counts["first"]++
				case m.Content == full && task.State == chat.TaskInterrupted && !r.after: // it failed after the last word
					counts["first"]++
				default:
					t.Error(what)
				}
				// Where Redis was too slow, readers get the answer from SQL.
				if chunks := h.chunks(r.acc); len(chunks) == task.ChunkCount && len(chunks) > 0 && chunks[len(chunks)-1].Terminal() {
					if text, _, err := judge(chunks); err != nil || text != m.Content {
						t.Errorf("%s\n the log has %q, %v", what, text, err)
					}
				}
			}
			if counts["b"] < len(runs)/3 || counts["first"] < len(runs)/10 {
				t.Errorf("of %d answers: %v", len(runs), counts)
			}
		})
	}
}

// What another model may answer instead of, and what it may not.
func TestReasonsOfAFailover(t *testing.T) {
	t.Parallel()
	h := failoverHarness(t, transport.Limits{Headers: 2 * time.Second, FirstToken: 2 * time.Second, Idle: 5 * time.Second})
	h.work(workerOptions{})
	for _, tc := range []struct {
		model, message string
		notice         string // "" if the model's own failure stays
		code           chat.Code
	}{
		{"a/m", "fail: 500 0", "a/m did not answer (500): answered by b/m", ""},
		{"a/m", "fail: 503 0", "a/m did not answer (503): answered by b/m", ""},
		{"n/m", "fail: 529 30", "n/m did not answer (529): answered by b/m", ""},
		{"a/m", "fail: 429 60", "a/m did not answer (429): answered by b/m", ""},
		{"a/m", "fail: 429 3600", "a/m did not answer (429): answered by b/m", ""},
		{"gone/m", "hello", "gone/m did not answer (cannot connect to 127.0.0.1:1, because nothing listens there): answered by b/m", ""},
		{"a/m", "fail: silent 0", "a/m did not answer (", ""},
		{"a/m", "fail: nothing 0", "a/m did not answer (", ""},
		{"a/m", "fail: 401 0", "", chat.CodeProviderAuth},
		{"a/m", "fail: 400 0", "", chat.CodeProviderRefused},
		{"unset/m", "hello", "", chat.CodeNotConfigured},
	} {
		t.Run(tc.model+" "+tc.message, func(t *testing.T) {
			acc := h.submit(tc.message, with(tc.model, false, "b/m"))
			task, m := h.ended(acc)
			if tc.notice == "" {
				if task.State != chat.TaskFailed || task.Error.Code != tc.code || len(task.Notices) > 0 {
					t.Errorf("the task is %s with %v, notices %q; want %s", task.State, task.Error, task.Notices, tc.code)
				}
				return
			}
			if task.State != chat.TaskDone || m.Content != saidBy("b") || m.Model != "b/m" || task.Attempt != 1 {
				t.Errorf("the task is %s (%v) with %q by %s, after %d attempts", task.State, task.Error, m.Content, m.Model, task.Attempt)
			}
			if len(task.Notices) != 1 || !strings.HasPrefix(task.Notices[0], tc.notice) {
				t.Errorf("notices %q, want %q", task.Notices, tc.notice)
			}
		})
	}
}

// A fallback that cannot be used is passed over; if none is left, the first error stays, and the
// next attempt begins with the first model.
func TestFallbacksThatDoNotAnswer(t *testing.T) {
	t.Parallel()
	h := failoverHarness(t, transport.Limits{})
	h.work(workerOptions{})
	task, m := h.ended(h.submit("fail: 503 0", with("a/m", false, "unset/m", "gone/m", "b/m")))
	if task.State != chat.TaskDone || m.Model != "b/m" || len(task.Notices) != 3 || !strings.Contains(task.Notices[1], "unset/m did not answer (the key of unset is not set): answered by b/m") {
		t.Errorf("%s by %s; %q", task.State, m.Model, task.Notices)
	}
	task, _ = h.ended(h.submit("fail: 503 0", with("a/m", false, "unset/m")))
	if task.State != chat.TaskFailed || task.Error.Code != chat.CodeProviderServer || task.Attempt != chat.MaxAttempts || task.Model != "a/m" {
		t.Errorf("%s by %s after %d attempts: %v", task.State, task.Model, task.Attempt, task.Error)
	}
	if len(task.Notices) != 1 || task.Notices[0] != "unset/m did not answer either (the key of unset is not set)" {
		t.Errorf("notices %q", task.Notices)
	}
}

// The worker dies after it has stored that another model answers: the next one asks that model.
func TestAFailoverSurvivesItsWorker(t *testing.T) {
	t.Parallel()
	h := failoverHarness(t, transport.Limits{})
	acc := h.submit("fail: 503 0", with("a/m", false, "b/m"))
	c := h.abandon(acc)
	f := *c.Failover
	f.Failed = []chat.ModelFailure{{Model: "a/m", Reason: "503"}}
	h.must(h.store.SwitchModel(t.Context(), chat.Release{TaskID: c.ID, Attempt: c.Attempt}, "b/m", f))
	h.write(c, false, "of the dead worker")
	h.expire(func() bool { return h.task(acc).State == chat.TaskQueued })
	h.work(workerOptions{})
	task, m := h.ended(acc)
	if task.State != chat.TaskDone || m.Content != saidBy("b") || m.Model != "b/m" || !slices.Equal(task.Notices, []string{"a/m did not answer (503): answered by b/m"}) {
		t.Errorf("%s: %q by %s; %q", task.State, m.Content, m.Model, task.Notices)
	}
	if logged := h.rdb.HGet(t.Context(), names.Metadata(acc.TaskID), "model").Val(); logged != "b/m" {
		t.Errorf("the log names %q", logged)
	}
}

// The task says which model answers while it runs, and can be cancelled then.
func TestACancelDuringAFailover(t *testing.T) {
	t.Parallel()
	h := failoverHarness(t, transport.Limits{})
	w := h.work(workerOptions{})
	acc := h.submit("fail: 503 0", with("a/m", false, "n/m"))
	h.eventually("the other model was asked", func() bool { return h.task(acc).Model == "n/m" || h.task(acc).State.Terminal() })
	_, _, err := h.store.Cancel(t.Context(), owner, acc.TaskID)
	h.must(err)
	w.Cancel(acc.TaskID)
	task, _ := h.ended(acc)
	if task.State != chat.TaskCancelled && task.State != chat.TaskFailed {
		t.Errorf("the task is %s", task.State)
	}
}
