package api_test

import (
	"net/http"
	"strings"
	"testing"

	"chat"
	"chat/daemon/api"
)

// compaction is the result of POST /v1/responses/compact.
type compaction struct {
	ID, Object string
	Output     []struct {
		ID, Type, Role string
		Content        []struct{ Type, Text string }
		Encrypted      string `json:"encrypted_content"`
	}
	Usage *struct {
		TotalTokens int `json:"total_tokens"`
	}
}

// compacted compacts a conversation, whose summary is the text, and returns the response.
func (h *harness) compacted(body, summary string) answer {
	h.Helper()
	done := make(chan answer)
	go func() { done <- h.call("POST", "/v1/responses/compact", body) }()
	var task chat.Task
	h.eventually("a task waits", func() bool {
		list, err := h.store.Tasks(h.Context(), chat.LocalOwner, chat.TaskQuery{States: []chat.TaskState{chat.TaskQueued}})
		h.must(err)
		if len(list) == 1 {
			task = list[0]
		}
		return len(list) == 1
	})
	a := h.claim(chat.Accepted{TaskID: task.ID})
	if summary != "" {
		a.write(summary)
	}
	a.end()
	return <-done
}

const toolWork = `{"type":"message","role":"developer","content":"be brief"},
	{"type":"message","role":"user","content":"Weather in Oslo?"},
	{"type":"function_call","call_id":"c1","name":"weather","arguments":"{}"},
	{"type":"function_call_output","call_id":"c1","output":"rain, 4 degrees, 300 lines"},
	{"type":"message","role":"assistant","content":"It rains."},
	{"type":"message","role":"user","content":[{"type":"input_text","text":"look"},{"type":"input_image","image_url":"data:image/png;base64,` + pixel + `"}]}`

func TestACompactionKeepsTheUsersMessagesAndASummary(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	got := h.compacted(`{"model":"lying","input":[`+toolWork+`]}`, "Rain at 4 degrees.")
	if got.status != http.StatusOK {
		t.Fatalf("%d %s", got.status, got.body)
	}
	var c compaction
	got.into(t, &c)
	if c.Object != "response.compaction" || len(c.Output) != 4 || c.Usage == nil {
		t.Fatalf("%s", got.body)
	}
	if o := c.Output; o[0].Role != "system" || o[0].Content[0].Text != "be brief" || o[1].Role != "user" || o[1].Content[0].Text != "Weather in Oslo?" ||
		o[2].Content[0].Text != "look" || o[2].Content[1].Type != "input_image" || o[3].Type != "compaction" || o[3].Encrypted == "" {
		t.Errorf("%s", got.body)
	}
	if task := h.responses("GET", "/"+c.ID, ""); task.text() != "Rain at 4 degrees." {
		t.Errorf("the task is not to be seen: %+v", task)
	}

	// Its output is an input that means the same, also for the next compaction.
	_, window, _ := strings.Cut(string(got.body), `"output":[`)
	window, _, _ = strings.Cut(window, `],"usage"`)
	next, a := h.background(`{"model":"lying","background":true,"input":[` + window + `,{"role":"user","content":"and tomorrow?"}]}`)
	read, err := h.store.Thread(t.Context(), taskID(next))
	h.must(err)
	system, thread := read.System, read.Messages
	if len(thread) != 3 || thread[0].Role != chat.RoleUser || thread[0].Content != "Weather in Oslo?\n\nlook" || len(thread[0].Parts) != 2 ||
		thread[1].Role != chat.RoleAssistant || !strings.HasSuffix(thread[1].Content, "Rain at 4 degrees.") || thread[2].Content != "and tomorrow?" || system != "" {
		t.Errorf("%q %+v", system, thread)
	}
	task, err := h.store.Task(t.Context(), chat.LocalOwner, taskID(next))
	h.must(err)
	if p := task.Parameters; p == nil || p.Instructions == nil || *p.Instructions != "be brief" {
		t.Errorf("%+v", p)
	}
	a.write("Sun.")
	a.end()
	second := h.compacted(`{"model":"lying","previous_response_id":"`+next.ID+`"}`, "Rain, then sun.")
	if second.into(t, &c); second.status != http.StatusOK || len(c.Output) != 3 || c.Output[1].Content[0].Text != "and tomorrow?" {
		t.Errorf("%s", second.body)
	}
	messages := h.call("GET", "/conversations/"+task.ConversationID+"/messages", "")
	if strings.Contains(string(messages.body), "Rain, then sun.") {
		t.Errorf("a compaction changed the conversation: %s", messages.body)
	}
}

