package judge

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"chat"
	"chat/internal/lab/history"
)

// replay is what one connection of a format without positions gave its reader: a stream that
// begins with the first text each time.
type replay struct {
	text string
	// ends are the states that the stream says the task has ended with; one that was cut has
	// none.
	ends   []chat.TaskState
	broken []string // how it is not a stream of its format
}

func (r *replay) wrong(format string, args ...any) {
	r.broken = append(r.broken, fmt.Sprintf(format, args...))
}

// replays judges followers of the AI SDK's stream and of chat completions: each connection is
// the answer of one attempt from its beginning, without a gap; one end comes, as the last; and
// the text is what the database has.
func (v *verdict) replays(a *history.Ask) {
	for _, f := range a.Followers {
		var read func(*history.Ask, []history.Event) replay
		switch f.Kind {
		case history.KindUIStream:
			read = uiStream
		case history.KindCompletion:
			read = completion
		}
		if read == nil || f.Gave != "" {
			continue
		}
		var last replay
		for i, x := range f.Exchanges {
			if x.Status != http.StatusOK || x.TaskID != a.Accepted.TaskID && !f.Sends {
				continue // a later message of the chat
			}
			last = read(a, x.Events)
			v.replayed(a, f, i, last)
		}
		v.replayEnd(a, f, last)
	}
}

// replayed judges connection i of a follower.
func (v *verdict) replayed(a *history.Ask, f *history.Follower, i int, r replay) {
	x := f.Exchanges[i]
	if x.TaskID != a.Accepted.TaskID {
		v.found("A3", a, "the %s follower sent one message with one key and follows the tasks %s and %s", f.Kind, a.Accepted.TaskID, x.TaskID)
	}
	for _, what := range r.broken {
		v.found("C1", a, "the %s follower, connection %d: %s", f.Kind, i, what)
	}
	v.sent(a, f, r.text)
	v.latest(a, f, i, r.text)
	if x.End == history.EndClean {
		v.found("D1", a, "the %s follower: connection %d ended as if the answer were complete", f.Kind, i)
	}
	if len(r.ends) > 0 && i != len(f.Exchanges)-1 {
		v.found("D1", a, "the %s follower received an end on connection %d, and %d connections later", f.Kind, i, len(f.Exchanges)-1-i)
	}
}

// sent judges that a text is the beginning of what one call of the provider sent.
func (v *verdict) sent(a *history.Ask, f *history.Follower, text string) {
	if a.Want.Text != nil || text == "" {
		return
	}
	calls := v.h.CallsOf(a.Mark)
	for _, c := range calls {
		sent := chat.NormalizeText(c.Sent)
		if f.Kind == history.KindPage || f.Kind == history.KindFreshPage {
			sent = history.Dense(sent)
		}
		if strings.HasPrefix(sent, text) {
			return
		}
	}
	v.found("C4", a, "the %s follower was shown %s, which no call of the provider sent (%d calls)", f.Kind, Short(text), len(calls))
}

// latest judges that connection i of a follower does not show an attempt that had been given up
// before it was opened: its reader would meet the same reset again.
func (v *verdict) latest(a *history.Ask, f *history.Follower, i int, text string) {
	m, _ := v.h.Rows.Message(a.Accepted.MessageID)
	if text == "" || a.Want.Text != nil || strings.HasPrefix(m.Content, text) {
		return
	}
	calls := v.h.CallsOf(a.Mark)
	for n, c := range calls[:max(0, len(calls)-1)] {
		late := f.Exchanges[i].Opened.Sub(calls[n+1].Began)
		if strings.HasPrefix(chat.NormalizeText(c.Sent), text) && late > closeSlack {
			v.found("C3", a, "the %s follower was shown call %d on a connection that it opened %s after the next call had begun", f.Kind, c.N, late)
		}
	}
}

