package faults

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"chat"
	"chat/internal/lab/history"
	"chat/internal/lab/judge"
	"chat/internal/lab/load"
	"chat/internal/lab/world"
)

// clientRows have clients that misbehave, or very many clients.
func clientRows() []Row {
	return []Row{
		{Name: "clients/all-connections-cut-again-and-again", On: both(), Fault: func(ctx context.Context, w *World) error {
			return w.repeat(ctx, 12, 300*time.Millisecond, func() error { return w.each(frontEdges, func(e *world.Edge) error { return e.Reset() }) })
		}},
		{Name: "clients/cut-after-some-bytes", On: both(), Core: true, Fault: func(ctx context.Context, w *World) error {
			return w.during(ctx, 6*time.Second, frontEdges, func(e *world.Edge) error { return e.CutAfter(500 + w.Chance.IntN(3000)) })
		}},
		{Name: "clients/black-hole", On: both(), Allow: judge.Allow{Silence: true}, Fault: func(ctx context.Context, w *World) error {
			return w.during(ctx, 8*time.Second, frontEdges, func(e *world.Edge) error { return e.Swallow(world.ToClient) })
		}},
		{Name: "clients/slow-network", On: both(), Fault: func(ctx context.Context, w *World) error {
			return w.during(ctx, 5*time.Second, frontEdges, func(e *world.Edge) error {
				return errors.Join(e.Delay(120*time.Millisecond, 80*time.Millisecond), e.Slice(11))
			})
		}},
		{Name: "clients/replies-to-posts-lost", On: both(), Core: true, Load: func(l *load.Load) { l.Drops = 0.9 }},
		{Name: "clients/fifty-identical-posts", On: both(), Alone: true, Load: func(l *load.Load) { l.Asks, l.Twice = 6, 1 }, Fault: fiftyPosts},
		{Name: "clients/cancel-storm", On: both(), Load: func(l *load.Load) { l.Asks, l.Cancels = 40, 1 }},
		{Name: "clients/a-thousand-abandoned-followers", On: both(), Alone: true, Fault: abandoned},
		{Name: "clients/readers-that-stop-reading", On: both(), Alone: true, Fault: stuck},
		{Name: "clients/slowloris", On: both(), Alone: true, Fault: slowloris},
		{Name: "clients/hostile-requests", On: both(), Alone: true, Fault: hostile},
		{Name: "clients/resume-at-every-byte", On: both(), Alone: true, Load: func(l *load.Load) { l.Asks, l.Cancels, l.Tokens = 3, 0, [2]int{20, 20} }, Fault: everyByte},
		{Name: "clients/seven-tabs", On: both(), Load: func(l *load.Load) { l.Followers = 7 }},
		{Name: "clients/http-1.0", On: both(), Alone: true, Fault: oldHTTP},
	}
}

func frontEdges(w *World) []*world.Edge {
	return ofNodes(w, func(n *world.Node) *world.Edge { return n.Front })
}

// someTask is a task that was accepted.
func (w *World) someTask(ctx context.Context) (*history.Ask, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, 20*time.Second, errors.New("no task was accepted"))
	defer cancel()
	for {
		for _, a := range w.History.Asks() {
			if a.IsAccepted() {
				return a, nil
			}
		}
		if err := world.Pause(ctx, 20*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

// fiftyPosts sends one message fifty times at the same time, with one key.
func fiftyPosts(ctx context.Context, w *World) error {
	s := w.sender()
	defer s.Close()
	a, err := w.someTask(ctx)
	if err != nil {
		return err
	}
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() { s.Post(ctx, a, i%len(w.API), 0) })
	}
	all.Wait()
	return nil
}

