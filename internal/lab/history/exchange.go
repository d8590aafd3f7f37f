package history

import (
	"slices"
	"time"
)

// Kinds of followers of other wire formats than the native one.
const (
	KindSocket     = "socket"
	KindResponses  = "responses"
	KindUIStream   = "AI SDK"
	KindCompletion = "completion"
	KindPage       = "page"
	KindFreshPage  = "late page" // reads the finished answer from its beginning
)

// Exchange is one connection of a follower of a wire format whose events the follower does
// not take apart: the AI SDK's stream, chat completions, and the page's stream.
type Exchange struct {
	API   int
	After string // the position it was opened with, "" for none
	// Reopened says that After is in the URL of a new EventSource, and not in Last-Event-ID.
	Reopened bool
	Posted   bool   // it sent the message
	Status   int    // 0: no reply was read
	TaskID   string // that the response names, "" if it names none
	Opened   time.Time
	Events   []Event
	End      string // how it ended: EndTerminal, EndClean, left, or the error
}

// Ends of an Exchange.
const (
	EndTerminal = "terminal"
	// EndClean is a body that ended as a complete one does, without the event that ends an
	// answer: a client takes what it has for the whole.
	EndClean = "the body ended"
)

// Event is one server-sent event. ID is the last one that the stream set.
type Event struct{ ID, Data string }

// Coverage is how much was followed through one wire format.
type Coverage struct {
	Format      string `json:"format"`
	Tasks       int    `json:"tasks"` // of which at least one follower got to the end
	Connections int    `json:"connections"`
}

// Followed returns what was followed through each wire format of the load.
func (h *History) Followed() []Coverage {
	var out []Coverage
	for _, format := range h.Formats {
		c := Coverage{Format: format}
		for _, a := range h.Asks() {
			n := 0
			for _, f := range a.Followers {
				if f.Kind == format && f.Gave == "" {
					n += f.Connections()
				}
			}
			if c.Connections += n; n > 0 {
				c.Tasks++
			}
		}
		out = append(out, c)
	}
	return out
}

// Connections returns how many connections a follower has opened.
func (f *Follower) Connections() int {
	n := len(f.Conns) + len(f.Exchanges)
	if f.Response != nil && len(f.Response.Events) > 0 {
		n += 1 + f.Response.Events[len(f.Response.Events)-1].Conn
	}
	return n
}

// FollowedAs reports whether a follower of that kind was started.
func (a *Ask) FollowedAs(kind string) bool {
	return slices.ContainsFunc(a.Followers, func(f *Follower) bool { return f.Kind == kind })
}
