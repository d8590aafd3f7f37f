package openai

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"chat"
	"chat/daemon/api/surface"
)

// event is an event as a client reads it.
type event struct {
	Type   string `json:"type"`
	Number int    `json:"sequence_number"`
	Delta  string `json:"delta"`
	ItemID string `json:"item_id"`
	Index  int    `json:"output_index"`
	Item   struct {
		ID, Type, Status, Name, Arguments string
		Content, Summary                  []struct{ Text string }
	}
	Response *struct {
		Status            string
		Output            []json.RawMessage
		Usage             *responseUsage
		IncompleteDetails *struct{ Reason string } `json:"incomplete_details"`
		Error             *struct{ Code, Message string }
	}
	raw string
}

var aTask = chat.Task{ID: "01900000-0000-7000-8000-000000000001", CreatedAt: time.Unix(1_800_000_000, 0)}

// encode returns the events of chunks for a reader who has those up to after.
func encode(t *testing.T, after int, chunks ...chat.Chunk) []event {
	t.Helper()
	e := newEvents(aTask, after)
	out := e.Open(nil)
	for _, c := range chunks {
		encoded, err := c.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if out, err = e.Append(out, encoded); err != nil {
			t.Fatal(err)
		}
	}
	return parse(t, string(out))
}

func parse(t *testing.T, out string) []event {
	t.Helper()
	var list []event
	for frame := range strings.SplitSeq(strings.TrimSuffix(out, "data: [DONE]\n\n"), "\n\n") {
		frame = strings.TrimPrefix(frame, string((&eventEncoder{}).Idle(nil)))
		if frame == "" {
			continue
		}
		name, data, found := strings.Cut(frame, "\ndata: ")
		var e event
		if err := json.Unmarshal([]byte(data), &e); err != nil || !found {
			t.Fatalf("%v in %q", err, frame)
		}
		if e.raw = data; name != "event: "+e.Type {
			t.Errorf("%s names %s", name, e.Type)
		}
		list = append(list, e)
	}
	return list
}

// log numbers chunks as a writer does. An attempt follows each chunk of the type reset that
// has no attempt yet.
func log(chunks ...chat.Chunk) []chat.Chunk {
	for i := range chunks {
		chunks[i].Index = i
		if chunks[i].Attempt == 0 {
			chunks[i].Attempt = 1
			if i > 0 {
				chunks[i].Attempt = chunks[i-1].Attempt
				if chunks[i].Type == chat.ChunkReset {
					chunks[i].Attempt++
				}
			}
		}
	}
	return chunks
}

func text(s string) chat.Chunk      { return chat.Chunk{Type: chat.ChunkContent, Content: s} }
func reasoning(s string) chat.Chunk { return chat.Chunk{Type: chat.ChunkReasoning, Content: s} }
func call(id, name, arguments string) chat.Chunk {
	return chat.Chunk{Type: chat.ChunkToolCall, CallID: id, Name: name, Content: arguments}
}

func done(reason string) chat.Chunk {
	return chat.Chunk{Type: chat.ChunkDone, State: chat.TaskDone, FinishReason: reason, Usage: &chat.Usage{
		PromptTokens: 10, CompletionTokens: 4, TotalTokens: 14, CachedTokens: 7, CacheWriteTokens: 2, ReasoningTokens: 3,
	}}
}

func types(list []event) string {
	var out []string
	for _, e := range list {
		out = append(out, strings.TrimPrefix(e.Type, "response."))
	}
	return strings.Join(out, " ")
}

func TestEventsComeInTheOrderThatClientsNeed(t *testing.T) {
	t.Parallel()
	got := encode(t, -1, log(reasoning("hm"), text("a\n\"b\""), text("c"), call("c1", "f", `{"x":`), call("c1", "", "1}"), done("tool_calls"))...)
	want := "created in_progress " +
		"output_item.added reasoning_summary_part.added reasoning_summary_text.delta reasoning_summary_text.done reasoning_summary_part.done output_item.done " +
		"output_item.added content_part.added output_text.delta output_text.delta output_text.done content_part.done output_item.done " +
		"output_item.added function_call_arguments.delta function_call_arguments.delta function_call_arguments.done output_item.done completed"
	if types(got) != want {
		t.Fatalf("%s\nwant %s", types(got), want)
	}
	for i, e := range got {
		if e.Number != i {
			t.Errorf("event %d has the number %d", i, e.Number)
		}
	}
	last := got[len(got)-1]
	if r := last.Response; r.Status != statusCompleted || len(r.Output) != 3 || *r.Usage != (responseUsage{10, inputDetails{7, 2}, 4, outputDetails{3}, 14}) {
		t.Errorf("%s", last.raw)
	}
	item := got[len(got)-2].Item
	if item.Type != kindCall || item.Name != "f" || item.Arguments != `{"x":1}` || item.Status != statusCompleted {
		t.Errorf("%+v", item)
	}
	if message := got[14].Item; message.Content[0].Text != "a\n\"b\"c" {
		t.Errorf("%+v", message)
	}
}

