package transport

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"chat"
	"chat/daemon/model/apierror"
	"chat/daemon/model/completion"
	"chat/sse"
)

// maxQuiet bounds the bytes of comments and empty events between two texts, beyond the
// size of an answer, which may come in one piece. Keep-alives never reach it; a compressed
// flood does.
const maxQuiet = 4 << 20

// Body reads the body of a response as events. It ends with io.EOF only after [DONE];
// every other end is an error, so that a cut never looks like an end.
type Body struct {
	x     *Exchange
	raw   io.ReadCloser
	h1    bool
	cause func() error // the cause of the end of the request's context, nil while it lives
	ended <-chan struct{}
	step  func() ([]byte, error)
	sse   *sse.Reader
	bare  []byte // text outside of events: some servers write their failures so
	done  bool
	err   error
}

func newBody(ctx context.Context, x *Exchange, resp *http.Response) *Body {
	b := &Body{x: x, raw: resp.Body, h1: resp.ProtoMajor == 1, cause: func() error { return context.Cause(ctx) }, ended: ctx.Done()}
	b.step = b.detect
	return b
}

// Next returns the JSON of the next event, valid until it is called again.
func (b *Body) Next() ([]byte, error) {
	for {
		switch {
		case b.done:
			return nil, io.EOF
		case b.err != nil:
			return nil, b.err
		}
		var data []byte
		if data, b.err = b.step(); b.err == nil && len(data) > 0 {
			return data, nil
		}
	}
}

// End says that the last event was read, in a dialect that does not end with [DONE].
func (b *Body) End() { b.done = true }

// Close ends the response. After a proper end it reads the last bytes, so that the
// connection can be used again.
func (b *Body) Close() error {
	if b.done && b.h1 {
		b.x.Watch.Arm(drainLimit, b.x.Phases.drain)
		_, _ = io.CopyN(io.Discard, b.raw, 4096) // best effort
	}
	return b.raw.Close()
}

// source counts what is read and says why reading ended.
type source struct{ body *Body }

func (s source) Read(p []byte) (int, error) {
	b := s.body
	b.throttle()
	n, err := b.raw.Read(p)
	b.x.BytesSinceText += n
	if err != nil && err != io.EOF { //nolint:errorlint // a cut is an error that wraps io.EOF, an end is io.EOF itself
		err = b.classify(err)
	} else if b.x.BytesSinceText > maxQuiet+b.x.Limits.MaxAnswer {
		err = b.x.To.ProtocolError("sends data without end and no text", nil)
	}
	return n, err
}

// throttle waits before the next read if the readers of the answer cannot keep up. The
// first text never waits.
func (b *Body) throttle() {
	if b.sse == nil || b.x.Flow == nil {
		return
	}
	d := b.x.Flow.ReadDelay()
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-b.ended:
	}
}

// classify maps a failure of the connection to the error of the attempt.
func (b *Body) classify(err error) error {
	if cause := b.cause(); cause != nil {
		return cause
	}
	if e, ok := errors.AsType[*chat.Error](err); ok {
		return e
	}
	return b.x.To.CutError(err)
}

// detect selects the reader by the first byte that is not white space: some servers send
// JSON or HTML as text/event-stream, and events as another type.
func (b *Body) detect() ([]byte, error) {
	var head []byte
	marked := false
	buf := make([]byte, 512)
	for {
		n, err := source{b}.Read(buf)
		head = bytes.TrimLeft(append(head, buf[:n]...), " \t\r\n")
		if rest, ok := bytes.CutPrefix(head, []byte(apierror.ByteOrderMark)); ok && !marked {
			head, marked = bytes.TrimLeft(rest, " \t\r\n"), true
		}
		undecided := len(head) == 0 || !marked && len(head) < len(apierror.ByteOrderMark) && strings.HasPrefix(apierror.ByteOrderMark, string(head))
		if err == nil && undecided {
			continue
		}
		if len(head) == 0 && err != io.EOF { //nolint:errorlint // a cut is an error that wraps io.EOF, an end is io.EOF itself
			return nil, err
		}
		var rest io.Reader = source{b}
		if err != nil {
			rest = failed{err} // after the bytes that came with it
		}
		return b.selectReader(head, io.MultiReader(bytes.NewReader(head), rest))
	}
}

