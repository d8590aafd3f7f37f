package chunklog

import (
	"context"
	"strconv"
	"time"

	"chat"
)

// resync finds where a reader goes on whose position the list does not have.
func (t *Tail) resync(ctx context.Context) ([]chat.EncodedChunk, error) {
	_, chunks, err := t.log.readAll(ctx, t.taskID)
	if err != nil || len(chunks) == 0 {
		return nil, err // lost, or not begun: its writer will write it again
	}
	newest, i := chunks[len(chunks)-1].Attempt, t.pos.Index
	if t.pos.Attempt == chat.AnyAttempt {
		t.pos.Attempt = newest
		if i < len(chunks) {
			t.pos.Attempt = chunks[i].Attempt
		}
	}
	switch {
	case t.pos.Attempt < 1:
		return restart(chunks)
	case i < len(chunks) && chunks[i].Attempt == t.pos.Attempt:
		t.ahead, t.since = false, time.Time{}
		return chunks[i+1:], nil // it was lost, and is back
	case newest > t.pos.Attempt, newest == t.pos.Attempt && i < len(chunks):
		t.ahead, t.since = false, time.Time{}
		return fromAttempt(chunks, newest), nil
	}
	t.ahead = true
	if t.own {
		return nil, nil
	}
	if never, err := t.neverWas(ctx); err != nil || !never {
		return nil, err
	}
	return restart(chunks)
}

// fromAttempt returns the chunks of an attempt, which begins with a reset.
func fromAttempt(chunks []chat.EncodedChunk, attempt int) []chat.EncodedChunk {
	for i, c := range chunks {
		if c.Attempt == attempt {
			return chunks[i:]
		}
	}
	return nil
}

// restart is the answer to a position that never was.
func restart(chunks []chat.EncodedChunk) ([]chat.EncodedChunk, error) {
	reset, err := chat.Chunk{Type: chat.ChunkReset}.Encode()
	return append([]chat.EncodedChunk{reset}, chunks...), err
}

// neverWas reports whether the position cannot have been one of the list: its
// attempt's writer has lived since we first looked, and has not come that far. What
// Redis has lost says nothing: only a living writer moves updated_at forward.
func (t *Tail) neverWas(ctx context.Context) (bool, error) {
	m, err := t.log.metadata(ctx, t.taskID, metaAttempt, metaChunkCount, metaUpdatedAt)
	if err != nil {
		return false, err
	}
	updated, err := time.Parse(time.RFC3339Nano, m[2])
	if err != nil {
		return false, nil //nolint:nilerr // metadata that are lost or damaged say nothing
	}
	if t.since.IsZero() {
		t.since = updated
	}
	count, err := strconv.Atoi(m[1])
	return err == nil && m[0] == strconv.Itoa(t.pos.Attempt) && count <= t.pos.Index && updated.After(t.since), nil
}