func TestOutcomesHaveTheNamesThatClientsKnow(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		last                   chat.Chunk
		typ, status, item, why string
	}{
		"complete":  {done("stop"), "response.completed", "completed", "completed", ""},
		"cut":       {done("length"), "response.incomplete", "incomplete", "incomplete", "max_output_tokens"},
		"filtered":  {done("content_filter"), "response.incomplete", "incomplete", "incomplete", "content_filter"},
		"cancelled": {chat.Chunk{Type: chat.ChunkDone, State: chat.TaskCancelled, FinishReason: "cancelled"}, "response.incomplete", "cancelled", "incomplete", ""},
		"failed":    {chat.Chunk{Type: chat.ChunkError, State: chat.TaskInterrupted, Code: chat.CodeProviderCut, Content: "cut"}, "response.failed", "failed", "incomplete", "provider_cut"},
	} {
		got := encode(t, -1, log(text("a"), tc.last)...)
		last, item := got[len(got)-1], got[len(got)-2].Item
		why := ""
		if d := last.Response.IncompleteDetails; d != nil {
			why = d.Reason
		}
		if e := last.Response.Error; e != nil {
			why = e.Code
		}
		if last.Type != tc.typ || last.Response.Status != tc.status || item.Status != tc.item || why != tc.why {
			t.Errorf("%s: %s, item %s", name, last.raw, item.Status)
		}
	}
}

// accumulate does with events what the official helper does: it accepts no index twice. An
// event response.in_progress makes everything before it void.
func accumulate(t *testing.T, list []event) (texts []string) {
	t.Helper()
	at := map[int]int{} // the place of an index in texts
	for _, e := range list {
		switch {
		case e.Response != nil && e.Type == "response.in_progress":
			texts = nil
			if e.Number%attemptBase == 0 { // a replay begins here
				clear(at)
			}
		case e.Type == "response.output_item.added":
			if _, twice := at[e.Index]; twice {
				t.Errorf("two items have the index %d", e.Index)
			}
			at[e.Index] = len(texts)
			texts = append(texts, "")
		case e.Delta != "":
			texts[at[e.Index]] += e.Delta
		}
	}
	return texts
}

func TestAResetLeavesNothingOfTheAttemptBefore(t *testing.T) {
	t.Parallel()
	got := encode(t, -1, log(reasoning("hm"), text("Hel"), chat.Chunk{Type: chat.ChunkReset}, text("Good "), text("day"), done("stop"))...)
	if texts := accumulate(t, got); len(texts) != 1 || texts[0] != "Good day" {
		t.Errorf("%q", texts)
	}
	seen := map[string]bool{}
	for i, e := range got {
		if e.Number != i {
			t.Errorf("event %d has the number %d", i, e.Number)
		}
		if e.Type == "response.output_item.added" {
			if seen[e.Item.ID] {
				t.Errorf("two items have the id %s", e.Item.ID)
			}
			seen[e.Item.ID] = true
		}
	}
	if last := got[len(got)-1].Response; len(last.Output) != 1 {
		t.Errorf("%s", got[len(got)-1].raw)
	}
}

// After Redis and the worker have failed together, the log begins with the reset of a later
// attempt. A client at a number of the lost one gets all of the new.
func TestNumbersNeverStandForTwoEvents(t *testing.T) {
	t.Parallel()
	first := encode(t, -1, log(text("one "), text("two "), text("three "))...)
	later := log(chat.Chunk{Type: chat.ChunkReset, Attempt: 2}, chat.Chunk{Type: chat.ChunkContent, Content: "1", Attempt: 2}, chat.Chunk{Type: chat.ChunkDone, State: chat.TaskDone, Attempt: 2})
	seen := len(first) - 1
	rest := encode(t, seen, later...)
	if rest[0].Type != "response.in_progress" || rest[0].Number != attemptBase {
		t.Errorf("%s", rest[0].raw)
	}
	if texts := accumulate(t, append(first, rest...)); len(texts) != 1 || texts[0] != "1" {
		t.Errorf("%q", texts)
	}
}

