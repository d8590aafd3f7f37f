package api

import (
	"context"

	"chat"
)

// record is a finished task as SQL holds it, told as a stream. Its chunks are a
// sequence of its own under the attempt after the last one, since SQL does not
// know where the log's chunks began and ended: index 0 is a reset, for readers
// who have seen something else, then the whole text, then the terminal chunk.
type record struct {
	task chat.Task
	all  []chat.Chunk
}

// recordOf returns the record of a task that has ended, else nil.
func (s *Server) recordOf(ctx context.Context, owner string, task chat.Task) (*record, error) {
	if !task.State.Terminal() {
		return nil, nil
	}
	m, err := s.store.Answer(ctx, owner, task.ID)
	if err != nil {
		return nil, err
	}
	r := &record{task: task}
	add := func(c chat.Chunk) {
		c.Attempt, c.Index = task.Attempt+1, len(r.all)
		r.all = append(r.all, c)
	}
	add(chat.Chunk{Type: chat.ChunkReset})
	if m.Reasoning != "" {
		add(chat.Chunk{Type: chat.ChunkReasoning, Content: m.Reasoning})
	}
	if m.Content != "" {
		add(chat.Chunk{Type: chat.ChunkContent, Content: m.Content})
	}
	if c, ok := task.TerminalChunk(0, 0); ok {
		add(c)
	}
	return r, nil
}

// ended reports whether a reader at p has seen the terminal chunk.
func (r *record) ended(p chat.Position) bool {
	switch {
	case p.IsStart():
		return false
	case p.Attempt == r.task.Attempt+1:
		return p.Index >= len(r.all)-1
	case p.Attempt == r.task.Attempt || p.Attempt == chat.AnyAttempt:
		return r.task.ChunkCount > 0 && p.Index >= r.task.ChunkCount-1
	}
	return false
}

// after returns what a reader at p still needs, which always ends with the
// terminal chunk. One who has the whole text of the log needs only that.
func (r *record) after(p chat.Position) []chat.Chunk {
	n := r.task.ChunkCount
	sameLog := p.Attempt == r.task.Attempt || p.Attempt == chat.AnyAttempt || p.IsStart()
	switch {
	case n > 0 && sameLog && p.Index == n-2:
		c, _ := r.task.TerminalChunk(r.task.Attempt, n-1)
		return []chat.Chunk{c}
	case p.IsStart():
		return r.all[1:]
	case p.Attempt == r.task.Attempt+1 && p.Index < len(r.all)-1:
		return r.all[p.Index+1:]
	}
	return r.all
}
