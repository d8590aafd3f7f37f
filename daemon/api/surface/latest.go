package surface

import "chat"

// latest passes on to its encoder what is left of the answer after all resets so far; see
// Latest.
type latest struct {
	Encoder

	attempt int
	held    []chat.EncodedChunk
}

// Latest returns an encoder for a format that cannot take text back. It holds back the chunks
// before the attempt that the task had when the stream was opened, until it knows whether a
// reset makes them void. Without it, a client that comes back because of a reset would meet
// the same one again.
func Latest(e Encoder, t chat.Task) Encoder { return &latest{Encoder: e, attempt: t.Attempt} }

// Append implements Encoder.
func (l *latest) Append(dst []byte, c chat.EncodedChunk) ([]byte, error) {
	switch {
	case c.Attempt < l.attempt:
		if c.Type == chat.ChunkReset {
			l.held = l.held[:0]
		}
		l.held = append(l.held, c)
		return dst, nil
	case c.Type == chat.ChunkReset:
		l.held = nil
	}
	// An attempt that finds the whole answer of the one before continues without a reset.
	held := append(l.held, c)
	l.held = nil
	var err error
	for _, c := range held {
		if dst, err = l.Encoder.Append(dst, c); err != nil {
			return dst, err
		}
	}
	return dst, nil
}
