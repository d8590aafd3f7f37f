package api

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"time"

	"chat"
)

// statusPatience bounds each look at a dependency.
const statusPatience = 2 * time.Second

func (s *Server) state() string {
	if s.leaving.Load() || s.draining.Err() != nil || s.activity.Closed() {
		return "draining"
	}
	return "ready"
}

// hello is frozen for good: clients of every version read it.
func (s *Server) hello(*http.Request, principal) (reply, error) {
	type protocol struct {
		Min int `json:"min"`
		Max int `json:"max"`
	}
	return reply{body: struct {
		Instance string   `json:"instance"`
		Version  string   `json:"version"`
		Protocol protocol `json:"protocol"`
		State    string   `json:"state"`
		PID      int      `json:"pid"`
	}{s.opts.Instance, s.opts.Version, protocol{s.opts.Protocol[0], s.opts.Protocol[1]}, s.state(), s.opts.PID}}, nil
}

func (s *Server) healthz(*http.Request, principal) (reply, error) {
	return reply{body: map[string]string{"status": "ok"}}, nil
}

func (s *Server) readyz(r *http.Request, _ principal) (reply, error) {
	if s.state() != "ready" {
		return reply{}, chat.Errorf(chat.CodeDraining, "the server is shutting down")
	}
	ctx, cancel := context.WithTimeout(r.Context(), statusPatience)
	defer cancel()
	if err := s.store.Ping(ctx); err != nil {
		return reply{}, chat.Errorf(chat.CodeUnavailable, "the database cannot be reached: %w", err)
	}
	return reply{body: map[string]string{"status": "ready"}}, nil
}

func (s *Server) models(r *http.Request, p principal) (reply, error) {
	c, err := s.credentialsOf(r, p)
	if err != nil {
		return reply{}, err
	}
	list, err := s.provider.Models(r.Context(), c.key, c.baseURL)
	return reply{body: struct {
		Models []chat.Model `json:"models"`
	}{orEmpty(list)}}, err
}

func (s *Server) workers(r *http.Request, _ principal) (reply, error) {
	list, err := s.store.Workers(r.Context())
	return reply{body: struct {
		Workers []chat.Worker `json:"workers"`
	}{orEmpty(list)}}, err
}

// stats is how things stand right now.
type stats struct {
	Queued  map[chat.Priority]int `json:"queued"`
	Running int                   `json:"running"`
	Workers int                   `json:"workers"`
	Streams int                   `json:"streams"`
	Redis   string                `json:"redis"`
	SQL     string                `json:"sql"`
	Engine  string                `json:"engine"`
}

// readStats asks Redis and SQL at the same time: that one does not answer says
// nothing of the other. Of what is down the numbers are 0.
func (s *Server) readStats(ctx context.Context) stats {
	ctx, cancel := context.WithTimeout(ctx, statusPatience)
	defer cancel()
	st := stats{Streams: s.log.Followers(), Redis: "ok", SQL: "ok", Engine: s.store.Engine(), Queued: map[chat.Priority]int{}}
	for _, p := range chat.Priorities() {
		st.Queued[p] = 0
	}
	pinged := make(chan error, 1)
	go func() { pinged <- s.log.Ping(ctx) }()
	if err := s.readQueue(ctx, &st); err != nil {
		s.opts.Logger.Warn("api: SQL does not say how the queue stands", "err", err)
		st.SQL = "down"
	}
	if err := <-pinged; err != nil {
		s.opts.Logger.Warn("api: Redis does not answer", "err", err)
		st.Redis = "down"
	}
	return st
}

func (s *Server) readQueue(ctx context.Context, st *stats) error {
	queued, running, err := s.store.QueueDepths(ctx)
	if err != nil {
		return err
	}
	workers, err := s.store.Workers(ctx)
	if err != nil {
		return err
	}
	st.Running, st.Workers = running, len(workers)
	for _, p := range chat.Priorities() {
		st.Queued[p] = queued[p]
	}
	return nil
}

func (s *Server) stats(r *http.Request, _ principal) (reply, error) {
	return reply{body: s.readStats(r.Context())}, nil
}

// metrics is the same in the text format of Prometheus, version 0.0.4. What SQL
// would have to say is missing while it is down: 0 would be a lie.
func (s *Server) metrics(w http.ResponseWriter, r *http.Request) {
	st := s.readStats(r.Context())
	var b strings.Builder
	gauge := func(name, help string, write func()) {
		fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name)
		write()
	}
	if st.SQL == "ok" {
		gauge("chat_tasks_queued", "Tasks that wait for a worker.", func() {
			for _, p := range chat.Priorities() {
				fmt.Fprintf(&b, "chat_tasks_queued{priority=%q} %d\n", p, st.Queued[p])
			}
		})
		gauge("chat_tasks_running", "Tasks that a worker holds.", func() { fmt.Fprintf(&b, "chat_tasks_running %d\n", st.Running) })
		gauge("chat_workers", "Worker processes seen in the last 30 s.", func() { fmt.Fprintf(&b, "chat_workers %d\n", st.Workers) })
	}
	gauge("chat_streams_open", "Followers connected to this instance.", func() { fmt.Fprintf(&b, "chat_streams_open %d\n", st.Streams) })
	gauge("chat_up", "Whether a dependency answers.", func() {
		for _, d := range []struct{ name, state string }{{"redis", st.Redis}, {"sql", st.SQL}} {
			up := 0
			if d.state == "ok" {
				up = 1
			}
			fmt.Fprintf(&b, "chat_up{dependency=%q} %d\n", d.name, up)
		}
	})
	gauge("go_goroutines", "Goroutines of this process.", func() { fmt.Fprintf(&b, "go_goroutines %d\n", runtime.NumGoroutine()) })
	gauge("go_memstats_heap_inuse_bytes", "Heap in use by this process.", func() {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		fmt.Fprintf(&b, "go_memstats_heap_inuse_bytes %d\n", m.HeapInuse)
	})
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_, _ = w.Write([]byte(b.String())) // a scraper that is gone needs no answer
}

// retire ends a local daemon: now, or as soon as it is idle.
func (s *Server) retire(r *http.Request, p principal) (reply, error) {
	var in struct {
		Now bool `json:"now"`
	}
	if err := decode(r, &in, true); err != nil {
		return reply{}, err
	}
	if !p.local || s.opts.Retire == nil {
		return reply{}, chat.Errorf(chat.CodeNotFound, "only a local daemon can be retired")
	}
	s.opts.Retire(in.Now)
	return reply{status: http.StatusAccepted, body: map[string]string{"status": "retiring"}}, nil
}