// raw opens a connection to an API and writes to it, without an HTTP client.
func (w *World) raw(ctx context.Context, n *world.Node, text string) (net.Conn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", n.Listen)
	if err != nil {
		return nil, err
	}
	if _, err := io.WriteString(c, text); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// getStream is the request for a stream as text.
func getStream(taskID, version string) string {
	return "GET /stream/" + taskID + " HTTP/" + version + "\r\nHost: localhost\r\nAuthorization: Bearer " + world.Bearer + "\r\n\r\n"
}

// abandoned opens a thousand streams, reads a little, and closes them.
func abandoned(ctx context.Context, w *World) error {
	a, err := w.someTask(ctx)
	if err != nil {
		return err
	}
	var conns []net.Conn
	for i := range 1000 {
		c, err := w.raw(ctx, w.API[i%len(w.API)], getStream(a.Accepted.TaskID, "1.1"))
		if err != nil {
			return err
		}
		conns = append(conns, c)
	}
	var errs []error
	for _, c := range conns {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// stuck opens streams that are never read, while the answer is much larger than
// the kernel's buffers.
func stuck(ctx context.Context, w *World) error {
	s := w.sender()
	defer s.Close()
	big := &history.Ask{Mark: "big" + world.UniqueName(), Chain: &history.Chain{}}
	big.Key, big.Content = big.Mark, fmt.Sprintf("lie: chunks=400 pace=5ms text=%s\nmark=%s", strings.Repeat("y", 4000), big.Mark)
	c := world.Seeded(w.Chance.Uint64(), 9)
	if err := s.Converse(ctx, big, c); err != nil {
		return err
	}
	s.Post(ctx, big, 0, 0)
	if big.Accepted == nil {
		return errors.New("the large message was not accepted")
	}
	for i := range 50 {
		conn, err := w.raw(ctx, w.API[i%len(w.API)], getStream(big.Accepted.TaskID, "1.1"))
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close() }()
	}
	return world.Pause(ctx, 5*time.Second) // the others must not notice
}

// slowloris sends headers and bodies a byte at a time, from many connections.
func slowloris(ctx context.Context, w *World) error {
	var all sync.WaitGroup
	ctx, cancel := context.WithTimeout(ctx, 6*time.Second)
	defer cancel()
	for i := range 300 {
		start := "GET /tasks HTTP/1.1\r\nHost: loc"
		if i%2 == 0 {
			start = "POST /conversations HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100000\r\nAuthorization: Bearer " + world.Bearer + "\r\n\r\n{"
		}
		c, err := w.raw(ctx, w.API[i%len(w.API)], start)
		if err != nil {
			return err
		}
		all.Go(func() {
			defer func() { _ = c.Close() }()
			for world.Pause(ctx, time.Second) == nil {
				if _, err := io.WriteString(c, " "); err != nil {
					return // it was cut off, as it should be
				}
			}
		})
	}
	all.Wait()
	return nil
}

// hostile sends invalid requests, and expects the right refusal of each.
func hostile(ctx context.Context, w *World) error {
	a, err := w.someTask(ctx)
	if err != nil {
		return err
	}
	post := func(path, body string, header ...string) (*http.Request, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+w.AnyAPI().Listen+path, strings.NewReader(body))
		if err != nil {
			return nil, err
		}
		req.Host = "localhost"
		req.Header.Set("Authorization", "Bearer "+world.Bearer)
		req.Header.Set("Content-Type", "application/json")
		for i := 0; i+1 < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		return req, nil
	}
	messages := "/conversations/" + a.Chain.ID + "/messages"
	cases := []struct {
		path, body string
		header     []string
		want       int
	}{
		{messages, `{"content":`, nil, 400},
		{messages, `{"content":"x"} {"content":"y"}`, nil, 400},
		{messages, `{"content":"x","unknown":1}`, nil, 400},
		{messages, `[` + strings.Repeat(`[`, 100_000), nil, 400},
		{messages, `{"content":"` + strings.Repeat("x", 2<<20) + `"}`, nil, 413},
		{messages, `{"content":"x"}`, []string{"Content-Type", "text/plain"}, 415},
		{messages, `{"content":"x"}`, []string{"Origin", "https://evil.example"}, 403},
		{messages, `{"content":"x"}`, []string{"Authorization", "Bearer nonsense"}, 401},
		{messages, `{"content":"x"}`, []string{"Idempotency-Key", strings.Repeat("k", 5000)}, 400},
		{messages, `{"content":"x","parent_id":"00000000-0000-7000-8000-000000000000"}`, nil, 400},
		{"/conversations/nonsense/messages", `{"content":"x"}`, nil, 404},
		{"/tasks/nonsense/cancel", `{}`, nil, 404},
	}
	for _, k := range cases {
		req, err := post(k.path, k.body, k.header...)
		if err != nil {
			return err
		}
		res, err := world.Do(req)
		if err != nil {
			if len(k.body) > 64<<10 {
				continue // cut off while it was still sending
			}
			return err
		}
		_ = res.Body.Close()
		if res.StatusCode != k.want {
			return fmt.Errorf("%s with %.60s %v: status %d, want %d", k.path, k.body, k.header, res.StatusCode, k.want)
		}
	}
	return w.strangePositions(ctx, a)
}

// strangePositions requests streams at positions that never existed; each response
// is complete and ends.
func (w *World) strangePositions(ctx context.Context, a *history.Ask) error {
	s := w.sender()
	defer s.Close()
	for _, after := range []string{"9-5", "1-999999", "7", "999999", "0-0"} {
		c := s.Open(ctx, a.Accepted.TaskID, 0, after, load.Leave{})
		if c.Status != http.StatusNoContent && c.End != "terminal" { // 204: the task has ended meanwhile
			return fmt.Errorf("after %q: status %d, %s", after, c.Status, c.End)
		}
	}
	for _, after := range []string{"garbage", "1-", "-", "1-x", strings.Repeat("9", 40_000)} {
		c := s.Open(ctx, a.Accepted.TaskID, 0, after, load.Leave{})
		if c.Status != http.StatusOK && c.Status/100 != 4 {
			return fmt.Errorf("after %.20q: status %d, %s", after, c.Status, c.End)
		}
	}
	return nil
}

// everyByte reads a stream repeatedly, cut after each number of bytes, and resumes
// from there.
func everyByte(ctx context.Context, w *World) error {
	s := w.sender()
	defer s.Close()
	a, err := w.someTask(ctx)
	if err != nil {
		return err
	}
	whole := s.Open(ctx, a.Accepted.TaskID, 0, "", load.Leave{})
	if whole.End != "terminal" {
		return errors.New("the first reader: " + whole.End)
	}
	want, _ := (&history.Follower{Conns: []*history.Conn{whole}}).Assemble()
	for n := 1; ; n++ {
		f := &history.Follower{Kind: "every byte", Conns: []*history.Conn{s.Open(ctx, a.Accepted.TaskID, n%len(w.API), "", load.Leave{Bytes: n})}}
		first := f.Conns[0]
		if first.End == "terminal" {
			w.History.Note(fmt.Sprintf("%d offsets to cut", n-1))
			return nil
		}
		after := ""
		if k := len(first.Frames); k > 0 {
			after = first.Frames[k-1].ID
		}
		f.Conns = append(f.Conns, s.Open(ctx, a.Accepted.TaskID, (n+1)%len(w.API), after, load.Leave{}))
		if got, end := f.Assemble(); !got.Equal(want) || end == nil {
			return fmt.Errorf("cut after %d bytes, and resumed after %q: %s", n, after, judge.Short(got.Text()))
		}
	}
}

// oldHTTP speaks HTTP/1.0, whose streams end with the connection.
func oldHTTP(ctx context.Context, w *World) error {
	a, err := w.someTask(ctx)
	if err != nil {
		return err
	}
	c, err := w.raw(ctx, w.AnyAPI(), getStream(a.Accepted.TaskID, "1.0"))
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return err
	}
	text, err := io.ReadAll(c)
	if err != nil {
		return err
	}
	if !strings.Contains(string(text), `"chunk_type":"`+string(chat.ChunkDone)) && !strings.Contains(string(text), `"chunk_type":"`+string(chat.ChunkError)) {
		return fmt.Errorf("an HTTP/1.0 stream without an end: %s", judge.Short(string(text)))
	}
	return nil
}