// A reader who was connected when the log was lost gets the events of the new one under the
// numbers under which all others get them, beginning with the one that voids the old text.
func TestAConnectedReaderGetsTheNumbersOfANewLog(t *testing.T) {
	t.Parallel()
	later := log(chat.Chunk{Type: chat.ChunkReset, Attempt: 2}, chat.Chunk{Type: chat.ChunkContent, Content: "1", Attempt: 2}, chat.Chunk{Type: chat.ChunkDone, State: chat.TaskDone, Attempt: 2})
	whole := encode(t, -1, append(log(text("one "), text("two ")), later...)...)
	others := encode(t, 1, later...) // without what comes before the first chunk
	connected := whole[len(whole)-len(others):]
	for i := range others {
		if connected[i].Number != others[i].Number || connected[i].Type != others[i].Type {
			t.Errorf("%d %s, others get %d %s", connected[i].Number, connected[i].Type, others[i].Number, others[i].Type)
		}
	}
	for i, e := range whole[:len(whole)-len(others)] {
		if e.Number != i {
			t.Errorf("event %d has the number %d", i, e.Number)
		}
	}
	if texts := accumulate(t, whole); len(texts) != 1 || texts[0] != "1" {
		t.Errorf("%q", texts)
	}
}

// A reader may come back at any number, and gets the bytes that it would have got.
func TestEveryNumberIsAPosition(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var chunks []chat.Chunk
		for range random.IntN(12) {
			switch random.IntN(7) {
			case 0, 1:
				chunks = append(chunks, text(fmt.Sprintf("t%d ü\u2028", random.IntN(9))))
			case 2:
				chunks = append(chunks, reasoning("r"), chat.Chunk{Type: chat.ChunkReasoning, DurationMS: 5})
			case 3:
				chunks = append(chunks, call(fmt.Sprintf("c%d", random.IntN(3)), "f", "{}"))
			case 4:
				chunks = append(chunks, chat.Chunk{Type: chat.ChunkReset})
			case 5:
				chunks = append(chunks, chat.Chunk{Type: "of_a_later_version", Content: "?"})
			case 6:
				chunks = append(chunks, text(""))
			}
		}
		chunks = log(append(chunks, done("stop"))...)
		whole := encode(t, -1, chunks...)
		for after := range whole {
			rest := encode(t, after, chunks...)
			if len(rest) != len(whole)-after-1 {
				t.Fatalf("after %d there are %d events, want %d", after, len(rest), len(whole)-after-1)
			}
			for i := range rest {
				if rest[i].raw != whole[after+1+i].raw {
					t.Fatalf("after %d: %s, want %s", after, rest[i].raw, whole[after+1+i].raw)
				}
			}
		}
		var parts chat.Parts
		for _, c := range chunks {
			parts.Apply(c)
		}
		if texts := strings.Join(accumulate(t, whole), ""); texts != joined(parts) {
			t.Fatalf("%q, want %q", texts, joined(parts))
		}
	}
}

func joined(parts chat.Parts) (out string) {
	for _, p := range parts {
		out += p.Text
	}
	return out
}

// Some clients take an empty line for the end of an event, whatever was before it.
func TestAQuietStreamHasNoEmptyEvents(t *testing.T) {
	t.Parallel()
	for _, e := range []surface.Encoder{newEvents(aTask, -1), &completionEncoder{}} {
		if got := string(e.Idle(nil)); !strings.HasPrefix(got, ":") || strings.Index(got, "\n") != len(got)-1 {
			t.Errorf("%T: %q", e, got)
		}
	}
}

func TestEveryStreamBeginsImmediately(t *testing.T) {
	t.Parallel()
	for after := -1; after < 4; after++ {
		if got := newEvents(aTask, after).Open(nil); len(got) == 0 {
			t.Errorf("after %d: nothing", after)
		}
	}
}
