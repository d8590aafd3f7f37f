package sse

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strconv"
	"time"
)

// ErrTooLarge is returned when one event or one line passes the Reader's limit.
var ErrTooLarge = errors.New("sse: event larger than the limit")

// bufferSize is small because there is one for each stream that is open, and what
// it reads from has a larger one.
const bufferSize = 1 << 10

// Reader reads events from a stream. It is not safe for concurrent use.
type Reader struct {
	// OnComment, if set, is called for every comment line, without its colon.
	OnComment func(text []byte)
	// OnUnknown, if set, is called for every line that is not a field of the standard, and
	// for text at the end of the stream without a line end.
	OnUnknown func(line []byte)

	src     *bufio.Reader
	limit   int
	line    []byte
	data    []byte
	hasData bool
	typ     string
	id      string
	pending string // the id field of the event being read
	retry   time.Duration
	began   bool
	skipLF  bool // the last line ended with CR: a LF that follows belongs to it
	err     error
}

// NewReader reads from r. limit bounds the bytes of one event's data and of one
// line; 0 means 1 MiB.
func NewReader(r io.Reader, limit int) *Reader {
	if limit <= 0 {
		limit = 1 << 20
	}
	return &Reader{src: bufio.NewReaderSize(r, bufferSize), limit: limit}
}

// Retry is the reconnection time that the stream asked for last, 0 if it did not.
func (r *Reader) Retry() time.Duration { return r.retry }

// LastEventID is the id to resume after: that of the last dispatched event.
func (r *Reader) LastEventID() string { return r.id }

// Next returns the next event. At the end of the stream it returns io.EOF if
// nothing was pending, and io.ErrUnexpectedEOF if the stream ended inside an
// event, which must then be discarded according to the standard. Errors are sticky.
func (r *Reader) Next() (Event, error) {
	if r.err != nil {
		return Event{}, r.err
	}
	r.data, r.hasData, r.typ = r.data[:0], false, ""
	for {
		line, err := r.readLine()
		if err != nil {
			if len(line) > 0 && r.OnUnknown != nil {
				r.OnUnknown(line)
			}
			if errors.Is(err, io.EOF) && (r.hasData || r.typ != "" || len(line) > 0) {
				err = io.ErrUnexpectedEOF
			}
			r.err = err
			return Event{}, err
		}
		if len(line) == 0 {
			r.id = r.pending
			if !r.hasData {
				r.typ = ""
				continue
			}
			return Event{ID: r.id, Type: r.typ, Data: r.data[:len(r.data)-1]}, nil
		}
		if err := r.field(line); err != nil {
			r.err = err
			return Event{}, err
		}
	}
}

func (r *Reader) field(line []byte) error {
	name, value, _ := bytes.Cut(line, []byte{':'})
	if len(name) == 0 {
		if r.OnComment != nil {
			r.OnComment(value)
		}
		return nil
	}
	value = bytes.TrimPrefix(value, []byte{' '})
	switch string(name) {
	case "data":
		if len(r.data)+len(value) >= r.limit {
			return ErrTooLarge
		}
		r.data = append(append(r.data, value...), '\n')
		r.hasData = true
	case "event":
		r.typ = string(value)
	case "id":
		if bytes.IndexByte(value, 0) < 0 {
			r.pending = string(value)
		}
	case "retry":
		if ms, err := strconv.ParseUint(string(value), 10, 31); err == nil && allDigits(value) {
			r.retry = time.Duration(ms) * time.Millisecond
		}
	default:
		if r.OnUnknown != nil {
			r.OnUnknown(line)
		}
	}
	return nil
}

func allDigits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// readLine returns the next line without its end (CR, LF or CRLF), valid until
// the next call. On io.EOF it returns what stood after the last line end. A CR
// ends its line immediately: waiting for a LF that may follow could take for ever.
func (r *Reader) readLine() ([]byte, error) {
	r.line = r.line[:0]
	if !r.began {
		r.began = true
		// Only what may be the mark waits for three bytes.
		first, _ := r.src.Peek(1)
		if string(first) == "\xEF" {
			first, _ = r.src.Peek(3)
		}
		if string(first) == "\xEF\xBB\xBF" {
			_, _ = r.src.Discard(3) // cannot fail: the bytes are buffered
		}
	}
	for {
		if r.src.Buffered() == 0 {
			if _, err := r.src.Peek(1); err != nil {
				return r.line, err
			}
		}
		buf, _ := r.src.Peek(r.src.Buffered()) // cannot fail: no more than is buffered
		if r.skipLF {
			r.skipLF = false
			if buf[0] == '\n' {
				_, _ = r.src.Discard(1)
				continue
			}
		}
		end := lineEnd(buf)
		take := end
		if end < 0 {
			take = len(buf)
		}
		if len(r.line)+take > r.limit {
			return nil, ErrTooLarge
		}
		if end >= 0 && len(r.line) == 0 { // whole, where it is
			r.skipLF = buf[end] == '\r'
			_, _ = r.src.Discard(take + 1)
			return buf[:take], nil
		}
		r.line = append(r.line, buf[:take]...)
		if end < 0 {
			_, _ = r.src.Discard(take)
			continue
		}
		r.skipLF = buf[end] == '\r'
		_, _ = r.src.Discard(take + 1)
		return r.line, nil
	}
}

// lineEnd is the index of the first CR or LF, -1 if there is none.
func lineEnd(b []byte) int {
	end := bytes.IndexByte(b, '\n')
	if end >= 0 {
		b = b[:end]
	}
	if cr := bytes.IndexByte(b, '\r'); cr >= 0 {
		return cr
	}
	return end
}
