//go:build linux

package scale

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// The frames of an answer. A token is a mark, the time when it was written in Unix
// nanoseconds, and a mark. The mark occurs nowhere else and means the same in JSON.
const (
	mark      = '~'
	answer    = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
	beginning = `data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"bench","choices":[{"index":0,"delta":{"content":"~`
	ending    = `~"},"finish_reason":null}]}` + "\n\n"
	stop      = `data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"bench","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}` + "\n\ndata: [DONE]\n\n"
)

// Tick is the time between two rounds of the provider. The streams are spread evenly over
// the ticks between two tokens.
const Tick = time.Millisecond

// provider is an OpenAI-compatible server. Each stream gets its first token immediately and
// the others when pace is called.
type provider struct {
	url    string
	server *http.Server

	mu      sync.Mutex
	streams []net.Conn
}

func startProvider(ctx context.Context) (*provider, error) {
	p := &provider{}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/models", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"object":"list","data":[{"id":"bench","object":"model"}]}`) // a reader that is gone needs no answer
	})
	mux.HandleFunc("POST /v1/chat/completions", p.complete)
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p.url = "http://" + l.Addr().String() + "/v1"
	p.server = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = p.server.Serve(l) }() // closed is how it ends
	return p, nil
}

func (p *provider) close() error {
	err := p.server.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.streams {
		if e := c.Close(); !errors.Is(e, net.ErrClosed) {
			err = errors.Join(err, e)
		}
	}
	return err
}

func (p *provider) complete(w http.ResponseWriter, r *http.Request) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return
	}
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	frame := append([]byte(answer), beginning...)
	frame = append(strconv.AppendInt(frame, time.Now().UnixNano(), 10), ending...)
	if _, err := conn.Write(frame); err != nil {
		_ = conn.Close() // the write said why
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.streams = append(p.streams, conn)
}

// pace sends n more tokens on all streams, one each in every interval, and ends them. It
// follows its own clock: a late token does not delay the next ones.
func (p *provider) pace(ctx context.Context, n int, interval time.Duration) error {
	p.mu.Lock()
	streams := p.streams
	p.mu.Unlock()
	slots := max(1, int(interval/Tick))
	frame := []byte(beginning)
	// A thread that sleeps by itself costs less than a timer of the runtime.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	began := time.Now()
	for tick := range n * slots {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if wait := time.Until(began.Add(time.Duration(tick) * interval / time.Duration(slots))); wait > 0 {
			t := unix.NsecToTimespec(int64(wait))
			if err := unix.Nanosleep(&t, nil); err != nil && !errors.Is(err, unix.EINTR) {
				return err
			}
		}
		frame = append(strconv.AppendInt(frame[:len(beginning)], time.Now().UnixNano(), 10), ending...)
		for i := tick % slots; i < len(streams); i += slots {
			if _, err := streams[i].Write(frame); err != nil {
				return err
			}
		}
	}
	for _, c := range streams {
		if _, err := io.WriteString(c, stop); err != nil {
			return err
		}
		if err := c.Close(); err != nil {
			return err
		}
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return context.Cause(ctx)
	}
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}
