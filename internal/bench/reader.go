package bench

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// sample is one token as its reader got it.
type sample struct {
	emitted int64         // Unix nanoseconds
	took    time.Duration // from the provider to here
}

// Reading is what one reader of a stream received, over all its connections.
type Reading struct {
	Began time.Time // before it was asked for
	First time.Time // token
	Ended time.Time // zero: it has not

	Frames        int
	Gaps, Repeats int // tokens
	Resets        int
	Failed        error

	began   chan struct{} // if it is not nil, closed at the first chunk
	next    int
	id      string
	samples []sample
}

// follow reads until the stream or the request's context ends. It resumes after the
// last id that it received.
func (r *Reading) follow(client *http.Client, req *http.Request) error {
	if r.id != "" {
		req.Header.Set("Last-Event-ID", r.id)
	}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	switch res.StatusCode {
	case http.StatusOK:
	case http.StatusNoContent:
		r.Ended = time.Now()
		return nil
	default:
		text, _ := io.ReadAll(io.LimitReader(res.Body, 500)) // the status says enough
		return fmt.Errorf("%s: %s", res.Status, text)
	}
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(make([]byte, 0, 4<<10), 16<<20)
	for lines.Scan() {
		r.take(lines.Bytes())
		if !r.Ended.IsZero() {
			return nil
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return io.ErrUnexpectedEOF
}

// take handles one line of the stream.
func (r *Reading) take(line []byte) {
	if id, ok := bytes.CutPrefix(line, []byte("id: ")); ok {
		r.id = string(id)
		return
	}
	data, ok := bytes.CutPrefix(line, []byte("data: "))
	if !ok {
		return
	}
	now := time.Now()
	r.Frames++
	if r.began != nil && r.Frames == 1 {
		close(r.began)
	}
	before := r.next
	tokens(data, func(n int, emitted int64) {
		switch {
		case n < r.next:
			r.Repeats++
			return
		case n > r.next:
			r.Gaps += n - r.next
		}
		if r.First.IsZero() {
			r.First = now
		}
		r.next = n + 1
		r.samples = append(r.samples, sample{emitted, time.Duration(now.UnixNano() - emitted)})
	})
	if r.next > before {
		return
	}
	switch {
	case bytes.Contains(data, []byte(`"chunk_type":"done"`)), string(data) == "[DONE]":
		r.Ended = now
	case bytes.Contains(data, []byte(`"chunk_type":"error"`)):
		r.Ended, r.Failed = now, errors.New(string(data))
	case bytes.Contains(data, []byte(`"chunk_type":"reset"`)):
		r.Resets++
	}
}
