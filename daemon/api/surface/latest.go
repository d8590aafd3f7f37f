package surface

import (
	"math"

	"chat"
)

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
//
// A task that has ended is held back up to its end, which can come with a reset under an attempt
// that the task never had, if its worker was gone.
func Latest(e Encoder, t chat.Task) Encoder {
	l := &latest{Encoder: e, attempt: t.Attempt}
	if t.State.Terminal() {
		l.attempt = math.MaxInt
	}
	return l
}

// Append implements Encoder.
func (l *latest) Append(dst []byte, c chat.EncodedChunk) ([]byte, error) {
	switch {
	case c.Attempt < l.attempt && !c.Terminal():
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
