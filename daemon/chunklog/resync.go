package chunklog

import (
	"context"
	"strconv"
	"time"

	"chat"
	"chat/daemon/chunklog/entry"
)

// resync decides where a reader continues whose position is not in the list.
func (t *Tail) resync(ctx context.Context) ([]chat.EncodedChunk, error) {
	shorter, err := t.listIsShorter(ctx)
	if err != nil {
		return nil, err
	}
	if shorter {
		t.missing = true
		if never, err := t.neverExisted(ctx); err != nil || !never {
			return nil, err
		}
	}
	_, chunks, err := t.log.readAll(ctx, t.taskID)
	if err != nil || len(chunks) == 0 {
		return nil, err // lost or not created: the writer will write the list
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
		t.setFound()
		return chunks[i+1:], nil // the list was lost and has been written again
	case newest > t.pos.Attempt, newest == t.pos.Attempt && i < len(chunks):
		t.setFound()
		return fromAttempt(chunks, newest), nil
	}
	t.missing = true
	if never, err := t.neverExisted(ctx); err != nil || !never {
		return nil, err
	}
	return restart(chunks)
}

// listIsShorter reports whether the list ends before the position. It reads only the
// last entry, because thousands of readers may wait for the rest.
func (t *Tail) listIsShorter(ctx context.Context) (bool, error) {
	if t.pos.Attempt < 1 {
		return false, nil
	}
	length, last, err := t.log.last(ctx, t.taskID)
	if err != nil || last == "" {
		return false, err
	}
	c, err := entry.Parse(last)
	return err == nil && c.Index == length-1 && c.Position().Less(t.pos), nil
}

// setFound records that the list has the position.
func (t *Tail) setFound() { t.missing, t.updatedAt, t.delay = false, time.Time{}, 0 }

// nextDelay returns how long to wait before the list is read again. While the position
// is not in the list, each delay is longer than the last. Messages and events end it
// early.
func (t *Tail) nextDelay() time.Duration {
	if !t.missing {
		return rereadDelay
	}
	t.delay = min(max(2*t.delay, rereadDelay), maxRereadDelay)
	return t.delay
}

// fromAttempt returns the chunks of an attempt, the first of which is a reset.
func fromAttempt(chunks []chat.EncodedChunk, attempt int) []chat.EncodedChunk {
	for i, c := range chunks {
		if c.Attempt == attempt {
			return chunks[i:]
		}
	}
	return nil
}

// restart returns what follows a position that never existed: a reset and all chunks.
func restart(chunks []chat.EncodedChunk) ([]chat.EncodedChunk, error) {
	reset, err := chat.Chunk{Type: chat.ChunkReset}.Encode()
	return append([]chat.EncodedChunk{reset}, chunks...), err
}

// neverExisted reports whether the list has never had the position: the writer of its
// attempt is running, and has not reached it. The writer is running if updated_at has
// changed since the position was first missing. A list that Redis has lost does not
// prove anything.
func (t *Tail) neverExisted(ctx context.Context) (bool, error) {
	if t.returned {
		return false, nil
	}
	m, err := t.log.metadata(ctx, t.taskID, metaAttempt, metaChunkCount, metaUpdatedAt)
	if err != nil {
		return false, err
	}
	updated, err := time.Parse(time.RFC3339Nano, m[2])
	if err != nil {
		return false, nil //nolint:nilerr // lost or damaged metadata do not prove anything
	}
	if t.updatedAt.IsZero() {
		t.updatedAt = updated
	}
	count, err := strconv.Atoi(m[1])
	return err == nil && m[0] == strconv.Itoa(t.pos.Attempt) && count <= t.pos.Index && updated.After(t.updatedAt), nil
}
