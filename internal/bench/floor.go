package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// Floor is the minimum that could work: POST /start {"content"} streams an answer
// into the list floor:<id> and the channel of the same name, and GET /stream/<id>
// forwards both, after Last-Event-ID if that is given. It makes no other promise.
type Floor struct {
	rdb      *redis.Client
	provider string
	ids      atomic.Int64
	batch    chan appended // nil: one round trip a chunk
	calls    *http.Client
}

// floorChunk is an entry of a floor's list.
type floorChunk struct {
	Index   int    `json:"chunk_index"`
	Type    string `json:"chunk_type"`
	Content string `json:"content"`
}

type appended struct{ key, entry string }

// NewFloor returns a floor that calls the provider at that base URL. With batch,
// all streams share round trips to Redis: each one sends everything pending.
func NewFloor(ctx context.Context, rdb *redis.Client, provider string, batch bool) *Floor {
	f := &Floor{rdb: rdb, provider: provider, calls: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 100}}}
	if batch {
		f.batch = make(chan appended, 1<<16)
		go f.run(ctx)
	}
	return f
}

// ServeHTTP is the floor's API.
func (f *Floor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id, found := strings.CutPrefix(r.URL.Path, "/stream/")
	if found {
		if err := f.stream(w, r, id); err != nil {
			panic(http.ErrAbortHandler)
		}
		return
	}
	var body struct {
		Content string `json:"content"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	id = strconv.FormatInt(f.ids.Add(1), 10)
	go func() { //nolint:contextcheck // the answer outlives the request
		if err := f.make(context.WithoutCancel(r.Context()), id, body.Content); err != nil {
			f.failed("floor: the answer ended", id, err)
		}
	}()
	fmt.Fprintf(w, `{"task_id":%q}`, id) //nolint:gosec // digits
}

// failed prints to standard error, which a run records.
func (*Floor) failed(what, of string, err error) {
	slog.Default().Error(what, "of", of, "err", err) //nolint:sloglint // a floor has no settings
}

func floorKey(id string) string { return "floor:" + id }

// make calls the provider and appends its answer.
func (f *Floor) make(ctx context.Context, id, content string) error {
	body, err := json.Marshal(map[string]any{
		"model": "bench", "stream": true, "messages": []map[string]string{{"role": "user", "content": content}},
	})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, f.provider+"/chat/completions", bytes.NewReader(body))
	if err != nil {
		return err
	}
	res, err := f.calls.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	n := 0
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		data, ok := bytes.CutPrefix(lines.Bytes(), []byte("data: "))
		if !ok || string(data) == "[DONE]" {
			continue
		}
		var d struct {
			Choices []struct {
				Delta struct {
					Content string `json:"content"`
				} `json:"delta"`
			} `json:"choices"`
		}
		if err := json.Unmarshal(data, &d); err != nil {
			return err
		}
		if len(d.Choices) == 0 || d.Choices[0].Delta.Content == "" {
			continue
		}
		if err := f.append(ctx, id, floorChunk{n, "content", d.Choices[0].Delta.Content}); err != nil {
			return err
		}
		n++
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return f.append(ctx, id, floorChunk{n, "done", ""})
}

func (f *Floor) append(ctx context.Context, id string, c floorChunk) error {
	entry, err := json.Marshal(c)
	if err != nil {
		return err
	}
	if f.batch != nil {
		f.batch <- appended{floorKey(id), string(entry)}
		return nil
	}
	_, err = f.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.RPush(ctx, floorKey(id), entry)
		p.Publish(ctx, floorKey(id), entry)
		return nil
	})
	return err
}

// run sends everything pending in one round trip, repeatedly.
func (f *Floor) run(ctx context.Context) {
	for {
		var a appended
		select {
		case <-ctx.Done():
			return
		case a = <-f.batch:
		}
		_, err := f.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
			for {
				p.RPush(ctx, a.key, a.entry)
				p.Publish(ctx, a.key, a.entry)
				if p.Len() >= 1024 {
					return nil
				}
				select {
				case a = <-f.batch:
				default:
					return nil
				}
			}
		})
		if err != nil {
			f.failed("floor: append", a.key, err)
		}
	}
}

// stream subscribes, replays the list, and forwards.
func (f *Floor) stream(w http.ResponseWriter, r *http.Request, id string) error {
	ctx := r.Context()
	sub := f.rdb.Subscribe(ctx, floorKey(id))
	defer func() { _ = sub.Close() }()
	if _, err := sub.Receive(ctx); err != nil {
		return err
	}
	next := 0
	if v := r.Header.Get("Last-Event-ID"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil {
			return err
		}
		next = n + 1
	}
	rc := http.NewResponseController(w)
	w.Header().Set("Content-Type", "text/event-stream")
	list, err := f.rdb.LRange(ctx, floorKey(id), int64(next), -1).Result()
	if err != nil {
		return err
	}
	done := false
	for _, entry := range list {
		if next, done, err = forward(w, entry, next); err != nil {
			return err
		}
	}
	if err := rc.Flush(); err != nil || done {
		return err
	}
	for m := range sub.Channel(redis.WithChannelSize(1000), redis.WithChannelSendTimeout(time.Minute)) {
		if next, done, err = forward(w, m.Payload, next); err != nil {
			return err
		}
		if err := rc.Flush(); err != nil || done {
			return err
		}
	}
	return redis.ErrClosed
}

// forward writes an entry unless it has been written before.
func forward(w http.ResponseWriter, entry string, next int) (int, bool, error) {
	var c floorChunk
	if err := json.Unmarshal([]byte(entry), &c); err != nil {
		return next, false, err
	}
	if c.Index < next {
		return next, false, nil
	}
	_, err := fmt.Fprintf(w, "id: %d\ndata: %s\n\n", c.Index, entry) //nolint:gosec // an event stream, JSON within
	return c.Index + 1, c.Type == "done", err
}
