package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"chat"
	"chat/internal/poll"
	"chat/sse"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func content(attempt, index int, text string) chat.Chunk {
	return chat.Chunk{Attempt: attempt, Index: index, Type: chat.ChunkContent, Content: text}
}

func reset(attempt, index int) chat.Chunk {
	return chat.Chunk{Attempt: attempt, Index: index, Type: chat.ChunkReset}
}

func done(attempt, index int) chat.Chunk {
	return chat.Chunk{Attempt: attempt, Index: index, Type: chat.ChunkDone, State: chat.TaskDone, MessageID: "m", FinishReason: "stop"}
}

// answer is a stream with two attempts.
func answer() []chat.Chunk {
	return []chat.Chunk{
		content(1, 0, "Hel"), content(1, 1, "lo\r\n"), reset(2, 2),
		{Attempt: 2, Index: 3, Type: chat.ChunkReasoning, Content: "data: hm"},
		content(2, 4, "Good "), content(2, 5, "mörning"), done(2, 6),
	}
}

func frames(t *testing.T, chunks ...chat.Chunk) []byte {
	t.Helper()
	var b []byte
	for _, c := range chunks {
		var err error
		if b, err = sse.AppendChunk(b, c); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// liar is a server whose nth connection is handled by script[n]; after the
// script it is honest about log.
type liar struct {
	t      *testing.T
	log    []chat.Chunk
	script []http.HandlerFunc

	mu  sync.Mutex
	ids []string // the Last-Event-ID of each connection
}

func (l *liar) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	n := len(l.ids)
	l.ids = append(l.ids, r.Header.Get("Last-Event-ID"))
	l.mu.Unlock()
	if n < len(l.script) {
		l.script[n](w, r)
		return
	}
	l.honest(w, r)
}

// honest serves the log after the position asked for.
func (l *liar) honest(w http.ResponseWriter, r *http.Request) {
	at, err := chat.ParsePosition(r.Header.Get("Last-Event-ID"))
	if err != nil {
		l.t.Errorf("Last-Event-ID: %v", err)
	}
	from := 0
	for i, c := range l.log {
		if c.Position() == at {
			from = i + 1
		}
	}
	if from == len(l.log) {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	stream(w, frames(l.t, l.log[from:]...))
}

func stream(w http.ResponseWriter, b []byte) {
	w.Header().Set("Content-Type", sse.ContentType)
	_, _ = w.Write(b) // the reader may have gone, which is its business
	_ = http.NewResponseController(w).Flush()
}

// sends answers with b and then cuts the connection, or ends it cleanly.
func sends(b []byte, cut bool) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		stream(w, b)
		if cut {
			panic(http.ErrAbortHandler)
		}
	}
}

func follow(t *testing.T, l *liar, o Options, from chat.Position) ([]chat.Chunk, []chat.ConnState, error) {
	t.Helper()
	l.t = t
	server := httptest.NewServer(l)
	defer server.Close()
	o.BackoffBase, o.BackoffCap = time.Millisecond, 5*time.Millisecond
	c := New(At(Endpoint{Network: "tcp", Address: server.Listener.Addr().String()}), o)
	defer c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var chunks []chat.Chunk
	var conns []chat.ConnState
	for u, err := range c.Follow(ctx, "t1", from) {
		if err != nil {
			return chunks, conns, err
		}
		if u.Chunk != nil {
			chunks = append(chunks, *u.Chunk)
		}
		if u.Conn != nil {
			conns = append(conns, *u.Conn)
		}
	}
	return chunks, conns, nil
}

func sameChunks(t *testing.T, got, want []chat.Chunk) {
	t.Helper()
	if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
}

func TestFollowSurvivesACutAtEveryByte(t *testing.T) {
	full := frames(t, answer()...)
	for n := range full {
		for _, cut := range []bool{true, false} {
			l := &liar{log: answer(), script: []http.HandlerFunc{sends(full[:n], cut)}}
			got, _, err := follow(t, l, Options{}, chat.Start())
			if err != nil {
				t.Fatalf("cut at %d: %v", n, err)
			}
			sameChunks(t, got, answer())
			if t.Failed() {
				t.Fatalf("cut=%v at byte %d of %d", cut, n, len(full))
			}
		}
	}
}

func TestFollowResumesAtEveryPosition(t *testing.T) {
	for i, c := range answer() {
		got, _, err := follow(t, &liar{log: answer()}, Options{}, c.Position())
		if err != nil {
			t.Fatal(err)
		}
		sameChunks(t, got, answer()[i+1:])
	}
}

