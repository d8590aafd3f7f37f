package judge_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"chat"
	"chat/internal/lab/history"
	"chat/internal/lab/judge"
)

// uiText is a stream of the AI SDK that has these pieces so far.
func uiText(pieces ...string) []history.Event {
	out := data(fmt.Sprintf(`{"type":"start","messageId":%q}`, messageID), `{"type":"start-step"}`, `{"type":"text-start","id":"text-0"}`)
	return append(out, uiPieces("text-0", pieces...)...)
}

func uiPieces(id string, pieces ...string) (out []history.Event) {
	for _, p := range pieces {
		out = append(out, data(fmt.Sprintf(`{"type":"text-delta","id":%q,"delta":%q}`, id, p))...)
	}
	return out
}

func uiEnd() []history.Event {
	return data(`{"type":"text-end","id":"text-0"}`, `{"type":"finish-step"}`, `{"type":"finish","finishReason":"stop"}`, `[DONE]`)
}

func TestTheStreamOfTheAISDKIsJudged(t *testing.T) {
	t.Parallel()
	whole := func() *history.Exchange { return conn(history.EndTerminal, uiText(words(2, 0, tokens)...), uiEnd()) }
	ended := &history.Exchange{Status: http.StatusNoContent, End: "204 No Content"}
	stored, other := answer(), "another text"
	for name, c := range map[string]struct {
		want   string
		state  chat.TaskState
		stored *string
		conns  []*history.Exchange
	}{
		"the whole answer":                      {conns: []*history.Exchange{whole()}},
		"cut, then resumed":                     {conns: []*history.Exchange{conn(cut, uiText(words(2, 0, 2)...)), whole()}},
		"cut by a reset, then the next attempt": {conns: []*history.Exchange{conn(cut, uiText(words(1, 0, 3)...)), whole()}},
		"resumed after the end":                 {stored: &stored, conns: []*history.Exchange{conn(cut, uiText(words(2, 0, 2)...)), ended}},
		"stopped": {state: chat.TaskCancelled, conns: []*history.Exchange{
			conn(history.EndTerminal, uiText(words(2, 0, tokens)...), data(`{"type":"text-end","id":"text-0"}`, `{"type":"abort","reason":"stopped"}`, `[DONE]`)),
		}},

		"a gap":                    {want: "C4", conns: []*history.Exchange{conn(history.EndTerminal, uiText(words(2, 0, 2)...), uiPieces("text-0", words(2, 3, 4)...), uiEnd())}},
		"a gap before a cut":       {want: "C4", conns: []*history.Exchange{conn(cut, uiText(words(2, 0, 1)...), uiPieces("text-0", word(2, 3))), whole()}},
		"a piece twice":            {want: "C4", conns: []*history.Exchange{conn(cut, uiText(word(2, 0), word(2, 1), word(2, 1))), whole()}},
		"two attempts spliced":     {want: "C4", conns: []*history.Exchange{conn(cut, uiText(word(1, 0), word(1, 1), word(2, 2))), whole()}},
		"the beginning is missing": {want: "C4", conns: []*history.Exchange{conn(history.EndTerminal, uiText(words(2, 1, tokens)...), uiEnd())}},
		"the last piece is lost":   {want: "C4", conns: []*history.Exchange{conn(history.EndTerminal, uiText(words(2, 0, 3)...), uiEnd())}},
		"the answer of the first attempt": {
			want: "C4", conns: []*history.Exchange{conn(history.EndTerminal, uiText(words(1, 0, 3)...), uiEnd())},
		},
		"begun twice on a connection": {want: "C1", conns: []*history.Exchange{
			conn(history.EndTerminal, uiText(), data(`{"type":"text-end","id":"text-0"}`), data(fmt.Sprintf(`{"type":"start","messageId":%q}`, messageID)),
				data(`{"type":"text-start","id":"text-1"}`), uiPieces("text-1", words(2, 0, tokens)...), uiEnd()),
		}},
		"a piece of no text":               {want: "C1", conns: []*history.Exchange{conn(history.EndTerminal, uiText(words(2, 0, 3)...), uiPieces("text-7", word(2, 3)), uiEnd())}},
		"an end inside a text":             {want: "C1", conns: []*history.Exchange{conn(history.EndTerminal, uiText(words(2, 0, tokens)...), uiEnd()[2:])}},
		"a text that begins again":         {want: "C1", conns: []*history.Exchange{conn(history.EndTerminal, uiText(), data(`{"type":"text-end"}`, `{"type":"text-start","id":"text-0"}`), uiPieces("text-0", words(2, 0, tokens)...), uiEnd())}},
		"another message":                  {want: "C1", conns: []*history.Exchange{conn(history.EndTerminal, data(`{"type":"start","messageId":"x"}`), uiText(words(2, 0, tokens)...)[1:], uiEnd())}},
		"not JSON":                         {want: "C1", conns: []*history.Exchange{conn(history.EndTerminal, uiText(words(2, 0, tokens)...), data(`{`), uiEnd())}},
		"ended twice":                      {want: "D1", conns: []*history.Exchange{whole(), whole()}},
		"ended twice on a connection":      {want: "C1 D1", conns: []*history.Exchange{conn(history.EndTerminal, uiText(words(2, 0, tokens)...), uiEnd(), uiEnd()[1:])}},
		"text after the end":               {want: "C1", conns: []*history.Exchange{conn(history.EndTerminal, uiText(words(2, 0, tokens)...), uiEnd(), data(`{"type":"start-step"}`))}},
		"an end that is none":              {want: "D1", conns: []*history.Exchange{conn(history.EndClean, uiText(words(2, 0, 2)...)), whole()}},
		"[DONE] without an end":            {want: "D1", conns: []*history.Exchange{conn(history.EndTerminal, uiText(words(2, 0, tokens)...), data(`[DONE]`))}},
		"the end of another state":         {want: "D1", state: chat.TaskCancelled, conns: []*history.Exchange{whole()}},
		"no end and no message":            {want: "D1", conns: []*history.Exchange{conn(cut, uiText(words(2, 0, 2)...)), ended}},
		"another stored text":              {want: "D2", stored: &other, conns: []*history.Exchange{conn(cut, uiText(words(2, 0, 2)...)), ended}},
		"an end, and another stored text":  {want: "D2", stored: &other, conns: []*history.Exchange{whole()}},
		"a second task for one message":    {want: "A3", conns: []*history.Exchange{{Status: http.StatusOK, TaskID: "other", End: cut}, whole()}},
		"the last connection was cut only": {want: "D1", conns: []*history.Exchange{conn(cut, uiText(words(2, 0, tokens)...))}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.state == "" {
				c.state = chat.TaskDone
			}
			got := promises(t, c.state, &history.Follower{Kind: history.KindUIStream, Sends: true, Exchanges: c.conns, Stored: c.stored})
			if got != c.want {
				t.Errorf("broken: %q, want %q", got, c.want)
			}
		})
	}
}

