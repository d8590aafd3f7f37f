package history

import (
	"cmp"
	"strings"
	"sync"
	"time"

	"chat"
	"chat/daemon/model/modeltest"
	"chat/internal/lab/world"
)

// History is everything that was observed in a run.
type History struct {
	Row     string // its name
	Profile world.Profile
	Seed    uint64
	Began   time.Time
	// Formats are the wire formats besides the native one that the load was to follow
	// tasks through.
	Formats []string

	mu    sync.Mutex
	asks  []*Ask
	notes []Note
	ends  []ending // of processes, for any reason

	lostFrom, lostUntil time.Time // see MayLose

	// What the judge reads after the run.
	Rows   Tables
	Redis  []world.RedisKey
	Calls  []modeltest.Call
	Before []world.Gauges // what each process held before the load
	After  []world.Gauges // and after it
	Log    string         // of all chatd processes

	calls map[string][]modeltest.Call // Calls by mark
}

// Note is an event of the run, for people.
type Note struct {
	At   time.Time
	What string
}

// Ask is one message: how it was sent, the replies, and its followers.
type Ask struct {
	Mark     string
	Content  string
	Key      string
	Tokens   int // of an honest answer
	Priority chat.Priority
	// Via is the wire format in which the message is sent, "" for the native one; Through are
	// those through which other followers read the answer.
	Via     string
	Through []string
	Want    Want   `json:"-"`
	Chain   *Chain `json:"-"`

	mu        sync.Mutex
	made      string // the task, as the first response to Via names it
	Posts     []Post
	Accepted  *chat.Accepted // of the first 2xx
	At        time.Time      // of the first 2xx
	Refused   *chat.Error
	Cancelled *Cancel
	Followers []*Follower
}

// Known reports whether the message was accepted or refused.
func (a *Ask) Known() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.Accepted != nil || a.Refused != nil
}

// IsAccepted reports whether the message was accepted.
func (a *Ask) IsAccepted() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.Accepted != nil
}

// SetMade sets the id of the task that a response names; the first one counts.
func (a *Ask) SetMade(taskID string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.made == "" {
		a.made = taskID
	}
}

// Made returns the id of the task that the first response named, "" if there was none.
func (a *Ask) Made() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.made
}

// AddPost adds an attempt to send the message; refused is not nil if it is the last
// one.
func (a *Ask) AddPost(p Post, refused *chat.Error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if p.Accepted != nil && a.Accepted == nil {
		a.Accepted, a.At = p.Accepted, p.Ended
	}
	if refused != nil {
		a.Refused = refused
	}
	a.Posts = append(a.Posts, p)
}

// SetCancelled sets the reply to a cancel.
func (a *Ask) SetCancelled(k *Cancel) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.Cancelled = k
}

// Chain is one conversation. Its lock is held while a message is sent, because each waits
// for the end of the answer to the one before it.
type Chain struct {
	sync.Mutex
	ID   string
	Asks []*Ask // in order
}

// Want is the expected result of an answer; the zero value is done, unless the row
// allows more.
type Want struct {
	State chat.TaskState
	Code  chat.Code // with failed and interrupted
	// Text is the answer, if the provider has not recorded it.
	Text func(calls []modeltest.Call) string
	// Calls bounds the calls of the provider; 0 means no bound of its own.
	Calls int
}

// Post is one attempt to send a message.
type Post struct {
	At, Ended time.Time
	API       int
	Status    int // 0: no reply was read
	Code      chat.Code
	Dropped   bool // we left on purpose
	Accepted  *chat.Accepted
}

// Cancel is the reply to a cancel.
type Cancel struct {
	Asked, Answered time.Time
	Won             bool
	State           chat.TaskState
}

