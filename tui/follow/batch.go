package follow

import (
	"strings"

	"chat"
)

// entry is a batch in the making.
type entry struct {
	id    int
	parts []*part
	bytes int
	conn  *chat.ConnState
	ended bool
	err   error
}

// part is one chunk, or several that were joined: at the position of the last one.
type part struct {
	chunk chat.Chunk
	text  strings.Builder
}

func (e *entry) merge(u chat.FollowEvent) {
	if u.Conn != nil {
		e.conn = u.Conn
		return
	}
	if u.Chunk == nil {
		return
	}
	c := *u.Chunk
	if c.Type == chat.ChunkReset {
		e.parts, e.bytes = nil, 0
	}
	n := len(e.parts)
	if n > 0 && e.parts[n-1].chunk.CanJoin(&c) {
		e.parts[n-1].chunk.Index, e.parts[n-1].chunk.Attempt = c.Index, c.Attempt
	} else {
		e.parts = append(e.parts, &part{chunk: c})
		n++
	}
	last := e.parts[n-1]
	last.text.WriteString(c.Content)
	e.bytes += len(c.Content)
}

func (e *entry) batch() Batch {
	b := Batch{ID: e.id, Conn: e.conn, Ended: e.ended, Err: e.err}
	for _, p := range e.parts {
		c := p.chunk
		c.Content = p.text.String()
		b.Chunks = append(b.Chunks, c)
	}
	return b
}
