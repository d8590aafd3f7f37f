package lab

import (
	"net/http"
	"strings"
	"time"

	"chat"
)

// What is granted beside the promised times, for a machine that is busy with a
// whole world and its proxies.
const (
	closeSlack  = 300 * time.Millisecond // until a closed connection is noticed
	firstByte   = time.Second + 2*time.Second
	heartbeat   = 15*time.Second + 2*time.Second
	afterCommit = 10*time.Second + time.Second
	cancelReach = time.Second + time.Second
	cancelLate  = 6*time.Second + 2*time.Second
)

// streaming judges what each follower saw, and all of them together.
func (v *verdict) streaming(a *Ask) {
	everywhere := map[string]chat.Chunk{} // by position: all see one sequence
	for _, f := range a.Followers {
		if f.Gave != "" {
			v.found("A5", a, "the %s follower gave up: %s", f.Kind, f.Gave)
			continue
		}
		for _, c := range f.Conns {
			v.connection(a, f, c)
			for _, fr := range c.Frames {
				if seen, ok := everywhere[fr.ID]; ok && !same(seen, fr.Chunk) {
					v.found("C5", a, "two followers were told different things at %s: %s and %s", fr.ID, short(seen.Content), short(fr.Chunk.Content))
				}
				everywhere[fr.ID] = fr.Chunk
			}
		}
		v.stitched(a, f)
	}
}

func same(a, b chat.Chunk) bool {
	return a.Type == b.Type && a.Content == b.Content && a.Code == b.Code && a.State == b.State
}

// connection judges one connection.
func (v *verdict) connection(a *Ask, f *Follower, c *Conn) {
	last, _ := chat.ParsePosition(c.After)
	if c.After == "" {
		last = chat.Start()
	}
	for i, fr := range c.Frames {
		p := fr.Chunk.Position()
		if fr.ID != p.String() {
			v.found("C1", a, "the event %s holds the chunk %s", fr.ID, p)
		}
		switch {
		case i == 0 && fr.Chunk.Type == chat.ChunkReset && (last.IsStart() || last.Less(p)):
			// whatever came before is void
		case i == 0 && last.IsStart():
			if p.Index != 0 {
				v.found("C1", a, "the stream begins at %s", p)
			}
		case c.Frames[max(i-1, 0)].Chunk.Position() == (chat.Position{}) && c.Frames[max(i-1, 0)].Chunk.Type == chat.ChunkReset && p.Index == 0:
			// the replay behind the reset of a position that never was
		case !last.Less(p):
			v.found("C1", a, "%s follower: %s came after %s", f.Kind, p, last)
		case p.Attempt == last.Attempt && p.Index != last.Index+1:
			v.found("C1", a, "%s follower: a gap between %s and %s", f.Kind, last, p)
		case p.Attempt != last.Attempt && fr.Chunk.Type != chat.ChunkReset && f.Kind != "client":
			v.found("C3", a, "%s follower: attempt %d begins with %s after %s", f.Kind, p.Attempt, fr.Chunk.Type, last)
		}
		if fr.Chunk.Terminal() && i != len(c.Frames)-1 {
			v.found("D1", a, "the terminal event %s is not the last", fr.ID)
		}
		last = p
	}
	if c.Status == http.StatusOK && !c.First.IsZero() && !v.h.Row.Allow.Silence {
		if d := c.First.Sub(c.Opened); d > firstByte+v.h.Slack && !v.h.Row.Allow.SlowFirst {
			v.found("C9", a, "the first byte came after %s", d)
		}
		if c.Gap > heartbeat+v.h.Slack {
			v.found("C9", a, "no byte for %s", c.Gap)
		}
	}
	if strings.HasPrefix(c.End, "a named event") || strings.Contains(c.End, "behind the terminal event") || strings.HasPrefix(c.End, "event ") {
		v.found("D1", a, "%s", c.End)
	}
}