func TestACompactionThatIsNotOursIsRefused(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	made := h.compacted(`{"model":"lying","input":"hello"}`, "x")
	var c compaction
	made.into(t, &c)
	ours := c.Output[1].Encrypted
	another, _, err := h.store.Submit(t.Context(), "another", chat.Submission{Content: "x", Origin: `{"compaction":true}`}, chat.SubmitOptions{})
	h.must(err)
	theirs := h.claim(another).claim
	h.must(h.store.Finish(t.Context(), chat.Result{TaskID: theirs.ID, Attempt: theirs.Attempt, State: chat.TaskDone, Parts: chat.TextParts("secret")}))
	prefix := strings.TrimSuffix(ours, strings.TrimPrefix(c.ID, "resp_"))
	plain, a := h.background(`{"model":"lying","input":"hello","background":true}`)
	a.write("no summary")
	a.end()
	refused := func(name, encrypted string) {
		t.Helper()
		got := h.call("POST", "/v1/responses", `{"model":"lying","input":[{"type":"compaction","id":"cmp_1","encrypted_content":"`+encrypted+`"},{"role":"user","content":"x"}]}`)
		if got.status != http.StatusBadRequest || !strings.Contains(string(got.body), "input[0]: encrypted_content is not that of a compaction") {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	refused("empty", "")
	refused("of OpenAI", "gAAAAABpM0Yj-abc=")
	refused("the id alone", strings.TrimPrefix(c.ID, "resp_"))
	refused("an unknown id", prefix+strings.Repeat("0", 32))
	refused("another owner's", prefix+strings.ReplaceAll(another.TaskID, "-", ""))
	refused("a response", prefix+strings.TrimPrefix(plain.ID, "resp_"))
	if got := h.call("POST", "/v1/responses", `{"model":"lying","input":"x","previous_response_id":"`+c.ID+`"}`); !strings.Contains(string(got.body), "previous_response_not_found") {
		t.Errorf("a compaction was continued: %s", got.body)
	}
	if got := h.call("DELETE", "/v1/responses/"+c.ID, ""); got.status != http.StatusOK {
		t.Errorf("%d %s", got.status, got.body)
	}
	refused("a deleted one", ours)
}

func TestCompactionsThatCannotBeMadeAreErrors(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	for body, want := range map[string]string{
		`{"input":"x"}`:                 "model",
		`{"model":"lying"}`:             "nothing to compact",
		`{"model":"lying","input":[]}`:  "nothing to compact",
		`{"model":"lynig","input":"x"}`: "did you mean",
		`{"model":"lying","input":[{"type":"function_call_output","call_id":"c9","output":"x"}]}`: "c9",
		`{"model":"lying","previous_response_id":"resp_x"}`:                                       "previous_response_id",
	} {
		got := h.call("POST", "/v1/responses/compact", body)
		if got.status != http.StatusBadRequest || !strings.Contains(string(got.body), want) {
			t.Errorf("%s: %d %s", body, got.status, got.body)
		}
	}
	if got := h.compacted(`{"model":"lying","input":"x"}`, ""); got.status != http.StatusBadGateway || !strings.Contains(string(got.body), "no complete summary") {
		t.Errorf("%d %s", got.status, got.body)
	}
}
