package load

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"chat/internal/lab/history"
	"chat/internal/lab/world"
)

// newRequest returns a request to an API with the lab's token; payload may be nil.
func (s *Sender) newRequest(ctx context.Context, method string, api int, path string, payload io.Reader) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://"+s.w.API[api].Front.Addr()+path, payload)
	if err != nil {
		return nil, err
	}
	req.Host = "localhost"
	req.Header.Set("Authorization", "Bearer "+world.Bearer)
	if method != http.MethodGet {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, nil
}

// events reads server-sent events as a browser does: an event counts when its empty line has
// come. It does not use the reader of package sse, so that it can find defects in it.
type events struct {
	lines *bufio.Reader
	id    string        // of the last event
	retry time.Duration // that the stream asked for, 0 if it did not
}

func newEvents(body io.Reader) *events { return &events{lines: bufio.NewReaderSize(body, 64<<10)} }

// next returns the next event that has data. The error is io.EOF only if the body is complete.
func (e *events) next() (history.Event, error) {
	var data []string
	id := e.id
	for {
		line, err := e.lines.ReadString('\n')
		if err != nil {
			return history.Event{}, err
		}
		line = strings.TrimRight(line, "\r\n")
		if line == "" {
			e.id = id
			if data != nil {
				return history.Event{ID: id, Data: strings.Join(data, "\n")}, nil
			}
			continue
		}
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch name {
		case "data":
			data = append(data, value)
		case "id":
			id = value
		case "retry":
			if ms, err := strconv.Atoi(value); err == nil {
				e.retry = time.Duration(ms) * time.Millisecond
			}
		}
	}
}

// reading says how a follower reads one connection.
type reading struct {
	// terminal reports whether an event ends the answer.
	terminal func(data string) bool
	// begin is called when the response begins; an error ends the connection. It may be nil.
	begin func(*history.Exchange) error
	most  int // events until the follower leaves on purpose; 0: it stays
}

// exchange sends a request and records the response in x until it ends. It returns the time
// after which the stream asks its reader to reconnect.
func (s *Sender) exchange(x *history.Exchange, req *http.Request, how reading) (retry time.Duration) {
	res, err := s.http.Do(req)
	if err != nil {
		x.End = err.Error()
		return 0
	}
	defer func() { _ = res.Body.Close() }()
	x.Status, x.TaskID = res.StatusCode, res.Header.Get("Chat-Task-Id")
	if res.StatusCode != http.StatusOK {
		x.End = res.Status
		return 0
	}
	if how.begin != nil {
		if err := how.begin(x); err != nil {
			x.End = err.Error()
			return 0
		}
	}
	in := newEvents(res.Body)
	for {
		e, err := in.next()
		switch {
		case x.End == history.EndTerminal && err != nil: // nothing may follow, and how the connection ends does not matter
			return in.retry
		case errors.Is(err, io.EOF):
			x.End = history.EndClean
			return in.retry
		case err != nil:
			x.End = err.Error()
			return in.retry
		}
		x.Events = append(x.Events, e)
		switch {
		case how.terminal(e.Data):
			x.End = history.EndTerminal
		case x.End == "" && how.most > 0 && len(x.Events) >= how.most:
			x.End = errLeft.Error()
			return in.retry
		}
	}
}

// open makes one connection of a follower and adds it to f. leave is when the follower
// disconnects, whatever has come; 0: it stays.
func (s *Sender) open(ctx context.Context, f *history.Follower, x *history.Exchange, leave time.Duration, how reading, request func(context.Context) (*http.Request, error)) (retry time.Duration) {
	x.Opened = time.Now()
	f.Exchanges = append(f.Exchanges, x)
	if leave == 0 {
		leave = 2 * deadAfter
	}
	ctx, cancel := context.WithTimeoutCause(ctx, leave, errors.New("too long"))
	defer cancel()
	req, err := request(ctx)
	if err != nil {
		x.End = err.Error()
		return 0
	}
	return s.exchange(x, req, how)
}

// leaving returns after how many events a follower leaves a connection: half of them do.
func leaving(c world.Chance) int {
	if c.Often(0.5) {
		return 1 + c.IntN(30)
	}
	return 0
}

// pause waits before a follower reconnects; false means that it has to give up.
func pause(ctx context.Context, f *history.Follower, d time.Duration) bool {
	if world.Pause(ctx, d) == nil {
		return true
	}
	f.Gave = context.Cause(ctx).Error()
	if n := len(f.Exchanges); n > 0 {
		f.Gave += fmt.Sprintf(" (%s)", f.Exchanges[n-1].End)
	}
	return false
}
