package lab

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
)

// manyRows are about numbers: followers, and messages that wait.
func manyRows() []Row {
	return []Row{
		{Name: "clients/ten-thousand-idle-followers", On: both(), Alone: true, Crowd: true, Allow: Allow{SlowFirst: true}, Fault: tenThousand},
		{
			Name: "queue/background-still-progresses", On: both(),
			Setup: func(w *World) { w.Env = append(w.Env, "CHATD_CONCURRENCY=2") },
			Load: func(l *Load) {
				l.Asks, l.Every, l.Cancels, l.Chains, l.Followers = 80, 5*time.Millisecond, 0, 0, 1
				l.Tokens, l.Pace = [2]int{5, 8}, 20*time.Millisecond
				l.Priority = func(i int) chat.Priority {
					return []chat.Priority{chat.PriorityBackground, chat.PriorityNormal, chat.PriorityNormal, chat.PriorityUrgent}[i%4]
				}
			},
			Check: progress,
		},
		{
			// A laptop without a network: its own daemon stays, the provider is gone, and
			// whoever reads from elsewhere, too.
			Name: "clients/offline-for-two-minutes", On: []Profile{Embedded}, Allow: Allow{Unfinished: true, SlowFirst: true, Silence: true},
			Load: func(l *Load) { l.Patience = 5 * time.Minute },
			Fault: func(ctx context.Context, w *World) error {
				cut := func(e *Edge) error { e.Cut(); return nil }
				return errors.Join(w.each(providerEdge, cut), w.each(frontEdge, cut), pause(ctx, 2*time.Minute),
					w.each(providerEdge, (*Edge).Mend), w.each(frontEdge, (*Edge).Mend))
			},
			Check: soonAfterwards,
		},
		{
			Name: "process/a-killed-daemon-keeps-what-it-had", On: []Profile{Embedded},
			Load: func(l *Load) { l.Asks, l.Cancels, l.Tokens = 5, 0, [2]int{300, 300} },
			Fault: func(ctx context.Context, w *World) error {
				if err := pause(ctx, 4*time.Second); err != nil {
					return err
				}
				n := w.API[0]
				n.Provider.Cut() // what was received cannot be made again
				return n.Restart(ctx, 0)
			},
			Allow: Allow{Unfinished: true},
			Check: kept,
		},
	}
}

// soonAfterwards judges that whoever could not be told of an end is told soon after
// the network is back, or soon after the end that comes later.
func soonAfterwards(h *History) []Violation {
	var mended time.Time
	for _, n := range h.Notes() {
		if n.What == "mended" {
			mended = n.At
		}
	}
	var out []Violation
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
			if _, end := assemble(f); !strings.HasPrefix(f.Kind, "late") && end != nil && end.At.Sub(from) > afterCommit {
				out = append(out, Violation{"D3", a.Mark, fmt.Sprintf("the %s follower saw the end %s after it could", f.Kind, end.At.Sub(from))})
			}
		}
	}
	return out
}

// kept judges that each message has the text that came before the checkpoint.
func kept(h *History) []Violation {
	var out []Violation
	for _, a := range h.Asks() {
		if a.Accepted == nil {
			continue
		}
		t, _ := h.Rows.Task(a.Accepted.TaskID)
		m, _ := h.Rows.Message(a.Accepted.MessageID)
		if got := strings.Count(m.Content, " "); t.State != chat.TaskInterrupted || got < 40 {
			out = append(out, Violation{"E1", a.Mark, fmt.Sprintf("%s with %d tokens", t.State, got)})
		}
	}
	return out
}

// progress judges that urgent messages did not wait for the rest, and that
// background ones did not wait for all of it.
func progress(h *History) []Violation {
	place := map[chat.Priority][]time.Time{}
	for _, a := range h.Asks() {
		if a.Accepted == nil {
			continue
		}
		t, _ := h.Rows.Task(a.Accepted.TaskID)
		place[a.Priority] = append(place[a.Priority], t.Finished)
	}
	mean := func(p chat.Priority) time.Duration {
		var sum time.Duration
		for _, t := range place[p] {
			sum += t.Sub(h.Began)
		}
		return sum / time.Duration(max(len(place[p]), 1))
	}
	var out []Violation
	if mean(chat.PriorityUrgent) > mean(chat.PriorityNormal) || mean(chat.PriorityNormal) > mean(chat.PriorityBackground) {
		out = append(out, Violation{"B8", "", fmt.Sprintf("mean ends: urgent %s, normal %s, background %s",
			mean(chat.PriorityUrgent), mean(chat.PriorityNormal), mean(chat.PriorityBackground))})
	}
	last := time.Time{}
	for _, t := range place[chat.PriorityNormal] {
		if t.After(last) {
			last = t
		}
	}
	before := 0
	for _, t := range place[chat.PriorityBackground] {
		if t.Before(last) {
			before++
		}
	}
	if before == 0 {
		out = append(out, Violation{"B8", "", "no background answer ended before the last normal one"})
	}
	return out
}

