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
	"sync/atomic"
	"time"

	"chat"
	"chat/internal/lab/history"
	"chat/internal/lab/judge"
	"chat/internal/lab/load"
	"chat/internal/lab/world"
)

// manyRows have very many followers, or queued messages.
func manyRows() []Row {
	return []Row{
		{Name: "clients/ten-thousand-idle-followers", On: both(), Alone: true, Crowd: true, Allow: judge.Allow{SlowFirst: true}, Fault: tenThousand},
		{
			Name: "queue/background-still-progresses", On: both(),
			Setup: func(w *World) { w.Env = append(w.Env, "CHATD_CONCURRENCY=2") },
			Load: func(l *load.Load) {
				l.Asks, l.Every, l.Cancels, l.Chains, l.Followers = 80, 5*time.Millisecond, 0, 0, 1
				l.Tokens, l.Pace = [2]int{5, 8}, 20*time.Millisecond
				l.Priority = func(i int) chat.Priority {
					return []chat.Priority{chat.PriorityBackground, chat.PriorityNormal, chat.PriorityNormal, chat.PriorityUrgent}[i%4]
				}
			},
			Check: progress,
		},
		{
			// A laptop without a network: its own daemon stays, but the provider
			// and remote readers are unreachable.
			Name: "clients/offline-for-two-minutes", On: []world.Profile{world.Embedded}, Allow: judge.Allow{Unfinished: true, SlowFirst: true, Silence: true},
			Load: func(l *load.Load) { l.Timeout = 5 * time.Minute },
			Fault: func(ctx context.Context, w *World) error {
				cut := func(e *world.Edge) error { e.Cut(); return nil }
				return errors.Join(w.each(providerEdges, cut), w.each(frontEdges, cut), world.Pause(ctx, 2*time.Minute),
					w.each(providerEdges, (*world.Edge).Mend), w.each(frontEdges, (*world.Edge).Mend))
			},
			Check: soonAfterwards,
		},
		{
			Name: "process/a-killed-daemon-keeps-what-it-had", On: []world.Profile{world.Embedded},
			Load: func(l *load.Load) { l.Asks, l.Cancels, l.Tokens = 5, 0, [2]int{300, 300} },
			Fault: func(ctx context.Context, w *World) error {
				if err := world.Pause(ctx, 4*time.Second); err != nil {
					return err
				}
				n := w.API[0]
				n.Provider.Cut() // the lost text cannot be generated again
				return n.Restart(ctx, 0)
			},
			Allow: judge.Allow{Unfinished: true},
			Check: kept,
		},
	}
}

// soonAfterwards judges that a follower that could not see an end sees it soon
// after the network is restored, or soon after the end if that comes later.
func soonAfterwards(h *history.History) []judge.Violation {
	var mended time.Time
	for _, n := range h.Notes() {
		if n.What == "mended" {
			mended = n.At
		}
	}
	var out []judge.Violation
	for _, a := range h.Asks() {
		if a.Accepted == nil {
			continue
		}
		t, _ := h.Rows.Task(a.Accepted.TaskID)
		from := mended
		if t.Finished.After(from) {
			from = t.Finished
		}
		for _, f := range a.Followers {
			if _, end := f.Assemble(); !strings.HasPrefix(f.Kind, "late") && end != nil && end.At.Sub(from) > judge.AfterCommit {
				out = append(out, broken("D3", a.Mark, fmt.Sprintf("the %s follower saw the end %s after it could", f.Kind, end.At.Sub(from))))
			}
		}
	}
	return out
}

// kept judges that each message has the text up to the checkpoint.
func kept(h *history.History) []judge.Violation {
	var out []judge.Violation
	for _, a := range h.Asks() {
		if a.Accepted == nil {
			continue
		}
		t, _ := h.Rows.Task(a.Accepted.TaskID)
		m, _ := h.Rows.Message(a.Accepted.MessageID)
		if got := strings.Count(m.Content, " "); t.State != chat.TaskInterrupted || got < 40 {
			out = append(out, broken("E1", a.Mark, fmt.Sprintf("%s with %d tokens", t.State, got)))
		}
	}
	return out
}

// progress judges that urgent messages did not wait for the rest, and that
// background ones did not wait for all of it.
func progress(h *history.History) []judge.Violation {
	finished := map[chat.Priority][]time.Time{}
	for _, a := range h.Asks() {
		if a.Accepted == nil {
			continue
		}
		t, _ := h.Rows.Task(a.Accepted.TaskID)
		finished[a.Priority] = append(finished[a.Priority], t.Finished)
	}
	mean := func(p chat.Priority) time.Duration {
		var sum time.Duration
		for _, t := range finished[p] {
			sum += t.Sub(h.Began)
		}
		return sum / time.Duration(max(len(finished[p]), 1))
	}
	var out []judge.Violation
	if mean(chat.PriorityUrgent) > mean(chat.PriorityNormal) || mean(chat.PriorityNormal) > mean(chat.PriorityBackground) {
		out = append(out, broken("B8", "", fmt.Sprintf("mean ends: urgent %s, normal %s, background %s",
			mean(chat.PriorityUrgent), mean(chat.PriorityNormal), mean(chat.PriorityBackground))))
	}
	last := time.Time{}
	for _, t := range finished[chat.PriorityNormal] {
		if t.After(last) {
			last = t
		}
	}
	before := 0
	for _, t := range finished[chat.PriorityBackground] {
		if t.Before(last) {
			before++
		}
	}
	if before == 0 {
		out = append(out, broken("B8", "", "no background answer ended before the last normal one"))
	}
	return out
}

