package worker_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"chat"
	"chat/daemon/chunklog"
)

// chunks is the log as it is in Redis.
func (h *harness) chunks(acc chat.Accepted) []chat.Chunk {
	h.Helper()
	raw, err := h.rdb.LRange(h.Context(), names.Chunks(acc.TaskID), 0, -1).Result()
	h.must(err)
	if len(raw) == 0 { // perhaps it has ended, and is packed
		if packed, err := h.rdb.Get(h.Context(), names.Packed(acc.TaskID)).Bytes(); err == nil {
			raw = strings.Split(string(h.unzstd(packed)), "\n")
		}
	}
	chunks := make([]chat.Chunk, len(raw))
	for i, r := range raw {
		h.must(json.Unmarshal([]byte(r), &chunks[i]))
	}
	return chunks
}

func (h *harness) unzstd(packed []byte) []byte {
	h.Helper()
	d, err := zstd.NewReader(nil)
	h.must(err)
	defer d.Close()
	text, err := d.DecodeAll(packed, nil)
	h.must(err)
	return text
}

// judge reads a whole log as a client would, strictly, and returns the text of
// the final attempt.
func judge(chunks []chat.Chunk) (content, reasoning string, err error) {
	var parts chat.Parts
	attempt := 1
	for i, k := range chunks {
		switch {
		case k.Index != i:
			return "", "", fmt.Errorf("chunk %s is at place %d", k.Position(), i)
		case i > 0 && chunks[i-1].Terminal():
			return "", "", fmt.Errorf("%s after the terminal chunk", k.Position())
		case k.Attempt < attempt || k.Attempt > attempt && k.Type != chat.ChunkReset:
			return "", "", fmt.Errorf("attempt %d begins with %s %s", k.Attempt, k.Type, k.Position())
		}
		attempt = k.Attempt
		parts.Apply(k)
	}
	if len(chunks) == 0 || !chunks[len(chunks)-1].Terminal() {
		return "", "", errors.New("no terminal chunk")
	}
	return parts.Text(), parts.Reasoning(), nil
}

// said is the text of chunks that may not be all.
func said(chunks []chat.Chunk) string {
	var b strings.Builder
	for _, c := range chunks {
		b.WriteString(c.Content)
	}
	return b.String()
}

func formatChunks(chunks []chat.Chunk) string {
	var b strings.Builder
	for _, c := range chunks {
		fmt.Fprintf(&b, "%s %s %q; ", c.Position(), c.Type, c.Content)
	}
	return b.String()
}

// The log outlives Redis: what SQL has of it is what readers got, without the terminal chunk.
func TestTheLogIsStoredWithTheAnswer(t *testing.T) {
	t.Parallel()
	h := newHarness(t, setup{})
	h.work(workerOptions{})
	for _, prompt := range []string{"lie: reasoning=3 chunks=40", "lie: chunks=3", "lie: status=400"} {
		acc := h.submit(prompt)
		task, _ := h.ended(acc)
		h.eventually("the terminal chunk is in the log", func() bool { n := len(h.chunks(acc)); return n > 0 && h.chunks(acc)[n-1].Terminal() })
		want := h.chunks(acc)
		packed, err := h.store.ChunkLog(t.Context(), task.Owner, task.ID)
		h.must(err)
		var got []chat.EncodedChunk
		if len(packed) > 0 {
			got, err = chunklog.Decode(packed)
			h.must(err)
		}
		if len(got) != len(want)-1 || task.ChunkCount != len(want) {
			t.Fatalf("%s: SQL has %d of %d chunks, chunk_count is %d", prompt, len(got), len(want), task.ChunkCount)
		}
		for i := range got {
			if c, err := got[i].Decode(); err != nil || c.Content != want[i].Content || c.Position() != want[i].Position() {
				t.Errorf("%s: %+v (%v), want %+v", prompt, c, err, want[i])
			}
		}
	}
}
