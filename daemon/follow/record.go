package follow

import (
	"context"
	"fmt"
	"sync"
	"time"

	"chat"
)

// loadTimeout limits a read of an answer.
const loadTimeout = 15 * time.Second

// record is an ended task in SQL, as a stream. Streams share it, and only those that the
// chunk log cannot serve need its chunks.
type record struct {
	task chat.Task
	// load reads list, once for all streams, of which one that retries gets a new record.
	load func() error
	// list is the whole chunk log, at its positions. If SQL does not have the log, list is
	// made of the answer's parts, and has the number after the last attempt. Then it begins
	// with a reset, as each attempt does that may not be the first.
	list []chat.EncodedChunk
}

// recordOf returns the record of a task that has ended, and nil for other tasks.
func (f *Source) recordOf(owner string, task chat.Task) *record {
	if !task.State.Terminal() {
		return nil
	}
	r := &record{task: task}
	r.load = sync.OnceValue(func() (err error) {
		ctx, cancel := context.WithTimeout(f.base, loadTimeout)
		defer cancel()
		if r.list, err = f.stored(ctx, owner, task); err == nil && r.list == nil {
			r.list, err = f.fromParts(ctx, owner, task)
		}
		return err
	})
	return r
}

// stored returns the log that was stored with the answer, nil if there is none.
func (f *Source) stored(ctx context.Context, owner string, task chat.Task) ([]chat.EncodedChunk, error) {
	if task.ChunkCount == 0 {
		return nil, nil
	}
	packed, err := f.store.ChunkLog(ctx, owner, task.ID)
	if err != nil || len(packed) == 0 {
		return nil, err
	}
	list, err := f.log.Decode(packed)
	if err == nil && len(list) != task.ChunkCount-1 {
		err = fmt.Errorf("it has %d chunks instead of %d", len(list), task.ChunkCount-1)
	}
	if err != nil { // the answer itself is in its parts
		f.opts.Logger.Error("follow: the stored chunk log of a task is damaged", "task", task.ID, "err", err)
		return nil, nil
	}
	return appendTerminal(list, task, task.Attempt)
}

// fromParts returns a list of chunks that has the answer of a task whose log is lost.
func (f *Source) fromParts(ctx context.Context, owner string, task chat.Task) ([]chat.EncodedChunk, error) {
	m, err := f.store.Answer(ctx, owner, task.ID)
	if err != nil {
		return nil, err
	}
	attempt := task.Attempt + 1 // which no worker has had
	chunks := m.Parts.Chunks()
	if task.Attempt > 0 { // a reader may have seen chunks that are lost
		chunks = append([]chat.Chunk{{Type: chat.ChunkReset}}, chunks...)
	}
	var list []chat.EncodedChunk
	for i, c := range chunks {
		c.Attempt, c.Index = attempt, i
		e, err := c.Encode()
		if err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	return appendTerminal(list, task, attempt)
}

func appendTerminal(list []chat.EncodedChunk, task chat.Task, attempt int) ([]chat.EncodedChunk, error) {
	c, _ := task.TerminalChunk(attempt, len(list))
	e, err := c.Encode()
	return append(list, e), err
}

// has reports whether p is a position of a list that was made of the answer's parts.
func (r *record) has(p chat.Position) bool { return p.Attempt == r.task.Attempt+1 }

// ended reports whether a reader at p has seen the terminal chunk. For a position of which
// has is true the record must be loaded.
func (r *record) ended(p chat.Position) bool {
	switch {
	case p.IsStart():
		return false
	case r.has(p):
		return p.Index >= len(r.list)-1 && r.list[0].Attempt == p.Attempt
	}
	return (p.Attempt == r.task.Attempt || p.Attempt == chat.AnyAttempt) && r.task.ChunkCount > 0 && p.Index >= r.task.ChunkCount-1
}

// after returns the chunks that a reader at p still needs; the last one is the terminal
// chunk. The rules are those of chunklog.Tail.
func (r *record) after(p chat.Position) ([]chat.EncodedChunk, error) {
	newest := r.list[len(r.list)-1].Attempt
	switch {
	case p.IsStart():
		return r.list, nil
	case p.Index < len(r.list) && (p.Attempt == chat.AnyAttempt || p.Attempt == r.list[p.Index].Attempt):
		return r.list[p.Index+1:], nil
	case p.Attempt >= 1 && p.Attempt < newest:
		first := 0
		for r.list[first].Attempt != newest {
			first++
		}
		return r.list[first:], nil
	}
	reset, err := chat.Chunk{Type: chat.ChunkReset}.Encode()
	return append([]chat.EncodedChunk{reset}, r.list...), err
}
