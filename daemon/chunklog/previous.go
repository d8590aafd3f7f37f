package chunklog

import (
	"context"
	"slices"

	"chat"
)

// look sees to it that a first attempt does not write over something. There can be
// something if the database was restored from a backup, and gives out the number of an
// attempt for a second time: positions that readers have must not come to mean another
// text.
func (w *Writer) look(ctx context.Context) error {
	asking, cancel := context.WithTimeout(ctx, w.log.opts.Timeout)
	defer cancel()
	n := w.log.opts.Names
	there, err := w.log.rdb.Exists(asking, n.Metadata(w.task.ID), n.Chunks(w.task.ID), n.Packed(w.task.ID)).Result()
	if err == nil && there > 0 {
		err = w.goOn(ctx)
	}
	w.looked = err == nil
	return err
}

// goOn puts the entries that are in Redis before those of a first attempt, and a
// reset between the two.
func (w *Writer) goOn(ctx context.Context) error {
	raw, chunks, err := w.log.readAll(ctx, w.task.ID)
	if err != nil {
		return err
	}
	ours := w.entries
	w.entries = slices.Clip(withoutEnd(raw, chunks))
	w.told, w.intact = len(w.entries), false
	if len(w.entries) > 0 {
		err = w.index(chat.Chunk{Type: chat.ChunkReset})
	}
	for _, e := range ours {
		if err == nil {
			err = w.indexAnew(e)
		}
	}
	return err
}

// indexAnew adds an entry of this writer at the next place.
func (w *Writer) indexAnew(entry string) error {
	c, err := parseEntry(entry)
	if err != nil {
		return err
	}
	decoded, err := c.Decode()
	if err != nil {
		return err
	}
	return w.index(decoded)
}

// withoutEnd is raw, whose chunks are given, without an ending, which was never
// committed.
func withoutEnd(raw []string, chunks []chat.EncodedChunk) []string {
	if n := len(chunks); n > 0 && chunks[n-1].Terminal() {
		return raw[:n-1]
	}
	return raw
}