// stitched judges a follower's text over all its connections: what is left of it
// is what the database has, and the end says how it ended.
func (v *verdict) stitched(a *Ask, f *Follower) {
	t, _ := v.h.Rows.Task(a.Accepted.TaskID)
	m, _ := v.h.Rows.Message(a.Accepted.MessageID)
	parts, end := assemble(f)
	switch {
	case end == nil:
		v.found("D1", a, "the %s follower saw no terminal event", f.Kind)
		return
	case !parts.Equal(m.Parts):
		v.found("C4", a, "the %s follower has %s, the database %s", f.Kind, short(parts.Text()), short(m.Content))
	case end.Chunk.State != t.State || end.Chunk.MessageID != t.Message:
		v.found("D1", a, "the end says %s of message %s, the database %s", end.Chunk.State, end.Chunk.MessageID, t.State)
	}
	switch {
	case f.LastErr != "":
		v.found("D2", a, "behind the end: %s", f.LastErr)
	case f.Last != nil && (!f.Last.State.Terminal() || f.Last.Content != m.Content):
		v.found("D2", a, "behind the end the message was %s with %s", f.Last.State, short(f.Last.Content))
	}
}

// assemble puts together what a follower keeps: behind a reset everything
// before it is void, and what it asked for again replaces what it had.
func assemble(f *Follower) (parts chat.Parts, end *Frame) {
	var kept []Frame
	for _, c := range f.Conns {
		if c.After != "" && f.Kind != "client" {
			after, _ := chat.ParsePosition(c.After)
			for len(kept) > 0 && after.Less(kept[len(kept)-1].Chunk.Position()) {
				kept = kept[:len(kept)-1]
			}
		}
		for _, fr := range c.Frames {
			if fr.Chunk.Type == chat.ChunkReset {
				kept = kept[:0]
			}
			kept = append(kept, fr)
		}
	}
	for i, fr := range kept {
		parts.Apply(fr.Chunk)
		if fr.Chunk.Terminal() {
			end = &kept[i]
		}
	}
	return parts, end
}

// committed is when a task's end was committed, by the database's clock; where that
// cannot be held against ours, when the last call of the provider had ended.
func (v *verdict) committed(a *Ask, t TaskRow) time.Time {
	if !v.h.Row.Clocks {
		return t.Finished
	}
	var last time.Time
	for _, c := range v.h.CallsOf(a.Mark) {
		if c.Ended.After(last) {
			last = c.Ended
		}
	}
	return last
}

// ends judges the end's time, and a cancel.
func (v *verdict) ends(a *Ask) {
	t, _ := v.h.Rows.Task(a.Accepted.TaskID)
	for _, f := range a.Followers {
		_, end := assemble(f)
		if end == nil || len(f.Conns) == 0 || v.h.Row.Allow.Silence {
			continue
		}
		opened := f.Conns[len(f.Conns)-1].Opened
		from := v.committed(a, t)
		if f.Kind != "client" && opened.After(from) {
			from = opened
		}
		if d := end.At.Sub(from); d > afterCommit+v.h.Slack {
			v.found("D3", a, "the %s follower saw the end %s after the commit", f.Kind, d)
		}
	}
	k := a.Cancelled
	if k == nil || v.h.Row.Allow.LostCancel {
		return
	}
	if k.Won != (t.State == chat.TaskCancelled) {
		v.found("D4", a, "the cancel was answered won=%t, and the task is %s", k.Won, t.State)
	}
	if !k.Won {
		return
	}
	limit := cancelReach + v.h.Slack
	if v.h.Row.Fault != nil {
		limit = cancelLate + v.h.Slack
	}
	for _, c := range v.h.CallsOf(a.Mark) {
		if d := c.Ended.Sub(k.Answered); (c.Ended.IsZero() || d > limit) && !v.h.Row.Allow.LateCancel {
			v.found("D5", a, "call %d went on for %s after the cancel (%q)", c.N, d, c.End)
		}
		if c.Began.After(k.Answered.Add(limit)) {
			v.found("D6", a, "call %d began after the cancel", c.N)
		}
	}
}
