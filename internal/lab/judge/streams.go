package judge

import (
	"net/http"
	"strings"
	"time"

	"chat"
	"chat/internal/lab/history"
)

// What is added to the promised times, for a machine that is busy with a
// whole world and its proxies.
const (
	closeSlack  = 300 * time.Millisecond // until a closed connection is noticed
	firstByte   = time.Second + 2*time.Second
	heartbeat   = 15*time.Second + 2*time.Second
	cancelReach = time.Second + time.Second
	cancelLate  = 6*time.Second + 2*time.Second
)

// AfterCommit is how long after the commit a follower may see the end.
const AfterCommit = 10*time.Second + time.Second

// streaming judges what each follower saw, and all of them together.
func (v *verdict) streaming(a *history.Ask) {
	v.sequence(a)
	for _, f := range a.Followers {
		if f.Gave != "" {
			v.found("A5", a, "the %s follower gave up: %s", f.Kind, f.Gave)
			continue
		}
		if f.Response != nil || len(f.Exchanges) > 0 {
			continue // see responses, replays and pages
		}
		for _, c := range f.Conns {
			v.connection(a, f, c)
		}
		v.stitched(a, f)
	}
}

// sequence judges that all followers see one sequence of chunks.
func (v *verdict) sequence(a *history.Ask) {
	everywhere := map[string]chat.Chunk{} // by position
	for _, f := range a.Followers {
		for _, c := range f.Conns {
			for _, fr := range c.Frames {
				if seen, ok := everywhere[fr.ID]; ok && !same(seen, fr.Chunk) {
					v.found("C5", a, "two followers received different chunks at %s: %s and %s", fr.ID, Short(seen.Content), Short(fr.Chunk.Content))
				}
				everywhere[fr.ID] = fr.Chunk
			}
		}
	}
}

func same(a, b chat.Chunk) bool {
	return a.Type == b.Type && a.Content == b.Content && a.Code == b.Code && a.State == b.State
}

// connection judges one connection.
func (v *verdict) connection(a *history.Ask, f *history.Follower, c *history.Conn) {
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
			// everything before it is discarded
		case i == 0 && last.IsStart():
			if p.Index != 0 {
				v.found("C1", a, "the stream begins at %s", p)
			}
		case c.Frames[max(i-1, 0)].Chunk.Position() == (chat.Position{}) && c.Frames[max(i-1, 0)].Chunk.Type == chat.ChunkReset && p.Index == 0:
			// the replay after the reset of an invalid position
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
	if c.Status == http.StatusOK && !c.First.IsZero() && !v.terms.Allow.Silence {
		if d := c.First.Sub(c.Opened); d > firstByte+v.terms.Slack && !v.terms.Allow.SlowFirst {
			v.found("C9", a, "the first byte came after %s", d)
		}
		if c.Gap > heartbeat+v.terms.Slack {
			v.found("C9", a, "no byte for %s", c.Gap)
		}
	}
	if strings.HasPrefix(c.End, "a named event") || strings.Contains(c.End, "after the terminal event") || strings.HasPrefix(c.End, "event ") {
		v.found("D1", a, "%s", c.End)
	}
}

// stitched judges a follower's text over all its connections: what is left of it
// is what the database has, and the terminal chunk has its state.
func (v *verdict) stitched(a *history.Ask, f *history.Follower) {
	t, _ := v.h.Rows.Task(a.Accepted.TaskID)
	m, _ := v.h.Rows.Message(a.Accepted.MessageID)
	parts, end := f.Assemble()
	switch {
	case end != nil && v.h.MayBeLost(end.At) && (end.Chunk.State == t.State && parts.Equal(m.Parts) || end.Chunk.State == chat.TaskCancelled):
		return // the end is lost; the same answer was adopted from the log, or a lost cancel forgotten
	case end == nil:
		v.found("D1", a, "the %s follower saw no terminal event", f.Kind)
		return
	case !parts.Equal(m.Parts):
		v.found("C4", a, "the %s follower has %s, the database %s", f.Kind, Short(parts.Text()), Short(m.Content))
	case end.Chunk.State != t.State || end.Chunk.MessageID != t.Message:
		v.found("D1", a, "the terminal chunk has %s for message %s, the database %s", end.Chunk.State, end.Chunk.MessageID, t.State)
	}
	v.readAfterwards(a, f, m)
}

// readAfterwards judges the message as a follower read it after the end.
func (v *verdict) readAfterwards(a *history.Ask, f *history.Follower, m history.MessageRow) {
	switch {
	case f.LastErr != "":
		v.found("D2", a, "after the end of the %s follower: %s", f.Kind, f.LastErr)
	case f.Last != nil && (!f.Last.State.Terminal() || f.Last.Content != m.Content):
		v.found("D2", a, "after the end the message was %s with %s", f.Last.State, Short(f.Last.Content))
	}
}

// committed is when a task's end was committed, by the database's clock; where that
// cannot be held against ours, when the last call of the provider had ended.
func (v *verdict) committed(a *history.Ask, t history.TaskRow) time.Time {
	if !v.terms.Clocks {
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
func (v *verdict) ends(a *history.Ask) {
	t, _ := v.h.Rows.Task(a.Accepted.TaskID)
	for _, f := range a.Followers {
		_, end := f.Assemble()
		if end == nil || len(f.Conns) == 0 || v.terms.Allow.Silence {
			continue
		}
		opened := f.Conns[len(f.Conns)-1].Opened
		from := v.committed(a, t)
		if f.Kind != "client" && opened.After(from) {
			from = opened
		}
		if d := end.At.Sub(from); d > AfterCommit+v.terms.Slack {
			v.found("D3", a, "the %s follower saw the end %s after the commit", f.Kind, d)
		}
	}
	k := a.Cancelled
	if k == nil || v.terms.Allow.LostCancel || v.h.MayBeLost(k.Answered) {
		return
	}
	if k.Won != (t.State == chat.TaskCancelled) {
		v.found("D4", a, "the cancel was answered won=%t, and the task is %s", k.Won, t.State)
	}
	if !k.Won {
		return
	}
	limit := cancelReach + v.terms.Slack
	if v.terms.Fault {
		limit = cancelLate + v.terms.Slack
	}
	for _, c := range v.h.CallsOf(a.Mark) {
		if d := c.Ended.Sub(k.Answered); (c.Ended.IsZero() || d > limit) && !v.terms.Allow.LateCancel {
			v.found("D5", a, "call %d continued for %s after the cancel (%q)", c.N, d, c.End)
		}
		if c.Began.After(k.Answered.Add(limit)) {
			v.found("D6", a, "call %d began after the cancel", c.N)
		}
	}
}
