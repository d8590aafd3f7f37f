package chunklogtest

import (
	"testing"

	"chat"
	"chat/daemon/keys"
)

func testSalvage(t *testing.T, b *bench) {
	w, _, err := b.log.Begin(t.Context(), b.task, always)
	if err != nil {
		t.Fatal(err)
	}
	w.Add(chat.Chunk{Type: chat.ChunkReasoning, Content: "hm"})
	w.Add(chat.Chunk{Type: chat.ChunkContent, Content: "whole"})
	if n, err := w.Seal(t.Context(), "length", true); err != nil || n != 2 {
		t.Fatalf("settled at %d: %v", n, err)
	}
	next := b.task
	next.Attempt = 2
	_, left, err := b.log.Begin(t.Context(), next, always)
	if err != nil || !left.Complete || left.Attempt != 1 || left.FinishReason != "length" || !left.Parts.Equal(chat.AnswerParts("hm", 0, "whole")) {
		t.Fatalf("left %+v (%v)", left, err)
	}
	next.Attempt = 3 // attempt 2 got nothing: that is not a whole answer
	if _, left, err = b.log.Begin(t.Context(), next, always); err != nil || left.Complete {
		t.Fatalf("left %+v (%v)", left, err)
	}
}

// testOnlyWholeAnswersAreSalvaged: what a later attempt may take over was settled as
// complete, and is still in Redis as it was then.
func testOnlyWholeAnswersAreSalvaged(t *testing.T, b *bench) {
	type end = chat.Chunk
	done := end{Type: chat.ChunkDone, MessageID: "msg", State: chat.TaskDone, FinishReason: "stop"}
	for name, tc := range map[string]struct {
		reason   string
		complete bool
		end      *end                                  // nil: it died before
		damage   func(t *testing.T, list, meta string) // afterwards
		whole    bool
	}{
		"complete":                        {reason: "stop", complete: true, whole: true},
		"complete, cut off by the limit":  {reason: "length", complete: true, whole: true},
		"complete, ended":                 {reason: "stop", complete: true, end: &done, whole: true},
		"cancelled":                       {reason: "cancelled"},
		"cancelled, ended":                {reason: "cancelled", end: &end{Type: chat.ChunkDone, State: chat.TaskCancelled, FinishReason: "cancelled"}},
		"complete, then the cancel won":   {reason: "stop", complete: true, end: &end{Type: chat.ChunkDone, State: chat.TaskCancelled, FinishReason: "cancelled"}},
		"handed back":                     {},
		"failed":                          {end: &end{Type: chat.ChunkError, State: chat.TaskFailed, Code: chat.CodeProviderCut, Content: "x"}},
		"interrupted, with a reason":      {reason: "stop", end: &end{Type: chat.ChunkError, State: chat.TaskInterrupted, Code: chat.CodeProviderCut, Content: "x", FinishReason: "stop"}},
		"a list without its last entry":   {reason: "stop", complete: true, damage: b.change("LTRIM", "list", 0, -2)},
		"a list without its first entry":  {reason: "stop", complete: true, damage: b.change("LTRIM", "list", 1, -1)},
		"a list with one entry":           {reason: "stop", complete: true, damage: b.change("LTRIM", "list", 0, 0)},
		"no list":                         {reason: "stop", complete: true, damage: b.change("DEL", "list")},
		"an entry that is no chunk":       {reason: "stop", complete: true, damage: b.change("LSET", "list", 1, "x")},
		"an entry at another place":       {reason: "stop", complete: true, damage: b.change("LSET", "list", 1, `{"chunk_index":2,"chunk_type":"content","content":"x","attempt":1}`)},
		"a last entry of another attempt": {reason: "stop", complete: true, damage: b.change("LSET", "list", -1, `{"chunk_index":3,"chunk_type":"content","content":"x","attempt":2}`)},
		"an entry more than was settled":  {reason: "stop", complete: true, damage: b.change("RPUSH", "list", `{"chunk_index":4,"chunk_type":"content","content":"x","attempt":1}`)},
		"a count of more entries":         {reason: "stop", complete: true, damage: b.change("HSET", "meta", "chunk_count", 5)},
		"a count of fewer entries":        {reason: "stop", complete: true, damage: b.change("HSET", "meta", "chunk_count", 3)},
		"no count":                        {reason: "stop", complete: true, damage: b.change("HDEL", "meta", "chunk_count")},
		"metadata of an older attempt":    {reason: "stop", complete: true, damage: b.change("HSET", "meta", "attempt", 0)},
		"metadata of a newer attempt":     {reason: "stop", complete: true, damage: b.change("HSET", "meta", "attempt", 2)},
		"no reason":                       {reason: "stop", complete: true, damage: b.change("HDEL", "meta", "finish_reason")},
		"no status":                       {reason: "stop", complete: true, damage: b.change("HDEL", "meta", "status")},
		"a task that was cancelled":       {reason: "stop", complete: true, damage: b.change("HSET", "meta", "status", "cancelled")},
		"a task that was interrupted":     {reason: "stop", complete: true, damage: b.change("HSET", "meta", "status", "interrupted")},
		"no metadata":                     {reason: "stop", complete: true, damage: b.change("DEL", "meta")},
		"the reason of a cancel":          {damage: b.change("HSET", "meta", "finish_reason", "cancelled")},
	} {
		t.Run(name, func(t *testing.T) {
			b.task.ID = "0199-" + name
			w, _, err := b.log.Begin(t.Context(), b.task, always)
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
				tc.damage(t, keys.Names{}.Chunks(b.task.ID), keys.Names{}.Metadata(b.task.ID))
			}
			read, err := b.log.Read(t.Context(), b.task.ID)
			if err != nil || read.Complete != tc.whole {
				t.Errorf("it reads as %+v (%v), want whole: %v", read, err, tc.whole)
			}
			next := b.task
			next.Attempt = 3
			if _, left, err := b.log.Begin(t.Context(), next, always); err != nil || left.Complete != tc.whole {
				t.Errorf("attempt 3 finds %+v (%v), want whole: %v", left, err, tc.whole)
			}
		})
	}
}

// change is a command on the list or the metadata of the bench's task.
func (b *bench) change(command, key string, args ...any) func(t *testing.T, list, meta string) {
	return func(t *testing.T, list, meta string) {
		t.Helper()
		all := append([]any{command, map[string]string{"list": list, "meta": meta}[key]}, args...)
		if err := b.Client.Do(t.Context(), all...).Err(); err != nil {
			t.Fatal(err)
		}
	}
}