// Follower is one client of one stream.
type Follower struct {
	Kind  string
	Conns []*Conn
	// Last is the message, read immediately after the terminal chunk.
	Last    *chat.Message
	LastErr string
	Gave    string // why it gave up
	// Response is what a follower of the responses API saw, nil for the other kinds.
	Response *Response
	// Exchanges are the connections of a follower of the AI SDK's stream, of a chat completion
	// or of the page's stream; other kinds have Conns.
	Exchanges []*Exchange
	// Sends says that it sent the message itself, in the format that it follows.
	Sends bool
	// Stored is the answer after its end as the format's own call returns it: the text, or
	// for a page everything that it shows. Nil if there is no such call, or it was not reached.
	Stored *string
}

// Response is what a follower of the responses API saw.
type Response struct {
	Events []ResponseEvent
	Status string // of the last event, "" if it did not come
}

// ResponseEvent is one of its events.
type ResponseEvent struct {
	Conn   int
	After  int // the number with which the connection was opened, -1 for the start
	Number int
	Raw    string
}

// Conn is one connection of a follower.
type Conn struct {
	API    int
	After  string // the position it was opened with
	Status int
	Opened time.Time
	First  time.Time // byte of the body
	Gap    time.Duration
	Frames []Frame
	End    string // how it ended: terminal, left, or the error
}

// Frame is one event.
type Frame struct {
	ID    string
	Chunk chat.Chunk
	At    time.Time
}

// Note adds an event.
func (h *History) Note(what string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.notes = append(h.notes, Note{time.Now(), what})
}

// ending is the end of a process, and the time since when it may not have read data
// that a provider had sent.
type ending struct{ deaf, dead time.Time }

// AddEnd adds the end of a process. asked is the time at which it was asked to end,
// zero if it was not.
func (h *History) AddEnd(asked time.Time) {
	e := ending{dead: time.Now()}
	e.deaf = e.dead.Add(-300 * time.Millisecond)
	if drained := asked.Add(world.Drain - 100*time.Millisecond); !asked.IsZero() && drained.Before(e.deaf) {
		e.deaf = drained
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ends = append(h.ends, e)
}

// LostInside reports whether an answer that the provider had sent completely at t may have
// been in a socket or a proxy when a process ended or stopped reading.
func (h *History) LostInside(t time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range h.ends {
		if t.After(e.deaf) && t.Before(e.dead.Add(50*time.Millisecond)) {
			return true
		}
	}
	return false
}

// Add adds a message.
func (h *History) Add(a *Ask) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asks = append(h.asks, a)
}

// Asks are the messages so far.
func (h *History) Asks() []*Ask {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]*Ask(nil), h.asks...)
}

// Notes returns the events of the run.
func (h *History) Notes() []Note {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]Note(nil), h.notes...)
}

// CallsOf are the provider's calls for a mark.
func (h *History) CallsOf(mark string) []modeltest.Call {
	if h.calls == nil {
		h.calls = map[string][]modeltest.Call{}
		for _, c := range h.Calls {
			of := cmp.Or(markOf(c.Prompt), markOf(c.Directive)) // a correction's prompt has none
			h.calls[of] = append(h.calls[of], c)
		}
	}
	return h.calls[mark]
}

// markOf is the mark in a message, or "".
func markOf(content string) string {
	_, rest, ok := strings.Cut(content, " mark=")
	if !ok {
		return ""
	}
	mark, _, _ := strings.Cut(rest, "\n")
	return mark
}

// Assemble returns the text that a follower keeps: a reset discards everything
// before it, and a chunk that was read again replaces the earlier one.
func (f *Follower) Assemble() (parts chat.Parts, end *Frame) {
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

// TakenOver returns the times from the end of a process to the next call of the
// provider for each task that it held.
func (h *History) TakenOver() []time.Duration {
	if len(h.ends) == 0 {
		return nil
	}
	killed := h.ends[0].dead
	var out []time.Duration
	for _, a := range h.Asks() {
		calls := h.CallsOf(a.Mark)
		for i := 1; i < len(calls); i++ {
			if d := calls[i-1].Ended.Sub(killed); calls[i-1].Gone() && d > -50*time.Millisecond && d < time.Second {
				out = append(out, calls[i].Began.Sub(killed))
			}
		}
	}
	return out
}