// A reader of a chat may come to the next answer of the chat: its own has ended then.
func TestAnotherAnswerOfTheChatIsNotJudged(t *testing.T) {
	t.Parallel()
	stored := answer()
	next := &history.Exchange{Status: http.StatusOK, TaskID: "next", End: "another answer"}
	if got := promises(t, chat.TaskDone, &history.Follower{Kind: history.KindUIStream, Exchanges: []*history.Exchange{next}, Stored: &stored}); got != "" {
		t.Error(got)
	}
	if got := promises(t, chat.TaskDone, &history.Follower{Kind: history.KindUIStream, Exchanges: []*history.Exchange{next}}); got != "D1" {
		t.Error(got)
	}
}

// After a reset a client comes back: the attempt that was given up must not be shown again.
func TestAnAttemptThatWasGivenUpIsNotShownAgain(t *testing.T) {
	t.Parallel()
	for want, after := range map[string]time.Duration{"": 600 * time.Millisecond, "C3": 900 * time.Millisecond} {
		again := conn(cut, chunks(words(1, 0, 3)...), failure("answer_restarted"))
		again.Opened = time.Now().Add(after)
		whole := conn(history.EndTerminal, chunks(words(2, 0, tokens)...), stop())
		whole.Opened = again.Opened
		if got := promises(t, chat.TaskDone, &history.Follower{Kind: history.KindCompletion, Sends: true, Exchanges: []*history.Exchange{again, whole}}); got != want {
			t.Errorf("opened after %s: broken: %q, want %q", after, got, want)
		}
	}
}

// chunks is a completion that has these pieces so far.
func chunks(pieces ...string) []history.Event {
	out := data(chunk(`{"role":"assistant","content":""}`, "null"))
	return append(out, more(pieces...)...)
}

func more(pieces ...string) (out []history.Event) {
	for _, p := range pieces {
		out = append(out, data(chunk(fmt.Sprintf(`{"content":%q}`, p), "null"))...)
	}
	return out
}

func chunk(delta, reason string) string {
	return fmt.Sprintf(`{"id":"chatcmpl-01900001","choices":[{"index":0,"delta":%s,"finish_reason":%s}]}`, delta, reason)
}

func stop() []history.Event { return data(chunk(`{}`, `"stop"`), `[DONE]`) }

func failure(code string) []history.Event {
	return data(`{"error":{"message":"x","code":"` + code + `"}}`)
}

