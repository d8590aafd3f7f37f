package judge

import (
	"encoding/json"
	"strings"

	"chat"
	"chat/internal/lab/history"
)

// responses judges followers of the responses API: a sequence number is one event, for all
// of them; there is no gap; and what is left of the events is what the database has.
func (v *verdict) responses(a *history.Ask) {
	everywhere := map[int]string{}
	for _, f := range a.Followers {
		if f.Response == nil || f.Gave != "" {
			continue
		}
		last := -1
		for _, e := range f.Response.Events {
			if seen, ok := everywhere[e.Number]; ok && seen != e.Raw {
				v.found("C5", a, "event %d of the response is %s and %s", e.Number, Short(seen), Short(e.Raw))
			}
			everywhere[e.Number] = e.Raw
			if e.Number != last+1 && (e.Number%attemptBase != 0 || !strings.Contains(e.Raw, `"response.in_progress"`)) {
				v.found("C1", a, "event %d of the response follows %d", e.Number, last)
			}
			last = e.Number
		}
		v.response(a, f)
	}
}

// attemptBase divides the sequence numbers after chunks were lost (docs/protocol.md).
const attemptBase = 1_000_000

// response judges what a follower has in the end.
func (v *verdict) response(a *history.Ask, f *history.Follower) {
	r := f.Response
	t, _ := v.h.Rows.Task(a.Accepted.TaskID)
	m, _ := v.h.Rows.Message(a.Accepted.MessageID)
	v.readAfterwards(a, f, m)
	want := map[chat.TaskState]string{
		chat.TaskDone: "completed", chat.TaskCancelled: "cancelled", chat.TaskFailed: "failed", chat.TaskInterrupted: "failed",
	}[t.State]
	if r.Status != want && r.Status != "incomplete" {
		v.found("D1", a, "the response is %q, and the task %s", r.Status, t.State)
	}
	if text := textOf(r.Events); text != m.Parts.Text() {
		v.found("C4", a, "the response has %s, the database %s", Short(text), Short(m.Parts.Text()))
	}
}

// textOf folds events as the official client does: an event with a response replaces
// everything.
func textOf(events []history.ResponseEvent) (text string) {
	for _, raw := range events {
		var e struct{ Type, Delta string }
		if json.Unmarshal([]byte(raw.Raw), &e) != nil {
			continue
		}
		switch e.Type {
		case "response.in_progress":
			text = ""
		case "response.output_text.delta":
			text += e.Delta
		}
	}
	return text
}
