package api

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"time"

	"chat"
	"chat/daemon/api/body"
)

// statusTimeout limits each check of a dependency.
const statusTimeout = 2 * time.Second

func (s *Server) state() string {
	if s.leaving.Load() || s.draining.Err() != nil || s.activity.Closed() {
		return "draining"
	}
	return "ready"
}

// hello must never change, because clients of every version read it.
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
	ctx, cancel := context.WithTimeout(r.Context(), statusTimeout)
	defer cancel()
	redis := make(chan string, 1)
	go func() { redis <- s.redisState(ctx) }()
	err := s.store.Ping(ctx)
	state := <-redis
	if err != nil {
		return reply{}, chat.Errorf(chat.CodeUnavailable, "the database cannot be reached: %w", err)
	}
	return reply{body: map[string]string{"status": "ready", "redis": state}}, nil
}

// redisTimeout limits how long a probe waits for Redis. The state of Redis is only reported:
// it does not affect readiness.
const redisTimeout = time.Second

func (s *Server) redisState(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, redisTimeout)
	defer cancel()
	return s.log.State(ctx)
}

func (s *Server) models(r *http.Request, p principal) (reply, error) {
	c, err := s.credentialsOf(r, p)
	if err != nil {
		return reply{}, err
	}
	list, notice, err := s.provider.Models(r.Context(), c)
	if err != nil {
		return reply{}, err
	}
	out := struct {
		Models     []chat.Model `json:"models"`
		Notice     string       `json:"notice,omitempty"`
		NoticeCode chat.Code    `json:"notice_code,omitempty"`
	}{Models: orEmpty(list)}
	if notice != nil {
		out.Notice, out.NoticeCode = notice.Message, notice.Code
	}
	return reply{body: out}, nil
}

// usage counts the caller's answers and their tokens.
func (s *Server) usage(r *http.Request, p principal) (reply, error) {
	var since time.Time
	if v := r.URL.Query().Get("since"); v != "" {
		var err error
		if since, err = time.Parse(time.RFC3339Nano, v); err != nil {
			return reply{}, chat.Errorf(chat.CodeInvalid, "since must be a time as in 2026-01-02T15:04:05Z")
		}
	}
	list, err := s.store.Usage(r.Context(), p.owner, since)
	return reply{body: struct {
		Models []chat.ModelUsage `json:"models"`
	}{orEmpty(list)}}, err
}

func (s *Server) workers(r *http.Request, _ principal) (reply, error) {
	list, err := s.store.Workers(r.Context())
	return reply{body: struct {
		Workers []chat.Worker `json:"workers"`
	}{orEmpty(list)}}, err
}

// metrics writes the load in the text format of Prometheus, version 0.0.4. It omits values
// from SQL while SQL is down, because 0 would be wrong.
func (s *Server) metrics(w http.ResponseWriter, r *http.Request) {
	st := s.readLoad(r.Context(), nil)
	var b strings.Builder
	gauge := func(name, help string, write func()) {
		fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name)
		write()
	}
	if st.SQL == "ok" {
		gauge("chat_tasks_queued", "Tasks waiting for a worker.", func() {
			for _, p := range chat.Priorities() {
				fmt.Fprintf(&b, "chat_tasks_queued{priority=%q} %d\n", p, st.Queued[p])
			}
		})
		gauge("chat_tasks_running", "Tasks that a worker holds.", func() { fmt.Fprintf(&b, "chat_tasks_running %d\n", st.Running) })
		gauge("chat_workers", "Worker processes seen in the last 30 s.", func() { fmt.Fprintf(&b, "chat_workers %d\n", st.Workers) })
	}
	gauge("chat_streams_open", "Streams open on this instance.", func() { fmt.Fprintf(&b, "chat_streams_open %d\n", st.Streams) })
	gauge("chat_up", "Whether a dependency answers.", func() {
		for _, d := range []struct{ name, state string }{{"redis", st.Redis}, {"sql", st.SQL}} {
			up := 0
			if d.state == "ok" {
				up = 1
			}
			fmt.Fprintf(&b, "chat_up{dependency=%q} %d\n", d.name, up)
		}
	})
	if m := st.Memory; m != nil {
		if m.Keys >= 0 {
			gauge("chat_redis_keys", "Keys of the Redis database, of all programs.", func() { fmt.Fprintf(&b, "chat_redis_keys %d\n", m.Keys) })
		}
		if m.UsedBytes > 0 {
			gauge("chat_redis_memory_bytes", "Memory of all of Redis.", func() { fmt.Fprintf(&b, "chat_redis_memory_bytes %d\n", m.UsedBytes) })
		}
	}
	gauge("go_goroutines", "Goroutines of this process.", func() { fmt.Fprintf(&b, "go_goroutines %d\n", runtime.NumGoroutine()) })
	gauge("go_memstats_heap_inuse_bytes", "Heap in use by this process.", func() {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		fmt.Fprintf(&b, "go_memstats_heap_inuse_bytes %d\n", m.HeapInuse)
	})
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_, _ = w.Write([]byte(b.String())) // the scraper may be gone
}

// shutdown ends a local daemon: now, or as soon as it is idle.
func (s *Server) shutdown(r *http.Request, p principal) (reply, error) {
	var in struct {
		Now bool `json:"now"`
	}
	if err := body.Decode(r, &in, true); err != nil {
		return reply{}, err
	}
	if !p.local || s.opts.Shutdown == nil {
		return reply{}, chat.Errorf(chat.CodeNotFound, "only a local daemon can be shut down")
	}
	s.opts.Shutdown(in.Now)
	return reply{status: http.StatusAccepted, body: map[string]string{"status": "shutting_down"}}, nil
}
