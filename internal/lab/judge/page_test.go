package judge_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"chat"
	"chat/internal/lab/history"
)

// at is an event of the page's stream.
func at(position, format string, args ...any) []history.Event {
	return []history.Event{{ID: position, Data: fmt.Sprintf(format, args...)}}
}

const newPart = `"parts":[{"part":0,"type":"text"}],`

// shows is the change of a block to a paragraph with these words.
func shows(block int, words ...string) string {
	return fmt.Sprintf(`"blocks":[{"part":0,"block":%d,"html":"<p>%s</p>"}]`, block, strings.TrimSpace(strings.Join(words, "")))
}

// pageEnd is the last event of the answer.
func pageEnd(position string, state chat.TaskState) []history.Event {
	return at(position, `{"end":{"chunk_type":"done","state":%q,"message_id":%q}}`, state, messageID)
}

// pageOf is a page whose one block shows these words.
func pageOf(t *testing.T, words ...string) *string {
	t.Helper()
	var p history.Page
	e := history.PageEvent{
		Parts:  []history.PagePart{{Type: chat.PartText}},
		Blocks: []history.PageBlock{{HTML: "<p>" + strings.TrimSpace(strings.Join(words, "")) + "</p>"}},
	}
	if err := p.Apply(e); err != nil {
		t.Fatal(err)
	}
	s := p.String()
	return &s
}

