package lab

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"chat"
	"chat/daemon/client"
)

// deadAfter is how long a raw reader waits for a byte, five seconds more than
// the server's heartbeat takes.
const deadAfter = 20 * time.Second

// errLeft ends a connection that the reader leaves on purpose.
var errLeft = errors.New("left")

// leave says when a reader leaves a connection: behind so many events, behind so
// many bytes, wherever in an event that is, or never (0, 0).
type leave struct{ events, bytes int }

// follow follows a task to its end in the way of its kind.
func (s *sender) follow(ctx context.Context, f *Follower, a *Ask, c chance) {
	ctx, cancel := context.WithTimeoutCause(ctx, 2*s.load.Patience, errors.New("it saw no end"))
	defer cancel()
	if f.Kind == "client" {
		s.followWithClient(ctx, f, a, c)
	} else {
		s.followRaw(ctx, f, a, c)
	}
	if f.Gave == "" {
		s.askLast(ctx, f, a, c.IntN(len(s.w.API)))
	}
}

// followRaw reads raw events, coming back with the last id; a flaky one leaves
// all the time, and sometimes comes back at an earlier place.
func (s *sender) followRaw(ctx context.Context, f *Follower, a *Ask, c chance) {
	after := ""
	for {
		var l leave
		if f.Kind == "flaky" && c.often(0.8) {
			if l.events = 1 + c.IntN(25); c.often(0.5) {
				l = leave{bytes: 1 + c.IntN(2500)}
			}
		}
		conn := s.open(ctx, a.Accepted.TaskID, c.IntN(len(s.w.API)), after, l)
		f.Conns = append(f.Conns, conn)
		if conn.End == "terminal" || conn.Status == http.StatusNoContent {
			return
		}
		if conn.Status == http.StatusNotFound {
			f.Gave = "404 for an accepted task"
			return
		}
		if n := len(conn.Frames); n > 0 {
			after = conn.Frames[n-1].ID
			if f.Kind == "flaky" && c.often(0.1) {
				after = conn.Frames[c.IntN(n)].ID
			}
		}
		wait := c.between(20*time.Millisecond, 250*time.Millisecond)
		if conn.End == errLeft.Error() {
			wait = c.between(0, 60*time.Millisecond)
		}
		if pause(ctx, wait) != nil {
			f.Gave = context.Cause(ctx).Error()
			return
		}
	}
}

// open makes one connection and reads it until it ends or the reader leaves.
func (s *sender) open(ctx context.Context, taskID string, api int, after string, l leave) *Conn {
	conn := &Conn{API: api, After: after, Opened: time.Now()}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silence := time.AfterFunc(deadAfter, func() { cancel(errors.New("silence")) })
	defer silence.Stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.w.API[api].Front.Addr()+"/stream/"+taskID, nil)
	if err != nil {
		conn.End = err.Error()
		return conn
	}
	req.Host = "localhost"
	req.Header.Set("Authorization", "Bearer "+bearer)
	if after != "" {
		req.Header.Set("Last-Event-ID", after)
	}
	res, err := s.http.Do(req)
	if err != nil {
		conn.End = err.Error()
		return conn
	}
	defer func() { _ = res.Body.Close() }()
	conn.Status = res.StatusCode
	if res.StatusCode != http.StatusOK {
		conn.End = res.Status
		return conn
	}
	body := &measured{r: res.Body, conn: conn, silence: silence, limit: l.bytes}
	if err := conn.read(body, l.events); err != nil {
		conn.End = err.Error()
	}
	return conn
}

// measured notes when bytes come, and ends behind limit of them.
type measured struct {
	r       io.Reader
	conn    *Conn
	silence *time.Timer
	limit   int
	last    time.Time
	n       int
}

func (m *measured) Read(p []byte) (int, error) {
	if m.limit > 0 {
		if m.n >= m.limit {
			return 0, errLeft
		}
		p = p[:min(len(p), m.limit-m.n)]
	}
	n, err := m.r.Read(p)
	m.n += n
	if n > 0 {
		m.silence.Reset(deadAfter)
		now := time.Now()
		if m.conn.First.IsZero() {
			m.conn.First = now
		} else {
			m.conn.Gap = max(m.conn.Gap, now.Sub(m.last))
		}
		m.last = now
	}
	return n, err
}

