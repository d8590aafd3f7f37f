package judge

import (
	"fmt"
	"slices"
	"strings"

	"chat"
	"chat/daemon/keys"
	"chat/internal/lab/history"
	"chat/internal/lab/world"
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

// Harm reports whether something was lost, doubled or mismatched, and not only late or
// repeated at a provider.
func (v Violation) Harm() bool {
	switch v.Promise {
	case "A1", "A2", "A3", "A4", "A5", "A6", "A7", "A8", "B2", "B3", "C1", "C2", "C3", "C4", "C5", "C11", "D1", "D2", "D4":
		return true
	}
	return false
}

// verdict collects violations.
type verdict struct {
	h     *history.History
	terms Terms
	list  []Violation
}

func (v *verdict) found(promise string, a *history.Ask, format string, args ...any) {
	mark := ""
	if a != nil {
		mark = a.Mark
	}
	v.list = append(v.list, Violation{promise, mark, fmt.Sprintf(format, args...)})
}

// Judge compares a history with every promise.
func Judge(h *history.History, terms Terms) []Violation {
	v := &verdict{h: h, terms: terms}
	for _, a := range h.Asks() {
		if a.Accepted != nil && h.Lost(a) {
			v.sequence(a)
			continue
		}
		v.acceptance(a)
		if a.Accepted == nil {
			continue
		}
		v.execution(a)
		v.streaming(a)
		v.responses(a)
		v.replays(a)
		v.pages(a)
		v.ends(a)
	}
	for _, c := range v.h.Followed() {
		if c.Tasks == 0 {
			v.found("C5", nil, "no task was followed through %s to its end: this run proves nothing about it", c.Format)
		}
	}
	v.orders()
	v.rows()
	v.resources()
	v.givenBack()
	return v.list
}

// acceptance judges what became of sending.
func (v *verdict) acceptance(a *history.Ask) {
	marked := v.h.Rows.Asked(a.Mark)
	if a.Accepted == nil {
		if a.Refused == nil {
			v.found("A4", a, "no definite reply after %d attempts", len(a.Posts))
		}
		calls := 0
		for _, c := range v.h.CallsOf(a.Mark) {
			if !v.h.MayBeLost(c.Began) { // otherwise it was accepted, and lost with its conversation before the reply was read
				calls++
			}
		}
		if a.Refused != nil && (marked > 0 || calls > 0) {
			v.found("A8", a, "it was refused (%s), but there are %d rows and %d calls of the provider", a.Refused.Code, marked, calls)
		}
		return
	}
	if a.Refused != nil {
		v.found("A3", a, "it was accepted, but refused with the same key: %s", a.Refused.Code)
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
func (v *verdict) execution(a *history.Ask) {
	t, _ := v.h.Rows.Task(a.Accepted.TaskID)
	if counted := t.Attempt - t.Uncounted; counted > chat.MaxAttempts {
		v.found("B4", a, "%d counted attempts", counted)
	}
	calls := v.h.CallsOf(a.Mark)
	whole := 0
	for i, c := range calls {
		if c.End == "done" && c.Tokens > 0 && !v.h.LostInside(c.Ended) {
			whole++
		}
		for _, d := range calls[:i] {
			if overlap := d.Ended.Sub(c.Began); !v.terms.Allow.Overlap && (d.Ended.IsZero() || overlap > closeSlack) {
				v.found("B5", a, "call %d began %s before call %d had ended (%s)", c.N, overlap, d.N, d.End)
			}
		}
	}
	excused := v.terms.Allow.RepurchaseFull || v.terms.Allow.Repurchase && v.h.Profile == world.Embedded
	if whole > 1 && !excused {
		v.found("B6", a, "the complete answer was requested %d times", whole)
	}
	if limit := a.Want.Calls; limit > 0 && len(calls) > limit {
		v.found("B7", a, "%d calls of the provider, more than %d", len(calls), limit)
	}
	v.outcome(a, t)
}

// outcome judges what the task came to.
func (v *verdict) outcome(a *history.Ask, t history.TaskRow) {
	m, _ := v.h.Rows.Message(a.Accepted.MessageID)
	switch t.State {
	case chat.TaskDone:
		if a.Want.State != "" && a.Want.State != chat.TaskDone {
			v.found("D8", a, "it is done, want %s", a.Want.State)
		}
	case chat.TaskCancelled:
		if a.Cancelled == nil {
			v.found("D7", a, "cancelled without a request")
		}
	case chat.TaskFailed, chat.TaskInterrupted:
		switch {
		case t.Code == "" || t.Error == "":
			v.found("D8", a, "%s without a code or a message", t.State)
		case a.Want.State == "" && !v.terms.Allow.Unfinished:
			v.found("A5", a, "it ended as %s: %s (%s)", t.State, t.Code, t.Error)
		case a.Want.State != "" && a.Want.State != t.State:
			v.found("D8", a, "it is %s (%s), want %s", t.State, t.Code, a.Want.State)
		case a.Want.Code != "" && a.Want.Code != t.Code:
			v.found("D8", a, "its code is %s, want %s", t.Code, a.Want.Code)
		}
		if strings.Contains(t.Error, world.ProviderKey) || strings.Contains(t.Error, world.Bearer) {
			v.found("D8", a, "a secret in the error: %s", t.Error)
		}
	case chat.TaskQueued, chat.TaskRunning:
	}
	v.text(a, t, m)
}

// text judges where the text came from: one call of the provider, and all of it
// if the answer is done.
func (v *verdict) text(a *history.Ask, t history.TaskRow, m history.MessageRow) {
	calls := v.h.CallsOf(a.Mark)
	if a.Want.Text != nil && t.State == chat.TaskDone {
		if want := a.Want.Text(calls); want != m.Content {
			v.found("C4", a, "the text is %s, want %s", Short(m.Content), Short(want))
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
		v.found("C4", a, "%s with %s, which is the text of no call (%d calls)", t.State, Short(m.Content), len(calls))
	}
}

// orders judges the order of a conversation's messages.
func (v *verdict) orders() {
	seen := map[*history.Chain]bool{}
	for _, a := range v.h.Asks() {
		if seen[a.Chain] {
			continue
		}
		seen[a.Chain] = true
		accepted := slices.DeleteFunc(slices.Clone(a.Chain.Asks), func(a *history.Ask) bool { return a.Accepted == nil })
		slices.SortFunc(accepted, func(x, y *history.Ask) int { return x.Posts[0].At.Compare(y.Posts[0].At) })
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
			v.found("A2", nil, "the user message %s has no answer", m.ID)
		}
	}
}

// Panicked reports a panic of chatd that the row does not cause.
func Panicked(h *history.History, allow Allow) bool {
	return strings.Contains(h.Log, "panic") && !allow.Panics
}

// resources judges what a run leaves.
func (v *verdict) resources() {
	for _, k := range v.h.Redis {
		if k.TTL < 0 && !slices.ContainsFunc(chat.Priorities(), func(p chat.Priority) bool {
			return k.Name == keys.Names{}.Queue(p) || k.Name == keys.Names{Tagged: true}.Queue(p)
		}) {
			v.found("G3", nil, "the key %s never expires", k.Name)
		}
	}
	for _, s := range []string{world.ProviderKey, world.Bearer} {
		if strings.Contains(v.h.Log, s) {
			v.found("D8", nil, "a secret in the log")
		}
	}
	if strings.Contains(v.h.Log, "DATA RACE") {
		v.found("G1", nil, "a data race in chatd")
	}
	if Panicked(v.h, v.terms.Allow) {
		v.found("G1", nil, "a panic in chatd")
	}
}

// Connections that are kept for the next use: to the database and to Redis, and
// to the provider one for each call, with two goroutines each.
const keptConnections = 16 + 32 + 60

// givenBack judges that each process gave back what the load used.
func (v *verdict) givenBack() {
	before := map[string]world.Gauges{}
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

// Short quotes a text, abbreviated if it is long.
func Short(s string) string {
	if len(s) <= 120 {
		return fmt.Sprintf("%q", s)
	}
	return fmt.Sprintf("%q…%q (%d bytes)", s[:60], s[len(s)-40:], len(s))
}
