package lab

import (
	"fmt"
	"slices"
	"strings"

	"chat"
	"chat/daemon/keys"
)

// Violation is a promise that was not kept.
type Violation struct {
	Promise string // the letter and number of docs/reliability.md
	Mark    string // of the message, if it is about one
	Detail  string
}

func (v Violation) String() string {
	return strings.TrimSpace(fmt.Sprintf("%s %s: %s", v.Promise, v.Mark, v.Detail))
}

// harm reports whether something was lost, doubled or mismatched, and not only
// late, repeated at a provider, or unkind.
func (v Violation) harm() bool {
	switch v.Promise {
	case "A1", "A2", "A3", "A4", "A5", "A6", "A7", "A8", "B2", "B3", "C1", "C2", "C3", "C4", "C5", "D1", "D2", "D4":
		return true
	}
	return false
}

// verdict collects violations.
type verdict struct {
	h    *History
	list []Violation
}

func (v *verdict) found(promise string, a *Ask, format string, args ...any) {
	mark := ""
	if a != nil {
		mark = a.Mark
	}
	v.list = append(v.list, Violation{promise, mark, fmt.Sprintf(format, args...)})
}

// Judge holds a history against every promise.
func Judge(h *History) []Violation {
	v := &verdict{h: h}
	for _, a := range h.Asks() {
		v.acceptance(a)
		if a.Accepted == nil {
			continue
		}
		v.execution(a)
		v.streaming(a)
		v.ends(a)
	}
	v.orders()
	v.rows()
	v.resources()
	v.givenBack()
	if h.Row.Check != nil {
		v.list = append(v.list, h.Row.Check(h)...)
	}
	return v.list
}

// acceptance judges what became of sending.
func (v *verdict) acceptance(a *Ask) {
	marked := v.h.Rows.asked[a.Mark]
	if a.Accepted == nil {
		if a.Refused == nil {
			v.found("A4", a, "after %d tries nobody said what became of the message", len(a.Posts))
		}
		if a.Refused != nil && (marked > 0 || len(v.h.CallsOf(a.Mark)) > 0) {
			v.found("A8", a, "it was refused (%s), and %d rows and %d calls of the provider are there", a.Refused.Code, marked, len(v.h.CallsOf(a.Mark)))
		}
		return
	}
	if a.Refused != nil {
		v.found("A3", a, "it was accepted, and with the same key refused: %s", a.Refused.Code)
	}
	if marked != 1 {
		v.found("A3", a, "%d user messages for one key and %d POSTs", marked, len(a.Posts))
	}
	for _, p := range a.Posts {
		if p.Accepted != nil && *p.Accepted != *a.Accepted {
			v.found("A3", a, "the same key was answered with %+v and %+v", *a.Accepted, *p.Accepted)
		}
	}
	u, okU := v.h.Rows.Message(a.Accepted.UserMessageID)
	m, okM := v.h.Rows.Message(a.Accepted.MessageID)
	t, okT := v.h.Rows.Task(a.Accepted.TaskID)
	switch {
	case !okU || !okM || !okT:
		v.found("A1", a, "accepted, and then missing: user message %t, answer %t, task %t", okU, okM, okT)
	case u.Content != a.Content || m.Parent != u.ID || t.Message != m.ID || t.UserMessage != u.ID:
		v.found("A1", a, "its rows do not belong together: %+v %+v", m, t)
	case !t.State.Terminal():
		v.found("A5", a, "the task is still %s, attempt %d", t.State, t.Attempt)
	}
}

// execution judges the attempts.
func (v *verdict) execution(a *Ask) {
	t, _ := v.h.Rows.Task(a.Accepted.TaskID)
	if counted := t.Attempt - t.Uncounted; counted > chat.MaxAttempts {
		v.found("B4", a, "%d attempts that count", counted)
	}
	calls := v.h.CallsOf(a.Mark)
	whole := 0
	for i, c := range calls {
		if c.End == "done" && c.Tokens > 0 && !v.h.lostInside(c.Ended) {
			whole++
		}
		for _, d := range calls[:i] {
			if overlap := d.Ended.Sub(c.Began); !v.h.Row.Allow.Overlap && (d.Ended.IsZero() || overlap > closeSlack) {
				v.found("B5", a, "call %d began %s before call %d had ended (%s)", c.N, overlap, d.N, d.End)
			}
		}
	}
	excused := v.h.Row.Allow.RepurchaseFull || v.h.Row.Allow.Repurchase && v.h.Profile == Embedded
	if whole > 1 && !excused {
		v.found("B6", a, "the whole answer was bought %d times", whole)
	}
	if limit := a.Want.Calls; limit > 0 && len(calls) > limit {
		v.found("B7", a, "%d calls of the provider, at most %d are right", len(calls), limit)
	}
	v.outcome(a, t)
}

