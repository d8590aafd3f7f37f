package modeltest

import (
	"context"
	"fmt"
	"hash/crc32"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Call is one request for an answer and what became of it.
type Call struct {
	N         int       `json:"n"` // counted from 1
	Model     string    `json:"model"`
	Directive string    `json:"directive,omitempty"`
	Prompt    string    `json:"prompt"`           // the last user message
	Images    []string  `json:"images,omitempty"` // the URLs of its image parts
	Messages  int       `json:"messages"`
	System    string    `json:"system,omitempty"`
	Format    string    `json:"format,omitempty"` // the type of response_format; "strict" for a schema in strict mode
	HasKey    bool      `json:"has_key"`
	Remote    string    `json:"remote"`    // the client's address, one a connection
	Sent      string    `json:"sent"`      // content, byte for byte, as far as it was written
	Reasoning string    `json:"reasoning"` // the same for reasoning
	Tokens    int       `json:"tokens"`    // of both
	Began     time.Time `json:"began"`
	Ended     time.Time `json:"ended"`
	// End says how it ended: "" while it has not; done, empty, cut, abort, rst, status, redirect,
	// html, or gone: the client closed the connection.
	End string `json:"end"`

	// Header is what the request carried, keys included.
	Header http.Header `json:"-"`
}

// Gone reports whether the client closed the connection before the end.
func (c Call) Gone() bool { return c.End == endGone }

const (
	endDone = "done"
	endGone = "gone"
)

// Token is the text of token i (from 0) of call n (from 1).
func Token(n, i int) string { return fmt.Sprintf("c%dt%d ", n, i) }

// ReasoningToken is the same for reasoning.
func ReasoningToken(n, i int) string { return fmt.Sprintf("c%dr%d ", n, i) }

// Answer is the content of an honest answer of call n with so many tokens.
func Answer(n, tokens int) string {
	var b strings.Builder
	for i := range tokens {
		b.WriteString(Token(n, i))
	}
	return b.String()
}

// Marked is the text of token i of call n for the task that was marked: it names
// all three and carries a checksum, so that any piece of text tells where it
// came from, and whether it is whole.
func Marked(mark string, n, i int) string {
	name := fmt.Sprintf("%s.c%d.t%d", mark, n, i)
	return fmt.Sprintf("%s.%08x ", name, crc32.ChecksumIEEE([]byte(name)))
}

// maxCalls bounds the record; the oldest calls are dropped.
const maxCalls = 200_000

// maxSent bounds what is recorded of one call's text, in bytes.
const maxSent = 16 << 20

// Calls returns the record so far, by N.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Call, len(s.calls))
	for i, c := range s.calls {
		out[i] = *c
		out[i].Sent, out[i].Reasoning = s.content[c.N].String(), s.thought[c.N].String()
	}
	return out
}

// Wait waits until enough, which is asked at every change of the record.
func (s *Server) Wait(ctx context.Context, enough func([]Call) bool) error {
	for {
		s.mu.Lock()
		changed := s.changed
		s.mu.Unlock()
		if enough(s.Calls()) {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Step lets n tokens of gated calls pass.
func (s *Server) Step(n int) {
	for range n {
		s.steps <- struct{}{}
	}
}

// begin records a new call.
func (s *Server) begin(c Call) *Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last++
	c.N, c.Began = s.last, time.Now().UTC()
	if len(s.calls) >= maxCalls {
		delete(s.content, s.calls[0].N)
		delete(s.thought, s.calls[0].N)
		s.calls = slices.Delete(s.calls, 0, 1)
	}
	s.calls = append(s.calls, &c)
	s.content[c.N], s.thought[c.N] = new(strings.Builder), new(strings.Builder)
	s.notify()
	return &c
}

// sent records a token.
func (s *Server) sent(c *Call, text string, reasoning bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.Tokens++
	b := s.content[c.N]
	if reasoning {
		b = s.thought[c.N]
	}
	if b != nil && b.Len() < maxSent {
		b.WriteString(text)
	}
	s.notify()
}

func (s *Server) ended(c *Call, how string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.End, c.Ended = how, time.Now().UTC()
	s.notify()
}

// notify wakes Wait; mu is held.
func (s *Server) notify() {
	close(s.changed)
	s.changed = make(chan struct{})
}
