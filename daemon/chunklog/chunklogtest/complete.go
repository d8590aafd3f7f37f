package chunklogtest

import (
	"testing"

	"chat"
)

func testComplete(t *testing.T, h *harness) {
	w, _, err := h.log.Begin(t.Context(), h.task, always)
	if err != nil {
		t.Fatal(err)
	}
	w.Add(chat.Chunk{Type: chat.ChunkReasoning, Content: "hm"})
	w.Add(chat.Chunk{Type: chat.ChunkContent, Content: "whole"})
	if n, err := w.Seal(t.Context(), "length", true); err != nil || n != 2 {
		t.Fatalf("sealed at %d: %v", n, err)
	}
	next := h.task
	next.Attempt = 2
	_, previous, err := h.log.Begin(t.Context(), next, always)
	if err != nil || !previous.Complete || previous.Attempt != 1 || previous.FinishReason != "length" || !previous.Parts.Equal(chat.AnswerParts("hm", 0, "whole")) {
		t.Fatalf("the previous answer is %+v (%v)", previous, err)
	}
	next.Attempt = 3 // attempt 2 received nothing, which is not a complete answer
	if _, previous, err = h.log.Begin(t.Context(), next, always); err != nil || previous.Complete {
		t.Fatalf("the previous answer is %+v (%v)", previous, err)
	}
}

// testIncomplete: an answer is complete if it was sealed as complete and has not changed
// in Redis since.
func testIncomplete(t *testing.T, h *harness) {
	type end = chat.Chunk
	done := end{Type: chat.ChunkDone, MessageID: "msg", State: chat.TaskDone, FinishReason: "stop"}
	for name, tc := range map[string]struct {
		reason   string
		complete bool
		end      *end                                  // nil if the writer died before
		damage   func(t *testing.T, list, meta string) // afterwards
		want     bool
	}{
		"complete":                        {reason: "stop", complete: true, want: true},
		"complete, cut off by the limit":  {reason: "length", complete: true, want: true},
		"complete, ended":                 {reason: "stop", complete: true, end: &done, want: true},
		"cancelled":                       {reason: "cancelled"},
		"cancelled, ended":                {reason: "cancelled", end: &end{Type: chat.ChunkDone, State: chat.TaskCancelled, FinishReason: "cancelled"}},
		"complete, then the cancel won":   {reason: "stop", complete: true, end: &end{Type: chat.ChunkDone, State: chat.TaskCancelled, FinishReason: "cancelled"}},
		"released":                        {},
		"failed":                          {end: &end{Type: chat.ChunkError, State: chat.TaskFailed, Code: chat.CodeProviderCut, Content: "x"}},
		"interrupted, with a reason":      {reason: "stop", end: &end{Type: chat.ChunkError, State: chat.TaskInterrupted, Code: chat.CodeProviderCut, Content: "x", FinishReason: "stop"}},
		"a list without its last entry":   {reason: "stop", complete: true, damage: h.change("LTRIM", "list", 0, -2)},
		"a list without its first entry":  {reason: "stop", complete: true, damage: h.change("LTRIM", "list", 1, -1)},
		"a list with one entry":           {reason: "stop", complete: true, damage: h.change("LTRIM", "list", 0, 0)},
		"no list":                         {reason: "stop", complete: true, damage: h.change("DEL", "list")},
		"an entry that is not a chunk":    {reason: "stop", complete: true, damage: h.change("LSET", "list", 1, "x")},
		"an entry at another index":       {reason: "stop", complete: true, damage: h.change("LSET", "list", 1, `{"chunk_index":2,"chunk_type":"content","content":"x","attempt":1}`)},
		"a last entry of another attempt": {reason: "stop", complete: true, damage: h.change("LSET", "list", -1, `{"chunk_index":3,"chunk_type":"content","content":"x","attempt":2}`)},
		"an entry more than were sealed":  {reason: "stop", complete: true, damage: h.change("RPUSH", "list", `{"chunk_index":4,"chunk_type":"content","content":"x","attempt":1}`)},
		"a count of more entries":         {reason: "stop", complete: true, damage: h.change("HSET", "meta", "chunk_count", 5)},
		"a count of fewer entries":        {reason: "stop", complete: true, damage: h.change("HSET", "meta", "chunk_count", 3)},
		"no count":                        {reason: "stop", complete: true, damage: h.change("HDEL", "meta", "chunk_count")},
		"metadata of an older attempt":    {reason: "stop", complete: true, damage: h.change("HSET", "meta", "attempt", 0)},
		"metadata of a newer attempt":     {reason: "stop", complete: true, damage: h.change("HSET", "meta", "attempt", 2)},
		"no reason":                       {reason: "stop", complete: true, damage: h.change("HDEL", "meta", "finish_reason")},
		"no status":                       {reason: "stop", complete: true, damage: h.change("HDEL", "meta", "status")},
		"a task that was cancelled":       {reason: "stop", complete: true, damage: h.change("HSET", "meta", "status", "cancelled")},
		"a task that was interrupted":     {reason: "stop", complete: true, damage: h.change("HSET", "meta", "status", "interrupted")},
		"no metadata":                     {reason: "stop", complete: true, damage: h.change("DEL", "meta")},
		"the reason of a cancellation":    {damage: h.change("HSET", "meta", "finish_reason", "cancelled")},
	} {
		t.Run(name, func(t *testing.T) {
			h.task.ID = "0199-" + name
			w, _, err := h.log.Begin(t.Context(), h.task, always)
			if err != nil {
				t.Fatal(err)
			}
			for i := range 4 {
				w.Add(chat.Chunk{Type: []chat.ChunkType{chat.ChunkReasoning, chat.ChunkContent}[i%2], Content: word(i)})
			}
			if _, err := w.Seal(t.Context(), tc.reason, tc.complete); err != nil {
				t.Fatal(err)
			}
			if tc.end != nil {
				if err := w.Close(t.Context(), *tc.end); err != nil {
					t.Fatal(err)
				}
			}
			if tc.damage != nil {
				tc.damage(t, h.Client.Names().Chunks(h.task.ID), h.Client.Names().Metadata(h.task.ID))
			}
			read, err := h.log.Read(t.Context(), h.task.ID)
			if err != nil || read.Complete != tc.want {
				t.Errorf("Read returned %+v (%v), want complete: %v", read, err, tc.want)
			}
			next := h.task
			next.Attempt = 3
			if _, previous, err := h.log.Begin(t.Context(), next, always); err != nil || previous.Complete != tc.want {
				t.Errorf("attempt 3 finds %+v (%v), want complete: %v", previous, err, tc.want)
			}
		})
	}
}

// change returns a function that runs a command on a task's list or metadata.
func (h *harness) change(command, key string, args ...any) func(t *testing.T, list, meta string) {
	return func(t *testing.T, list, meta string) {
		t.Helper()
		all := append([]any{command, map[string]string{"list": list, "meta": meta}[key]}, args...)
		if err := h.Client.Do(t.Context(), all...).Err(); err != nil {
			t.Fatal(err)
		}
	}
}
