package chunklog

import (
	"context"
	"strconv"
	"time"

	"chat"
)

// resync finds where a reader goes on whose position the list does not have.
func (t *Tail) resync(ctx context.Context) ([]chat.EncodedChunk, error) {
	short, err := t.short(ctx)
	if err != nil {
		return nil, err
	}
	if short {
		t.ahead = true
		if never, err := t.neverWas(ctx); err != nil || !never {
			return nil, err
		}
	}
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
		t.found()
		return chunks[i+1:], nil // it was lost, and is back
	case newest > t.pos.Attempt, newest == t.pos.Attempt && i < len(chunks):
		t.found()
		return fromAttempt(chunks, newest), nil
	}
	t.ahead = true
	if never, err := t.neverWas(ctx); err != nil || !never {
		return nil, err
	}
	return restart(chunks)
}

// short reports whether the list ends before the position, by its last entry: those who
// wait for the rest may be thousands, and need not read all of it for that.
func (t *Tail) short(ctx context.Context) (bool, error) {
	if t.pos.Attempt < 1 {
		return false, nil
	}
	length, last, err := t.log.last(ctx, t.taskID)
	if err != nil || last == "" {
		return false, err
	}
	c, err := parseEntry(last)
	return err == nil && c.Index == length-1 && c.Position().Less(t.pos), nil
}

// found ends the wait for a list that has the position.
func (t *Tail) found() { t.ahead, t.since, t.paced = false, time.Time{}, 0 }

// pace is how long a tail waits that cannot read the list, or whose position is not in
// it: the longer it has not been, the longer. Messages and hints end it early.
func (t *Tail) pace() time.Duration {
	if !t.ahead {
		return rereadPause
	}
	t.paced = min(max(2*t.paced, rereadPause), longestPace)
	return t.paced
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
	if t.own {
		return false, nil
	}
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
