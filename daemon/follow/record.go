package follow

import (
	"context"

	"chat"
)

// record is a finished task as SQL holds it, as a stream. SQL does not know where the
// log's chunks began and ended, so the record has positions of its own, under attempts
// that were never made: the one after the last for a reader who has seen nothing, and
// the next one, which begins with a reset, for a reader with a position inside the text.
type record struct {
	task  chat.Task
	fresh []chat.Chunk
	again []chat.Chunk
}

// recordOf returns the record of a task that has ended, else nil.
func (f *Follower) recordOf(ctx context.Context, owner string, task chat.Task) (*record, error) {
	if !task.State.Terminal() {
		return nil, nil
	}
	m, err := f.store.Answer(ctx, owner, task.ID)
	if err != nil {
		return nil, err
	}
	chunks := m.Parts.Chunks()
	if c, ok := task.TerminalChunk(0, 0); ok {
		chunks = append(chunks, c)
	}
	reset := []chat.Chunk{{Type: chat.ChunkReset}}
	return &record{task, withPositions(chunks, task.Attempt+1), withPositions(append(reset, chunks...), task.Attempt+2)}, nil
}

// withPositions returns chunks at the positions of attempt, from 0 on.
func withPositions(chunks []chat.Chunk, attempt int) []chat.Chunk {
	out := make([]chat.Chunk, len(chunks))
	for i, c := range chunks {
		c.Attempt, c.Index = attempt, i
		out[i] = c
	}
	return out
}

// sequenceOf returns the sequence of the record that p is a position of, or nil.
func (r *record) sequenceOf(p chat.Position) []chat.Chunk {
	switch p.Attempt {
	case r.task.Attempt + 1:
		return r.fresh
	case r.task.Attempt + 2:
		return r.again
	}
	return nil
}

// ended reports whether a reader at p has seen the terminal chunk.
func (r *record) ended(p chat.Position) bool {
	if p.IsStart() {
		return false
	}
	if seq := r.sequenceOf(p); seq != nil {
		return p.Index >= len(seq)-1
	}
	return r.inLog(p) && r.task.ChunkCount > 0 && p.Index >= r.task.ChunkCount-1
}

// inLog reports whether p can be a position in the log of the last attempt.
func (r *record) inLog(p chat.Position) bool {
	return p.Attempt == r.task.Attempt || p.Attempt == chat.AnyAttempt
}

// after returns what a reader at p still needs, which always ends with the
// terminal chunk.
func (r *record) after(p chat.Position) []chat.Chunk {
	if seq := r.sequenceOf(p); seq != nil && !p.IsStart() && p.Index < len(seq) {
		return seq[p.Index+1:]
	}
	return r.afterLog(p)
}

// afterLog is after for a position in the log. One who has the whole text of the log
// needs only the terminal chunk; whoever else has a part of it begins again, at
// positions that are greater than p.
func (r *record) afterLog(p chat.Position) []chat.Chunk {
	if p.IsStart() {
		return r.fresh
	}
	if n := r.task.ChunkCount; n > 0 && r.inLog(p) && p.Index == n-2 {
		c, _ := r.task.TerminalChunk(r.task.Attempt, n-1)
		return []chat.Chunk{c}
	}
	if p.Attempt > r.task.Attempt { // SQL has forgotten an attempt
		return withPositions(r.again, p.Attempt+1)
	}
	return r.again
}