func TestFollowAgainstLies(t *testing.T) {
	a := answer()
	unknown := chat.Chunk{Attempt: 2, Index: 4, Type: "weather", Content: "rain"}
	tests := map[string]struct {
		log    []chat.Chunk
		script []http.HandlerFunc
		from   chat.Position
		want   []chat.Chunk
	}{
		"repeated frames are dropped": {
			log:    a,
			script: []http.HandlerFunc{sends(frames(t, a[0], a[0], a[1], a[0], a[1], a[2]), true)},
			want:   a,
		},
		"everything again after a reconnect": {
			log:    a,
			script: []http.HandlerFunc{sends(frames(t, a[:2]...), true), sends(frames(t, a...), true)},
			want:   a,
		},
		"a missing frame is fetched": {
			log:    a,
			script: []http.HandlerFunc{sends(frames(t, a[0], a[1], a[2], a[4]), false)},
			want:   a,
		},
		"frames in the wrong order": {
			log:    a,
			script: []http.HandlerFunc{sends(frames(t, a[2], a[1], a[0]), false)},
			want:   a,
		},
		"a new attempt without its reset is not spliced": {
			log:    a,
			script: []http.HandlerFunc{sends(frames(t, a[0], a[1], a[3]), false)},
			want:   a,
		},
		"an unknown type passes through": {
			log:    []chat.Chunk{a[0], a[1], a[2], a[3], unknown, a[5], a[6]},
			script: nil,
			want:   []chat.Chunk{a[0], a[1], a[2], a[3], unknown, a[5], a[6]},
		},
		"garbage, an id that lies, HTML, a named event": {
			log: a,
			script: []http.HandlerFunc{
				sends([]byte("id: 1-0\ndata: {\n\n"), false),
				sends([]byte("id: 9-9\ndata: {\"chunk_index\":0,\"chunk_type\":\"content\",\"content\":\"x\",\"attempt\":1}\n\n"), false),
				func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) },
				sends(append([]byte("event: ad\ndata: buy\n\n"), frames(t, a[0])...), true),
			},
			want: a,
		},
		"a refusal for now": {
			log: a,
			script: []http.HandlerFunc{
				func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Retry-After", "1")
					w.WriteHeader(http.StatusServiceUnavailable)
				},
				func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) },
			},
			want: a,
		},
		"a position that is not honoured": {
			log:    []chat.Chunk{reset(3, 0), content(3, 1, "whole"), done(3, 2)},
			script: nil, from: chat.Position{Attempt: 1, Index: 17},
			want: []chat.Chunk{reset(3, 0), content(3, 1, "whole"), done(3, 2)},
		},
		"a position from the future": {
			log:    []chat.Chunk{reset(3, 0), content(3, 1, "whole"), done(3, 2)},
			script: nil, from: chat.Position{Attempt: 9, Index: 17},
			want: []chat.Chunk{reset(3, 0), content(3, 1, "whole"), done(3, 2)},
		},
		"the record of a finished task": {
			log:  []chat.Chunk{content(2, 1, "whole"), done(2, 2)},
			want: []chat.Chunk{content(2, 1, "whole"), done(2, 2)},
		},
		"a position that never was, answered from the start": {
			log:    a,
			script: []http.HandlerFunc{sends(frames(t, append([]chat.Chunk{reset(0, 0)}, a...)...), false)}, from: chat.Position{Attempt: 7, Index: 3},
			want: append([]chat.Chunk{reset(0, 0)}, a...),
		},
		"a replay in the middle of a connection": {
			log:    a,
			script: []http.HandlerFunc{sends(frames(t, append([]chat.Chunk{a[0], a[1], reset(0, 0)}, a...)...), false)},
			want:   append([]chat.Chunk{a[0], a[1], reset(0, 0)}, a...),
		},
		"a replay of an older attempt in the middle of a connection": {
			log:    a,
			script: []http.HandlerFunc{sends(frames(t, append(append([]chat.Chunk{}, a[:5]...), append([]chat.Chunk{reset(1, 7)}, content(1, 8, "x"), reset(3, 9), content(3, 10, "y"), done(3, 11))...)...), false)},
			want:   append(append([]chat.Chunk{}, a[:5]...), reset(1, 7), content(1, 8, "x"), reset(3, 9), content(3, 10, "y"), done(3, 11)),
		},
		"a reset that comes twice": {
			log:    a,
			script: []http.HandlerFunc{sends(frames(t, append([]chat.Chunk{a[0], a[1], a[2]}, a[2:]...)...), false)},
			want:   a,
		},
		"a replay that is cut": {
			log:    a,
			script: []http.HandlerFunc{sends(frames(t, a[0], a[1], reset(0, 0), a[0]), true)},
			want:   append([]chat.Chunk{a[0], a[1], reset(0, 0)}, a...),
		},
		"the same, cut behind its reset": {
			log: a,
			script: []http.HandlerFunc{
				sends(frames(t, reset(0, 0)), true), sends(frames(t, append([]chat.Chunk{reset(0, 0)}, a...)...), false),
			},
			from: chat.Position{Attempt: 7, Index: 3}, want: append([]chat.Chunk{reset(0, 0)}, a...),
		},
		"nothing left": {
			log: a, from: a[6].Position(), want: nil,
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if tc.from == (chat.Position{}) {
				tc.from = chat.Start()
			}
			got, _, err := follow(t, &liar{log: tc.log, script: tc.script}, Options{}, tc.from)
			if err != nil {
				t.Fatal(err)
			}
			sameChunks(t, got, tc.want)
		})
	}
}