// idle is a follower that costs the lab as little as can be.
type idle struct {
	conn net.Conn
	text strings.Builder
}

// tenThousand attaches ten thousand followers to an answer that stands still,
// lets the others go on, ends it, and lets all of them come back at once.
func tenThousand(ctx context.Context, w *World) error {
	s := &sender{w: w, h: w.history, load: defaultLoad(), http: httpClient()}
	defer s.http.CloseIdleConnections()
	a := &Ask{Mark: "still" + name(), Chain: &chain{}}
	a.Key, a.Content = a.Mark, "lie: chunks=50 hang=3 mark="+a.Mark+"\n"
	if err := s.converse(ctx, a, seeded(w.Chance.Uint64(), 9)); err != nil {
		return err
	}
	s.post(ctx, a, 0, 0)
	if a.Accepted == nil {
		return errors.New("the message was not accepted")
	}
	const n = 10_000
	var all sync.WaitGroup
	var ended, cut atomic.Int64
	followers := make([]*idle, n)
	began := time.Now()
	for i := range followers {
		c, err := w.raw(ctx, w.API[i%len(w.API)], getStream(a.Accepted.TaskID, "1.1"))
		if err != nil {
			return fmt.Errorf("follower %d: %w", i, err)
		}
		f := &idle{conn: c}
		followers[i] = f
		all.Go(func() {
			buf := make([]byte, 512)
			for {
				k, err := c.Read(buf)
				f.text.Write(buf[:k])
				if strings.Contains(f.text.String(), `"chunk_type":"done"`) {
					ended.Add(1)
					return
				}
				if err != nil {
					cut.Add(1)
					return
				}
			}
		})
	}
	w.history.note("10,000 followers to attach took " + time.Since(began).Round(time.Millisecond).String())
	for _, g := range w.gauges(ctx) {
		w.history.note(fmt.Sprintf("%s holds %.0f MiB and %.0f files", g.Node, g.Resident/(1<<20), g.Files))
	}
	if err := pause(ctx, 2*time.Second); err != nil {
		return err
	}
	began = time.Now()
	s.cancel(ctx, a)
	finished := make(chan struct{})
	go func() { all.Wait(); close(finished) }()
	select {
	case <-finished:
	case <-time.After(20 * time.Second):
	}
	w.history.note("10,000 followers to see the end took " + time.Since(began).Round(time.Millisecond).String())
	for _, f := range followers {
		_ = f.conn.Close()
	}
	<-finished
	if ended.Load() != n {
		return fmt.Errorf("%d of %d followers saw the end, %d were cut", ended.Load(), n, cut.Load())
	}
	return w.herd(ctx, a.Accepted.TaskID, 2000)
}

// herd comes back with n clients at once and reads the finished answer.
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
		return fmt.Errorf("%d of %d clients that came at once did not get the answer", bad.Load(), n)
	}
	return nil
}

// backToNormal sends a message and waits for its first token: that is how long it
// takes from now until everything works again. It may take five seconds.
func (w *World) backToNormal(ctx context.Context, what string) error {
	s := &sender{w: w, h: w.history, load: defaultLoad(), http: httpClient()}
	defer s.http.CloseIdleConnections()
	began := time.Now()
	a := &Ask{Mark: "probe" + name(), Chain: &chain{}}
	a.Key, a.Content = a.Mark, "lie: chunks=5 mark="+a.Mark+"\n"
	c := seeded(w.Chance.Uint64(), 9)
	ctx, cancel := context.WithTimeoutCause(ctx, 30*time.Second, errors.New("nothing is normal after 30 s"))
	defer cancel()
	if err := s.converse(ctx, a, c); err != nil {
		return err
	}
	for a.Accepted == nil {
		s.post(ctx, a, c.IntN(len(w.API)), 0)
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
	for {
		conn := s.open(ctx, a.Accepted.TaskID, c.IntN(len(w.API)), "", leave{events: 1})
		if len(conn.Frames) > 0 {
			break
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
	took := time.Since(began)
	w.history.note(what + " back → the first token of a new message took " + took.Round(time.Millisecond).String())
	if took > 5*time.Second+time.Second+w.history.Slack { // a second for a busy machine
		return fmt.Errorf("%s was back, and a new message got its first token after %s", what, took)
	}
	return nil
}