func TestChatCompletionsAreJudged(t *testing.T) {
	t.Parallel()
	whole := func() *history.Exchange { return conn(history.EndTerminal, chunks(words(2, 0, tokens)...), stop()) }
	for name, c := range map[string]struct {
		want  string
		state chat.TaskState
		conns []*history.Exchange
	}{
		"the whole answer":            {conns: []*history.Exchange{whole()}},
		"cut, then repeated":          {conns: []*history.Exchange{{End: "reset"}, conn(cut, chunks(words(2, 0, 2)...)), whole()}},
		"cut before the last event":   {conns: []*history.Exchange{conn(cut, chunks(words(2, 0, tokens)...), stop()[:1]), whole()}},
		"started again, and repeated": {conns: []*history.Exchange{conn(cut, chunks(words(1, 0, 3)...), failure("answer_restarted")), whole()}},
		"cancelled":                   {state: chat.TaskCancelled, conns: []*history.Exchange{conn(history.EndTerminal, chunks(words(2, 0, tokens)...), failure("cancelled"))}},
		"failed, without a reason":    {want: "D8", state: chat.TaskFailed, conns: []*history.Exchange{conn(history.EndTerminal, chunks(words(2, 0, tokens)...), failure("provider_error"))}},

		"a gap":                        {want: "C4", conns: []*history.Exchange{conn(history.EndTerminal, chunks(word(2, 0), word(2, 2), word(2, 3)), stop())}},
		"a gap before a cut":           {want: "C4", conns: []*history.Exchange{conn(cut, chunks(word(2, 0), word(2, 2))), whole()}},
		"a piece twice":                {want: "C4", conns: []*history.Exchange{conn(cut, chunks(word(2, 0), word(2, 0))), whole()}},
		"two attempts spliced":         {want: "C4", conns: []*history.Exchange{conn(cut, chunks(word(1, 0), word(1, 1), word(2, 2))), whole()}},
		"continued instead of again":   {want: "C4", conns: []*history.Exchange{conn(cut, chunks(words(2, 0, 2)...)), conn(history.EndTerminal, chunks(words(2, 2, 4)...), stop())}},
		"the last piece is lost":       {want: "C4", conns: []*history.Exchange{conn(history.EndTerminal, chunks(words(2, 0, 3)...), stop())}},
		"begun twice":                  {want: "C1", conns: []*history.Exchange{conn(history.EndTerminal, chunks(), chunks(words(2, 0, tokens)...), stop())}},
		"the beginning is missing":     {want: "C1", conns: []*history.Exchange{conn(history.EndTerminal, more(words(2, 0, tokens)...), stop())}},
		"of another completion":        {want: "C1", conns: []*history.Exchange{conn(history.EndTerminal, chunks(words(2, 0, tokens)...), data(`{"id":"chatcmpl-1","choices":[{}]}`), stop())}},
		"text after the finish reason": {want: "C1", conns: []*history.Exchange{conn(history.EndTerminal, chunks(words(2, 0, 3)...), stop()[:1], more(word(2, 3)), stop())}},
		"text after the restart":       {want: "C1", conns: []*history.Exchange{conn(cut, chunks(words(2, 0, 1)...), failure("answer_restarted"), more(word(2, 1))), whole()}},
		"[DONE] twice":                 {want: "C1 D1", conns: []*history.Exchange{conn(history.EndTerminal, chunks(words(2, 0, tokens)...), stop(), data(`[DONE]`))}},
		"[DONE] only":                  {want: "C1", conns: []*history.Exchange{conn(history.EndTerminal, chunks(words(2, 0, tokens)...), data(`[DONE]`))}},
		"not JSON":                     {want: "C1", conns: []*history.Exchange{conn(history.EndTerminal, chunks(words(2, 0, tokens)...), data(`{`), stop())}},
		"ended twice":                  {want: "D1", conns: []*history.Exchange{whole(), whole()}},
		"an end that is none":          {want: "D1", conns: []*history.Exchange{conn(history.EndClean, chunks(words(2, 0, 2)...)), whole()}},
		"no end":                       {want: "D1", conns: []*history.Exchange{conn(cut, chunks(words(2, 0, tokens)...))}},
		"the end of another state":     {want: "D1", conns: []*history.Exchange{conn(history.EndTerminal, chunks(words(2, 0, tokens)...), failure("cancelled"))}},
		"the key made a second task":   {want: "A3", conns: []*history.Exchange{{Status: http.StatusOK, TaskID: "other", End: cut}, whole()}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.state == "" {
				c.state = chat.TaskDone
			}
			if got := promises(t, c.state, &history.Follower{Kind: history.KindCompletion, Sends: true, Exchanges: c.conns}); got != c.want {
				t.Errorf("broken: %q, want %q", got, c.want)
			}
		})
	}
}

func TestAFormatThatNobodyFollowedBreaksARun(t *testing.T) {
	t.Parallel()
	h := &history.History{Formats: []string{history.KindPage, history.KindCompletion}}
	h.Add(&history.Ask{Chain: &history.Chain{}, Refused: &chat.Error{}, Followers: []*history.Follower{
		{Kind: history.KindPage, Exchanges: []*history.Exchange{{}}}, {Kind: history.KindCompletion, Gave: "up", Exchanges: []*history.Exchange{{}}},
	}})
	list := judge.Judge(h, judge.Terms{})
	if len(list) != 1 || list[0].Promise != "C5" {
		t.Errorf("%v", list)
	}
}
