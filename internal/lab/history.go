package lab

import (
	"strings"
	"sync"
	"time"

	"chat"
	"chat/daemon/provider/providertest"
)

// History is everything that was seen in a run.
type History struct {
	Row     Row
	Profile Profile
	Seed    uint64
	Began   time.Time
	Slack   time.Duration // as in Config

	mu    sync.Mutex
	asks  []*Ask
	notes []Note
	ends  []ending // of processes, whoever ended them

	// What the judge reads when it is quiet.
	Rows   Record
	Redis  []RedisKey
	Calls  []providertest.Call
	Before []Gauges // the load; what each process held
	After  []Gauges // it was quiet
	Log    string   // of all chatd processes

	calls map[string][]providertest.Call // Calls by mark
}

// Note is something that happened to the world, for people.
type Note struct {
	At   time.Time
	What string
}

// Ask is one message: how it was asked, what was answered, who followed.
type Ask struct {
	Mark     string
	Content  string
	Key      string
	Tokens   int // of an honest answer
	Priority chat.Priority
	Want     Want   `json:"-"`
	Chain    *chain `json:"-"` // asks of one conversation, in order

	mu        sync.Mutex
	Posts     []Post
	Accepted  *chat.Accepted // of the first 2xx
	At        time.Time      // of the first 2xx
	Refused   *chat.Error
	Cancelled *Cancel
	Followers []*Follower
}

// Want is what an answer must come to; the zero value is done, unless the row
// allows more.
type Want struct {
	State chat.TaskState
	Code  chat.Code // with failed and interrupted
	// Text is the answer, if it is not one that the provider's record has.
	Text func(calls []providertest.Call) string
	// Calls bounds the calls of the provider; 0 means no bound of its own.
	Calls int
}

// Post is one try to send a message.
type Post struct {
	At, Ended time.Time
	API       int
	Status    int // 0: no answer was read
	Code      chat.Code
	Dropped   bool // we left on purpose
	Accepted  *chat.Accepted
}

// Cancel is the answer to a cancel.
type Cancel struct {
	Asked, Answered time.Time
	Won             bool
	State           chat.TaskState
}

// Follower is one client of one stream.
type Follower struct {
	Kind  string
	Conns []*Conn
	// Last is what the message was, asked at once behind the terminal chunk.
	Last    *chat.Message
	LastErr string
	Gave    string // why it gave up
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

// panicked reports a panic of chatd that nobody asked for.
func (h *History) panicked() bool {
	return strings.Contains(h.Log, "panic") && !h.Row.Allow.Panics
}

func (h *History) note(what string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.notes = append(h.notes, Note{time.Now(), what})
}

// ending is the end of a process, and since when it may have left unread what a
// provider had sent.
type ending struct{ deaf, dead time.Time }

// died notes that a process ended, which was asked to at asked, if it was.
func (h *History) died(asked time.Time) {
	e := ending{dead: time.Now()}
	e.deaf = e.dead.Add(-300 * time.Millisecond)
	if drained := asked.Add(labDrain - 100*time.Millisecond); !asked.IsZero() && drained.Before(e.deaf) {
		e.deaf = drained
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ends = append(h.ends, e)
}

// lostInside reports whether what the provider had sent whole at t may have been
// on its way, in a socket or a proxy, when a process died or gave up.
func (h *History) lostInside(t time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range h.ends {
		if t.After(e.deaf) && t.Before(e.dead.Add(50*time.Millisecond)) {
			return true
		}
	}
	return false
}

func (h *History) add(a *Ask) {
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

// Notes are what happened to the world.
func (h *History) Notes() []Note {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]Note(nil), h.notes...)
}

// CallsOf are the provider's calls for a mark.
func (h *History) CallsOf(mark string) []providertest.Call {
	if h.calls == nil {
		h.calls = map[string][]providertest.Call{}
		for _, c := range h.Calls {
			h.calls[markOf(c.Prompt)] = append(h.calls[markOf(c.Prompt)], c)
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