// read parses events until the terminal one. It is a reader of its own, so that
// a defect of the product's cannot hide itself.
func (c *Conn) read(r io.Reader, events int) error {
	lines := bufio.NewReaderSize(r, 64<<10)
	var id, data string
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return err // an event without its empty line does not count
		}
		line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
		switch name, value, _ := strings.Cut(line, ":"); {
		case line != "" && name == "id":
			id = strings.TrimPrefix(value, " ")
		case line != "" && name == "data":
			data += strings.TrimPrefix(value, " ")
		case line != "" && name == "event":
			return fmt.Errorf("a named event %q", value)
		case line == "" && data != "":
			f := Frame{ID: id, At: time.Now()}
			if err := json.Unmarshal([]byte(data), &f.Chunk); err != nil {
				return fmt.Errorf("event %s: %w", id, err)
			}
			id, data = "", ""
			c.Frames = append(c.Frames, f)
			if f.Chunk.Terminal() {
				c.End = "terminal"
				return c.beyond(lines)
			}
			if events > 0 && len(c.Frames) >= events {
				return errLeft
			}
		}
	}
}

// beyond reads on behind the terminal event: nothing may come.
func (c *Conn) beyond(lines *bufio.Reader) error {
	rest, err := io.ReadAll(io.LimitReader(lines, 64<<10))
	for line := range strings.SplitSeq(string(rest), "\n") {
		if line != "" && !strings.HasPrefix(line, ":") {
			return fmt.Errorf("%q behind the terminal event (%w)", line, err)
		}
	}
	return nil
}

// followWithClient follows as chat does.
func (s *sender) followWithClient(ctx context.Context, f *Follower, a *Ask, c chance) {
	n := c.IntN(len(s.w.API))
	cl := client.New(func(context.Context) (client.Endpoint, error) {
		_, port, err := net.SplitHostPort(s.w.API[n%len(s.w.API)].Front.Addr()) // another one after each loss
		n++
		return client.Endpoint{Network: "tcp", BaseURL: "http://localhost:" + port, Token: bearer}, err
	}, client.Options{HeartbeatTimeout: deadAfter, BackoffCap: time.Second})
	defer cl.Close()
	conn := &Conn{Opened: time.Now(), Status: http.StatusOK}
	f.Conns = []*Conn{conn}
	for u, err := range cl.Follow(ctx, a.Accepted.TaskID, chat.Start()) {
		switch {
		case err != nil:
			f.Gave = err.Error()
			return
		case u.Chunk != nil:
			conn.Frames = append(conn.Frames, Frame{ID: u.Chunk.Position().String(), Chunk: *u.Chunk, At: time.Now()})
			if u.Chunk.Terminal() {
				conn.End = "terminal"
			}
		}
	}
	if conn.End == "" {
		f.Gave = "the stream ended without a terminal chunk"
	}
}

// askLast asks for the message right behind the terminal chunk. Whoever cannot
// be reached is asked again: the promise is about what is answered.
func (s *sender) askLast(ctx context.Context, f *Follower, a *Ask, api int) {
	for began := time.Now(); time.Since(began) < s.load.Patience; {
		var list struct {
			Messages []chat.Message `json:"messages"`
		}
		status, _, err := s.call(ctx, api, http.MethodGet, "/conversations/"+a.Chain.id+"/messages", "", nil, &list)
		if err != nil || status >= 500 || status == http.StatusTooManyRequests {
			if pause(ctx, 200*time.Millisecond) != nil {
				return
			}
			continue
		}
		for _, m := range list.Messages {
			if m.ID == a.Accepted.MessageID {
				f.Last = &m
			}
		}
		if f.Last == nil {
			f.LastErr = fmt.Sprintf("status %d, and the message is not in it", status)
		}
		return
	}
	f.LastErr = "nobody answered"
}