// idle is a follower that costs the lab as little as possible.
type idle struct {
	conn net.Conn
	text strings.Builder
}

// tenThousand attaches ten thousand followers to an answer that is paused, lets the
// others continue, ends it, and lets all of them reconnect at the same time.
func tenThousand(ctx context.Context, w *World) error {
	s := w.sender()
	defer s.Close()
	a := &history.Ask{Mark: "still" + world.UniqueName(), Chain: &history.Chain{}}
	a.Key, a.Content = a.Mark, "lie: chunks=50 hang=3 mark="+a.Mark+"\n"
	if err := s.Converse(ctx, a, world.Seeded(w.Chance.Uint64(), 9)); err != nil {
		return err
	}
	s.Post(ctx, a, 0, 0)
	if a.Accepted == nil {
		return errors.New("the message was not accepted")
	}
	const n = 10_000
	began := time.Now()
	c, err := w.attach(ctx, a.Accepted.TaskID, n)
	if err != nil {
		return err
	}
	w.History.Note("10,000 followers to attach took " + time.Since(began).Round(time.Millisecond).String())
	for _, g := range w.Gauges(ctx) {
		w.History.Note(fmt.Sprintf("%s holds %.0f MiB and %.0f files", g.Node, g.Resident/(1<<20), g.Files))
	}
	if err := world.Pause(ctx, 2*time.Second); err != nil {
		return err
	}
	began = time.Now()
	s.Cancel(ctx, a)
	c.wait(20 * time.Second)
	w.History.Note("10,000 followers to see the end took " + time.Since(began).Round(time.Millisecond).String())
	c.close()
	if c.ended.Load() != n {
		return fmt.Errorf("%d of %d followers saw the end, %d were cut", c.ended.Load(), n, c.cut.Load())
	}
	return w.herd(ctx, a.Accepted.TaskID, 2000)
}

// crowd is a number of followers of one answer.
type crowd struct {
	followers  []*idle
	all        sync.WaitGroup
	ended, cut atomic.Int64
}

// attach attaches n followers to a task.
func (w *World) attach(ctx context.Context, taskID string, n int) (*crowd, error) {
	c := &crowd{}
	for i := range n {
		conn, err := w.raw(ctx, w.API[i%len(w.API)], getStream(taskID, "1.1"))
		if err != nil {
			c.close()
			return nil, fmt.Errorf("follower %d: %w", i, err)
		}
		f := &idle{conn: conn}
		c.followers = append(c.followers, f)
		c.all.Go(func() { c.read(f) })
	}
	return c, nil
}

// read reads until the end of the answer or of the connection.
func (c *crowd) read(f *idle) {
	buf := make([]byte, 512)
	for {
		k, err := f.conn.Read(buf)
		f.text.Write(buf[:k])
		if strings.Contains(f.text.String(), `"chunk_type":"done"`) {
			c.ended.Add(1)
			return
		}
		if err != nil {
			c.cut.Add(1)
			return
		}
	}
}

// wait waits until all have seen the end, but at most limit.
func (c *crowd) wait(limit time.Duration) {
	finished := make(chan struct{})
	go func() { c.all.Wait(); close(finished) }()
	select {
	case <-finished:
	case <-time.After(limit):
	}
}

// close disconnects all and waits for their goroutines.
func (c *crowd) close() {
	for _, f := range c.followers {
		_ = f.conn.Close()
	}
	c.all.Wait()
}

// herd reads the finished answer with n clients at the same time.
func (w *World) herd(ctx context.Context, taskID string, n int) error {
	var all sync.WaitGroup
	var bad atomic.Int64
	for i := range n {
		all.Go(func() {
			c, err := w.raw(ctx, w.API[i%len(w.API)], strings.Replace(getStream(taskID, "1.1"), "\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1))
			if err != nil {
				bad.Add(1)
				return
			}
			defer func() { _ = c.Close() }()
			_ = c.SetDeadline(time.Now().Add(30 * time.Second)) // it is read to its end or it counts as bad
			text, _ := io.ReadAll(c)
			if !strings.HasPrefix(string(text), "HTTP/1.1 "+fmt.Sprint(http.StatusOK)) || !strings.Contains(string(text), `"chunk_type":"done"`) {
				bad.Add(1)
			}
		})
	}
	all.Wait()
	if bad.Load() > 0 {
		return fmt.Errorf("%d of %d clients that came at the same time did not get the answer", bad.Load(), n)
	}
	return nil
}