func TestFollowEndsWithADefiniteAnswer(t *testing.T) {
	for status, code := range map[int]chat.Code{
		http.StatusNotFound: chat.CodeNotFound, http.StatusGone: chat.CodeNotFound,
		http.StatusUnauthorized: chat.CodeUnauthorized, http.StatusForbidden: chat.CodeForbidden,
		http.StatusBadRequest: chat.CodeInvalid, http.StatusFound: chat.CodeIncompatible,
	} {
		refuse := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }
		_, _, err := follow(t, &liar{log: answer(), script: []http.HandlerFunc{refuse}}, Options{}, chat.Start())
		if !chat.IsCode(err, code) {
			t.Errorf("%d: %v, want code %s", status, err, code)
		}
	}
}

func TestFollowNoticesASilentServer(t *testing.T) {
	hang := func(before bool) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if !before {
				stream(w, frames(t, answer()[:2]...))
			}
			<-r.Context().Done()
		}
	}
	l := &liar{log: answer(), script: []http.HandlerFunc{hang(false), hang(true)}}
	got, conns, err := follow(t, l, Options{HeartbeatTimeout: 150 * time.Millisecond}, chat.Start())
	if err != nil {
		t.Fatal(err)
	}
	sameChunks(t, got, answer())
	var states []string
	for _, conn := range conns {
		states = append(states, string(conn.State))
		if conn.State == chat.ConnReconnecting && (conn.Reason != "the server was silent for 150ms" || conn.NextTry.IsZero()) {
			t.Errorf("conn %+v", conn)
		}
	}
	if s := strings.Join(states, " "); s != "live reconnecting reconnecting live" {
		t.Errorf("conns: %s", s)
	}
}

func TestFollowWaitsForASlowConsumer(t *testing.T) {
	server := httptest.NewServer(&liar{t: t, log: answer()})
	defer server.Close()
	c := New(At(Endpoint{Network: "tcp", Address: server.Listener.Addr().String()}), Options{HeartbeatTimeout: 100 * time.Millisecond})
	defer c.Close()
	for u, err := range c.Follow(t.Context(), "t1", chat.Start()) {
		if err != nil {
			t.Fatal(err)
		}
		if u.Conn != nil && u.Conn.State == chat.ConnReconnecting {
			t.Fatalf("a slow consumer was taken for a dead server: %s", u.Conn.Reason)
		}
		if u.Chunk != nil && u.Chunk.Index == 0 {
			poll.Pause(300 * time.Millisecond) // longer than the server may be silent
		}
	}
}

func TestFollowEndsWithItsContext(t *testing.T) {
	hang := func(w http.ResponseWriter, r *http.Request) {
		stream(w, []byte(": hello\n\n"))
		<-r.Context().Done()
	}
	server := httptest.NewServer(http.HandlerFunc(hang))
	defer server.Close()
	c := New(At(Endpoint{Network: "tcp", Address: server.Listener.Addr().String()}), Options{})
	defer c.Close()
	stop := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	for u, err := range c.Follow(ctx, "t1", chat.Start()) {
		if u.Conn != nil && u.Conn.State == chat.ConnLive {
			cancel(stop)
			continue
		}
		if !errors.Is(err, stop) {
			t.Fatalf("update %+v, error %v", u, err)
		}
	}
}
