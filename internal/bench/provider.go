package bench

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"time"
)

// Provider is an OpenAI-compatible API that answers with scripts. It is cheap: one
// goroutine and one timer per stream, one write per token, on the bare connection.
func Provider() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/models", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"object":"list","data":[{"id":"bench","object":"model"}]}`) // a reader that is gone needs no answer
	})
	mux.HandleFunc("POST /v1/chat/completions", complete)
	return mux
}

func complete(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return
	}
	script, err := parseScript(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	conn, buf, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer func() { _ = conn.Close() }()
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
	go func() { // the peer sends nothing more; when it disconnects, the stream ends
		defer cancel()
		_, _ = io.Copy(io.Discard, conn)
	}()
	_ = answer(ctx, conn, buf.Writer, script) // a peer that has disconnected needs no answer
}

const (
	head  = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
	begin = `data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"bench","choices":[{"index":0,"delta":{"content":"`
	end   = `"},"finish_reason":null}]}` + "\n\n"
	last  = `data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"bench","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":%d,"total_tokens":%d}}` + "\n\ndata: [DONE]\n\n"
)

// answer writes the head and the first token immediately, and then one token per
// pace. A late token does not delay the next ones.
func answer(ctx context.Context, conn net.Conn, w *bufio.Writer, s Script) error {
	frame := append([]byte(head), begin...)
	from := s.Start
	if from.IsZero() {
		from = time.Now()
	}
	if s.Pace > 0 { // so that streams that begin together are not in step
		from = from.Add(-rand.N(s.Pace))
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for n := range s.Tokens {
		if s.Pace > 0 && n > 0 {
			timer.Reset(time.Until(from.Add(time.Duration(n) * s.Pace)))
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-timer.C:
			}
		}
		if s.Words {
			frame = append(frame, words[n%len(words)]...)
		} else {
			frame = appendToken(frame, n, time.Now())
		}
		frame = append(frame, end...)
		var err error
		if s.Pace > 0 {
			_, err = conn.Write(frame)
		} else {
			_, err = w.Write(frame)
		}
		if err != nil {
			return err
		}
		frame = append(frame[:0], begin...)
	}
	if _, err := fmt.Fprintf(w, last, s.Tokens, s.Tokens); err != nil {
		return err
	}
	return w.Flush()
}