// selectReader selects how whole, which begins with head, is read.
func (b *Body) selectReader(head []byte, whole io.Reader) ([]byte, error) {
	switch {
	case len(head) > 0 && (head[0] == '{' || head[0] == '['):
		return b.plain(whole)
	case len(head) > 0 && head[0] == '<':
		page, err := io.ReadAll(io.LimitReader(whole, maxBare))
		if err != nil && len(page) == 0 {
			return nil, err
		}
		return nil, b.x.To.webPage(page)
	}
	b.sse = sse.NewReader(whole, b.x.Limits.MaxEvent)
	b.sse.OnUnknown = b.outside
	b.step = b.event
	return nil, nil
}

// maxBare bounds what is kept of the lines outside of events, in bytes.
const maxBare = 8 << 10

// outside keeps a line outside of events if it belongs to a JSON object. Older versions of
// llama.cpp have failures in a field of events that no other server has.
func (b *Body) outside(line []byte) {
	line = bytes.TrimPrefix(line, []byte("error:"))
	if len(b.bare)+len(line) < maxBare && (len(b.bare) > 0 || bytes.HasPrefix(bytes.TrimSpace(line), []byte("{"))) {
		b.bare = append(append(b.bare, line...), '\n')
	}
}

// bareFailure is the failure outside of events, nil if there is none.
func (b *Body) bareFailure() []byte {
	bare := bytes.TrimSpace(b.bare)
	if len(bare) == 0 || !json.Valid(bare) || completion.Classify(bare) != completion.Failure {
		return nil
	}
	return bare
}

// ReadError is a failure to read the stream, as opposed to its content.
type ReadError struct{ Err error }

func (e ReadError) Error() string { return e.Err.Error() }

// Unwrap returns the error underneath.
func (e ReadError) Unwrap() error { return e.Err }

// IsRead reports whether err is a ReadError.
func IsRead(err error) bool {
	_, ok := errors.AsType[ReadError](err)
	return ok
}

// failed is a reader at its end.
type failed struct{ err error }

func (f failed) Read([]byte) (int, error) { return 0, f.err }

// plain reads a whole chat completion that was sent instead of a stream.
func (b *Body) plain(r io.Reader) ([]byte, error) {
	limit := int64(b.x.Limits.MaxAnswer) + apierror.MaxBody
	whole, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(whole)) > limit {
		return nil, b.x.To.answerTooLarge(b.x.Limits.MaxAnswer)
	}
	if !json.Valid(whole) {
		if errors.Is(unfinished(whole), io.ErrUnexpectedEOF) {
			return nil, b.x.To.CutError(io.ErrUnexpectedEOF)
		}
		return nil, b.x.To.ProtocolError("answered with something that is not JSON", nil)
	}
	if !b.x.IsAnswer(whole) {
		if completion.Classify(whole) != completion.Failure {
			return nil, b.x.To.ProtocolError("answered with JSON that is not an answer", nil)
		}
		return nil, b.x.To.StreamError(whole, b.x.Model)
	}
	b.done = true
	return whole, nil
}

// unfinished is io.ErrUnexpectedEOF for JSON that stops in the middle.
func unfinished(data []byte) error {
	var v json.RawMessage
	return json.NewDecoder(bytes.NewReader(data)).Decode(&v)
}

// event reads one event of the stream. An event without data returns nothing.
func (b *Body) event() ([]byte, error) {
	e, err := b.sse.Next()
	switch {
	case err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF): //nolint:errorlint // a cut is an error that wraps io.EOF, and has its words already
		if said := b.bareFailure(); said != nil {
			return nil, b.x.To.StreamError(said, b.x.Model)
		}
		return nil, b.x.To.CutError(err)
	case errors.Is(err, sse.ErrTooLarge):
		return nil, b.x.To.eventTooLarge(b.x.Limits.MaxEvent)
	case err != nil:
		return nil, err
	}
	data := bytes.TrimSpace(e.Data)
	switch {
	case len(data) == 0 || e.Type == "ping":
		return nil, nil
	case string(data) == "[DONE]":
		b.done = true
		return b.bareFailure(), nil
	case completion.SaysFailure(e.Type) && !b.x.ReadsFailures:
		return nil, b.x.To.StreamError(bytes.Clone(data), b.x.Model)
	case data[0] == '<':
		return nil, b.x.To.webPage(data)
	}
	return data, nil
}
