package surface_test

import (
	"testing"

	"chat"
	"chat/daemon/api/surface"
)

// types is an encoder that writes the types of chunks.
type types struct{ surface.Encoder }

func (types) Append(dst []byte, c chat.EncodedChunk) ([]byte, error) {
	return append(append(append(dst, c.Type...), c.Position().String()...), ' '), nil
}

func TestAResetBeforeTheLatestAttemptIsNotSeen(t *testing.T) {
	t.Parallel()
	text, reset, done := chat.ChunkContent, chat.ChunkReset, chat.ChunkDone
	for name, c := range map[string]struct {
		attempt int
		chunks  []chat.Chunk
		want    string
	}{
		"one attempt":    {1, []chat.Chunk{{Type: text, Attempt: 1}, {Type: done, Attempt: 1, Index: 1}}, "content1-0 done1-1 "},
		"two attempts":   {2, []chat.Chunk{{Type: text, Attempt: 1}, {Type: reset, Attempt: 2, Index: 1}, {Type: text, Attempt: 2, Index: 2}}, "reset2-1 content2-2 "},
		"three attempts": {3, []chat.Chunk{{Type: text, Attempt: 1}, {Type: reset, Attempt: 2, Index: 1}, {Type: reset, Attempt: 3, Index: 2}}, "reset3-2 "},
		"a later reset":  {1, []chat.Chunk{{Type: text, Attempt: 1}, {Type: reset, Attempt: 2, Index: 1}}, "content1-0 reset2-1 "},
		"not begun yet":  {2, []chat.Chunk{{Type: text, Attempt: 1}}, ""},
		"an answer that the next attempt found whole": {2, []chat.Chunk{{Type: text, Attempt: 1}, {Type: done, Attempt: 2, Index: 1}}, "content1-0 done2-1 "},
	} {
		e := surface.Latest(types{}, chat.Task{Attempt: c.attempt})
		var got []byte
		for _, k := range c.chunks {
			encoded, err := k.Encode()
			if err == nil {
				got, err = e.Append(got, encoded)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if string(got) != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// The end of a task whose worker is gone can come with a reset under an attempt that the task
// never had. A client that comes back after it gets what is left, not the same reset again.
func TestAnEndedTaskHasNoResetAhead(t *testing.T) {
	t.Parallel()
	e := surface.Latest(types{}, chat.Task{Attempt: 1, State: chat.TaskCancelled})
	var got []byte
	for _, c := range []chat.Chunk{
		{Type: chat.ChunkContent, Attempt: 1},
		{Type: chat.ChunkReset, Attempt: 2},
		{Type: chat.ChunkContent, Attempt: 2, Index: 1},
		{Type: chat.ChunkDone, State: chat.TaskCancelled, Attempt: 2, Index: 2},
	} {
		encoded, err := c.Encode()
		if err == nil {
			got, err = e.Append(got, encoded)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if want := "reset2-0 content2-1 done2-2 "; string(got) != want {
		t.Errorf("%q, want %q", got, want)
	}
}