func TestThePageIsJudged(t *testing.T) {
	t.Parallel()
	first := at("2-1", "{%s%s}", newPart, shows(0, words(2, 0, 2)...))
	rest := at("2-3", "{%s}", shows(0, words(2, 0, tokens)...))
	end := pageEnd("2-4", chat.TaskDone)
	whole := func() *history.Exchange { return conn(history.EndTerminal, first, rest, end) }
	ended := &history.Exchange{Status: http.StatusNoContent, End: "204 No Content"}
	attempt1 := at("1-0", "{%s%s}", newPart, shows(0, words(1, 0, 3)...))
	reset := at("2-1", `{"reset":true,%s%s}`, newPart, shows(0, words(2, 0, 2)...))
	for name, c := range map[string]struct {
		want   string
		state  chat.TaskState
		stored *string
		conns  []*history.Exchange
		late   []*history.Exchange
	}{
		"the whole answer":               {conns: []*history.Exchange{whole()}, stored: pageOf(t, words(2, 0, tokens)...), late: []*history.Exchange{whole()}},
		"cut, then resumed":              {conns: []*history.Exchange{conn(cut, first), {End: "refused"}, conn(history.EndTerminal, rest, end)}, late: []*history.Exchange{whole()}},
		"a new attempt":                  {conns: []*history.Exchange{conn(cut, attempt1), conn(history.EndTerminal, reset, rest, end)}, late: []*history.Exchange{conn(history.EndTerminal, reset, rest, end)}},
		"all at a time":                  {conns: []*history.Exchange{conn(history.EndTerminal, at("2-4", `{%s%s,"end":{"state":"done","message_id":%q}}`, newPart, shows(0, words(2, 0, tokens)...), messageID))}},
		"two blocks, the first is ended": {conns: []*history.Exchange{conn(history.EndTerminal, first, at("2-2", "{%s}", shows(1, word(2, 2))), at("2-3", "{%s}", shows(1, words(2, 2, 4)...)), end)}},

		"a gap in the text":             {want: "C4", conns: []*history.Exchange{conn(history.EndTerminal, first, at("2-2", "{%s}", shows(0, word(2, 0), word(2, 2))), rest, end)}},
		"a gap after a cut":             {want: "C4", conns: []*history.Exchange{conn(cut, first), conn(history.EndTerminal, at("2-3", "{%s}", shows(1, word(2, 3))), end)}},
		"a word twice":                  {want: "C4", conns: []*history.Exchange{conn(history.EndTerminal, first, at("2-2", "{%s}", shows(0, word(2, 0), word(2, 0))), rest, end)}},
		"two attempts spliced":          {want: "C1 C3 C4", conns: []*history.Exchange{conn(cut, attempt1), conn(history.EndTerminal, at("2-2", "{%s}", shows(1, word(2, 3))), rest, end)}},
		"a new attempt without a reset": {want: "C3", conns: []*history.Exchange{conn(cut, attempt1), conn(history.EndTerminal, first, rest, end)}},
		"a block is missing":            {want: "C1", conns: []*history.Exchange{conn(history.EndTerminal, first, at("2-2", "{%s}", shows(2, word(2, 2))), rest, end)}},
		"a part is missing":             {want: "C1", conns: []*history.Exchange{conn(history.EndTerminal, first, at("2-2", `{"parts":[{"part":2,"type":"text"}]}`), rest, end)}},
		"a block without its part":      {want: "C1", conns: []*history.Exchange{conn(history.EndTerminal, at("2-0", "{%s}", shows(0, word(2, 0))), first, rest, end)}},
		"an ended block changes": {want: "C1", conns: []*history.Exchange{
			conn(history.EndTerminal, first, at("2-2", "{%s}", shows(1, words(2, 2, 4)...)), at("2-3", "{%s}", shows(0, words(2, 0, 2)...)), end),
		}},
		"an ended part changes": {want: "C1", conns: []*history.Exchange{
			conn(history.EndTerminal, first, rest, at("2-4", `{"parts":[{"part":1,"type":"tool_call"}]}`), at("2-5", `{"parts":[{"part":0,"type":"text"}]}`), pageEnd("2-6", chat.TaskDone)),
		}},
		"an event twice":               {want: "C2", conns: []*history.Exchange{conn(history.EndTerminal, first, first, rest, end)}},
		"an event twice after a cut":   {want: "C2", conns: []*history.Exchange{conn(cut, first), whole()}},
		"an event without a position":  {want: "C1", conns: []*history.Exchange{conn(history.EndTerminal, first, at("", `{}`), rest, end)}},
		"not JSON":                     {want: "C1", conns: []*history.Exchange{conn(history.EndTerminal, first, at("2-2", `{`), rest, end)}},
		"another text at a position":   {want: "C5", conns: []*history.Exchange{conn(history.EndTerminal, at("2-1", "{%s%s}", newPart, shows(0, word(2, 0))), rest, end)}, late: []*history.Exchange{whole()}},
		"a later page shows more":      {want: "C11 C5", conns: []*history.Exchange{whole()}, late: []*history.Exchange{conn(history.EndTerminal, first, at("2-3", "{%s}", shows(1, words(2, 2, 4)...)), end)}},
		"the last words are lost":      {want: "C4", conns: []*history.Exchange{conn(history.EndTerminal, first, end)}},
		"the stored message differs":   {want: "C4", stored: pageOf(t, words(2, 0, 3)...), conns: []*history.Exchange{whole()}},
		"ended twice":                  {want: "D1", conns: []*history.Exchange{whole(), conn(history.EndTerminal, pageEnd("2-5", chat.TaskDone))}},
		"something after the end":      {want: "D1", conns: []*history.Exchange{conn(history.EndTerminal, first, rest, end, at("2-5", "{%s}", shows(0, words(2, 0, tokens)...)))}},
		"no end":                       {want: "D1", conns: []*history.Exchange{conn(cut, first, rest), ended}},
		"an end that is none":          {want: "D1", conns: []*history.Exchange{conn(history.EndClean, first), conn(history.EndTerminal, rest, end)}},
		"the end of another state":     {want: "D1", conns: []*history.Exchange{conn(history.EndTerminal, first, rest, pageEnd("2-4", chat.TaskFailed))}},
		"the end of a cancelled task":  {state: chat.TaskCancelled, conns: []*history.Exchange{conn(history.EndTerminal, first, rest, pageEnd("2-4", chat.TaskCancelled))}},
		"a reset that changes nothing": {want: "C4", conns: []*history.Exchange{conn(history.EndTerminal, first, rest, at("2-4", `{"reset":true}`), pageEnd("2-5", chat.TaskDone))}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.state == "" {
				c.state = chat.TaskDone
			}
			list := []*history.Follower{{Kind: history.KindPage, Exchanges: c.conns, Stored: c.stored}}
			if c.late != nil {
				list = append(list, &history.Follower{Kind: history.KindFreshPage, Exchanges: c.late})
			}
			if got := promises(t, c.state, list...); got != c.want {
				t.Errorf("broken: %q, want %q", got, c.want)
			}
		})
	}
}