// outcome judges what the task came to.
func (v *verdict) outcome(a *Ask, t TaskRow) {
	m, _ := v.h.Rows.Message(a.Accepted.MessageID)
	switch t.State {
	case chat.TaskDone:
		if a.Want.State != "" && a.Want.State != chat.TaskDone {
			v.found("D8", a, "it is done, and should be %s", a.Want.State)
		}
	case chat.TaskCancelled:
		if a.Cancelled == nil {
			v.found("D7", a, "cancelled, and nobody asked for it")
		}
	case chat.TaskFailed, chat.TaskInterrupted:
		switch {
		case t.Code == "" || t.Error == "":
			v.found("D8", a, "%s without a code or a sentence", t.State)
		case a.Want.State == "" && !v.h.Row.Allow.Unfinished:
			v.found("A5", a, "it ended as %s: %s (%s)", t.State, t.Code, t.Error)
		case a.Want.State != "" && a.Want.State != t.State:
			v.found("D8", a, "it is %s (%s), and should be %s", t.State, t.Code, a.Want.State)
		case a.Want.Code != "" && a.Want.Code != t.Code:
			v.found("D8", a, "its code is %s, and should be %s", t.Code, a.Want.Code)
		}
		if strings.Contains(t.Error, providerKey) || strings.Contains(t.Error, bearer) {
			v.found("D8", a, "a secret in the error: %s", t.Error)
		}
	case chat.TaskQueued, chat.TaskRunning:
	}
	v.text(a, t, m)
}

// text judges where the text came from: one call of the provider, and all of it
// if the answer is done.
func (v *verdict) text(a *Ask, t TaskRow, m MessageRow) {
	calls := v.h.CallsOf(a.Mark)
	if a.Want.Text != nil && t.State == chat.TaskDone {
		if want := a.Want.Text(calls); want != m.Content {
			v.found("C4", a, "the text is %s, and should be %s", short(m.Content), short(want))
		}
		return
	}
	if a.Want.Text != nil {
		return
	}
	ok := false
	for _, c := range calls {
		sent := chat.NormalizeText(c.Sent)
		if t.State == chat.TaskDone {
			ok = ok || c.End == "done" && sent == m.Content
		} else {
			ok = ok || strings.HasPrefix(sent, m.Content)
		}
	}
	if !ok && (m.Content != "" || t.State == chat.TaskDone) {
		v.found("C4", a, "%s with %s, which is no call's text (%d calls)", t.State, short(m.Content), len(calls))
	}
}

// orders judges the order of a conversation's messages.
func (v *verdict) orders() {
	seen := map[*chain]bool{}
	for _, a := range v.h.Asks() {
		if seen[a.Chain] {
			continue
		}
		seen[a.Chain] = true
		accepted := slices.DeleteFunc(slices.Clone(a.Chain.asks), func(a *Ask) bool { return a.Accepted == nil })
		slices.SortFunc(accepted, func(x, y *Ask) int { return x.Posts[0].At.Compare(y.Posts[0].At) })
		last := int64(-1)
		for _, a := range accepted {
			m, ok := v.h.Rows.Message(a.Accepted.UserMessageID)
			if ok && m.Seq <= last {
				v.found("A7", a, "it was sent after the message with seq %d and has %d", last, m.Seq)
			}
			last = m.Seq
		}
	}
}

// rows judges that the rows belong together.
func (v *verdict) rows() {
	tasks := map[string]int{}
	for _, t := range v.h.Rows.Tasks {
		tasks[t.Message]++
		if _, ok := v.h.Rows.Message(t.Message); !ok {
			v.found("A6", nil, "task %s has no message", t.ID)
		}
	}
	answered := map[string]bool{}
	for _, m := range v.h.Rows.Messages {
		if m.Role == "assistant" {
			answered[m.Parent] = true
			if tasks[m.ID] != 1 {
				v.found("A6", nil, "the answer %s has %d tasks", m.ID, tasks[m.ID])
			}
		}
	}
	for _, m := range v.h.Rows.Messages {
		if m.Role == "user" && !answered[m.ID] {
			v.found("A2", nil, "the user message %s stands alone", m.ID)
		}
	}
}

// resources judges what is left behind.
func (v *verdict) resources() {
	for _, k := range v.h.Redis {
		if k.TTL < 0 && !slices.ContainsFunc(chat.Priorities(), func(p chat.Priority) bool { return k.Name == (keys.Names{}).Queue(p) }) {
			v.found("G3", nil, "the key %s lives for ever", k.Name)
		}
	}
	for _, s := range []string{providerKey, bearer} {
		if strings.Contains(v.h.Log, s) {
			v.found("D8", nil, "a secret in the log")
		}
	}
	if strings.Contains(v.h.Log, "DATA RACE") {
		v.found("G1", nil, "a data race in chatd")
	}
	if v.h.panicked() {
		v.found("G1", nil, "a panic in chatd")
	}
}

// Connections that are kept for the next use: to the database and to Redis, and
// to the provider one for each call, with two goroutines each.
const keptConnections = 16 + 32 + 60

// givenBack judges that each process gave back what the load used.
func (v *verdict) givenBack() {
	before := map[string]Gauges{}
	for _, g := range v.h.Before {
		before[g.Node] = g
	}
	calls := float64(len(v.h.Calls))
	for _, g := range v.h.After {
		b, ok := before[g.Node]
		switch {
		case !ok:
		case g.Streams > 0:
			v.found("G1", nil, "%s still has %.0f streams open", g.Node, g.Streams)
		case g.Goroutines > b.Goroutines+2*calls+keptConnections:
			v.found("G1", nil, "%s had %.0f goroutines and has %.0f", g.Node, b.Goroutines, g.Goroutines)
		case g.Files > b.Files+calls+keptConnections:
			v.found("G1", nil, "%s had %.0f files open and has %.0f", g.Node, b.Files, g.Files)
		}
	}
}

// short is a text for a person.
func short(s string) string {
	if len(s) <= 120 {
		return fmt.Sprintf("%q", s)
	}
	return fmt.Sprintf("%q…%q (%d bytes)", s[:60], s[len(s)-40:], len(s))
}