// replayEnd judges what a follower has in the end.
func (v *verdict) replayEnd(a *history.Ask, f *history.Follower, last replay) {
	t, _ := v.h.Rows.Task(a.Accepted.TaskID)
	m, _ := v.h.Rows.Message(a.Accepted.MessageID)
	if f.Stored != nil && *f.Stored != m.Content {
		v.found("D2", a, "after the end the call of the %s follower has %s, the database %s", f.Kind, Short(*f.Stored), Short(m.Content))
	}
	v.readAfterwards(a, f, m)
	if f.Kind == history.KindUIStream && f.Stored != nil && len(last.ends) == 0 {
		return // it came after the end and read the message
	}
	switch {
	case len(last.ends) != 1:
		v.found("D1", a, "the %s follower received %d ends", f.Kind, len(last.ends))
	case last.ends[0] != t.State && (last.ends[0] != chat.TaskFailed || t.State != chat.TaskInterrupted):
		v.found("D1", a, "the %s follower was told %s, and the task is %s", f.Kind, last.ends[0], t.State)
	case last.text != m.Content:
		v.found("C4", a, "the %s follower has %s, the database %s", f.Kind, Short(last.text), Short(m.Content))
	}
}

// uiStream reads a stream of the AI SDK as useChat does.
func uiStream(a *history.Ask, events []history.Event) (r replay) {
	var open string     // the id of the open text
	var closed []string // the ids of those before it
	var end []chat.TaskState
	for i, raw := range events {
		if raw.Data == "[DONE]" {
			r.ends = append(r.ends, end...)
			if end = nil; i != len(events)-1 {
				r.wrong("%d events after [DONE]", len(events)-1-i)
			}
			continue
		}
		var e struct{ Type, MessageID, ID, Delta string }
		if err := json.Unmarshal([]byte(raw.Data), &e); err != nil {
			r.wrong("event %d: %v", i, err)
			continue
		}
		if first := e.Type == "start"; first != (i == 0) {
			r.wrong("event %d is %s", i, e.Type)
		}
		if end != nil {
			r.wrong("%s after the end", e.Type)
		}
		switch e.Type {
		case "start":
			if e.MessageID != a.Accepted.MessageID {
				r.wrong("the message is %s, and was accepted as %s", e.MessageID, a.Accepted.MessageID)
			}
		case "text-start":
			if open != "" || slices.Contains(closed, e.ID) {
				r.wrong("the text %s begins while %q is open, after %v", e.ID, open, closed)
			}
			open = e.ID
		case "text-delta":
			if e.ID != open {
				r.wrong("a piece of the text %s while %q is open", e.ID, open)
			}
			r.text += e.Delta
		case "text-end":
			closed, open = append(closed, open), ""
		case "finish":
			end = append(end, chat.TaskDone)
		case "abort":
			end = append(end, chat.TaskCancelled)
		case "error":
			end = append(end, chat.TaskFailed)
		}
		if end != nil && open != "" {
			r.wrong("%s while the text %s is open", e.Type, open)
		}
	}
	return r
}

// completion reads the chunks of a chat completion as OpenAI's clients do.
func completion(a *history.Ask, events []history.Event) (r replay) {
	id := "chatcmpl-" + strings.ReplaceAll(a.Accepted.TaskID, "-", "")
	finished, restarted := false, false
	for i, raw := range events {
		if raw.Data == "[DONE]" {
			if !finished || i != len(events)-1 {
				r.wrong("[DONE] is event %d of %d, the finish reason came before: %t", i, len(events), finished)
			}
			r.ends = append(r.ends, chat.TaskDone)
			continue
		}
		var e struct {
			ID      string
			Choices []struct {
				Delta        struct{ Role, Content string }
				FinishReason string `json:"finish_reason"`
			}
			Error *struct{ Code chat.Code }
		}
		if err := json.Unmarshal([]byte(raw.Data), &e); err != nil {
			r.wrong("event %d: %v", i, err)
			continue
		}
		if finished || restarted || len(r.ends) > 0 {
			r.wrong("event %d comes after the end", i)
		}
		switch {
		case e.Error != nil && e.Error.Code == chat.CodeAnswerRestarted:
			restarted = true
		case e.Error != nil && e.Error.Code == chat.CodeCancelled:
			r.ends = append(r.ends, chat.TaskCancelled)
		case e.Error != nil:
			r.ends = append(r.ends, chat.TaskFailed)
		case e.ID != id || len(e.Choices) != 1:
			r.wrong("event %d has %d choices and is of %s, not of %s", i, len(e.Choices), e.ID, id)
		default:
			if first := e.Choices[0].Delta.Role != ""; first != (i == 0) {
				r.wrong("event %d has the role %q", i, e.Choices[0].Delta.Role)
			}
			r.text += e.Choices[0].Delta.Content
			finished = e.Choices[0].FinishReason != ""
		}
	}
	return r
}
