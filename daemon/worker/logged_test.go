package worker_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/klauspost/compress/zstd"

	"chat"
)

// chunks is the log as it is in Redis.
func (l *lab) chunks(acc chat.Accepted) []chat.Chunk {
	l.Helper()
	raw, err := l.rdb.LRange(l.Context(), names.Chunks(acc.TaskID), 0, -1).Result()
	l.must(err)
	if len(raw) == 0 { // perhaps it has ended, and is packed
		if packed, err := l.rdb.Get(l.Context(), names.Packed(acc.TaskID)).Bytes(); err == nil {
			raw = strings.Split(string(l.unzstd(packed)), "\n")
		}
	}
	chunks := make([]chat.Chunk, len(raw))
	for i, r := range raw {
		l.must(json.Unmarshal([]byte(r), &chunks[i]))
	}
	return chunks
}

func (l *lab) unzstd(packed []byte) []byte {
	l.Helper()
	d, err := zstd.NewReader(nil)
	l.must(err)
	defer d.Close()
	text, err := d.DecodeAll(packed, nil)
	l.must(err)
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

func told(chunks []chat.Chunk) string {
	var b strings.Builder
	for _, c := range chunks {
		fmt.Fprintf(&b, "%s %s %q; ", c.Position(), c.Type, c.Content)
	}
	return b.String()
}
