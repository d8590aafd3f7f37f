// Package keyboard reads keys from a terminal. A terminal sends other things the
// same way: replies to queries, ours and those of the shell that ran before, at any
// time and in pieces. Reader removes them, so that they are never taken for keys,
// and keeps the sequence of a key in one piece.
package keyboard

import (
	"bytes"
	"errors"
	"os"
	"regexp"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// Reader reads keys from a terminal.
type Reader struct {
	*os.File
	// Background receives the terminal's reply about its background; may be nil.
	Background func(rgb [3]uint8)

	// more reports whether more input arrives within that time; nil asks the
	// system.
	more   func(time.Duration) bool
	scan   scanner
	pasted time.Time // when the last burst arrived
	long   time.Time // when more arrived than was read
	marks  bool      // the terminal marks pastes
}

// escapeDelay is how long to wait for the rest of a sequence after bytes that are
// also a key, such as ESC.
const escapeDelay = 50 * time.Millisecond

const (
	// burstLength is the number of bytes in one read that rules out typing.
	burstLength = 16
	// burstPause is the time after a burst in which input still belongs to it,
	// unless it is one key, such as enter after a paste.
	burstPause = 30 * time.Millisecond
)

// burst reports whether the input is a paste from a terminal that does not mark
// pastes: a line end and more after it. As keys, it would be sent line by line.
// whole reports that the read filled the buffer. A terminal that has used the marks
// once is trusted to use them always.
func (r *Reader) burst(in []byte, whole bool) bool {
	r.marks = r.marks || bytes.Contains(in, []byte(pasteBegin))
	key := func(c rune) bool { return c < ' ' && c != '\t' && c != '\r' && c != '\n' || c == del }
	if len(in) == 0 || r.marks || bytes.ContainsFunc(in, key) || r.scan.state != typing && r.scan.state != inRune {
		return false
	}
	long := len(in) >= burstLength || time.Since(r.long) <= burstPause
	if whole {
		r.long = time.Now()
	}
	end := bytes.IndexAny(in, "\r\n")
	lines := long && end >= 0 && (end < len(in)-1 || whole && r.moreWithin(0))
	if !lines && (len(in) == 1 || time.Since(r.pasted) > burstPause) {
		return false
	}
	r.pasted = time.Now()
	return true
}

// room returns how much may be read in one call, so that the result fits into a
// buffer: the bytes that were held back and the marks of a paste are added to it,
// and a space inside a text takes two bytes.
func (r *Reader) room(buffer int) int {
	room := buffer - maxSequence - len(pasteBegin) - len(pasteEnd)
	if r.scan.state != pasting {
		room /= 2
	}
	return room
}

// Read reads keys. It may return nothing if the input was something else.
func (r *Reader) Read(p []byte) (int, error) {
	if len(p) <= 4*maxSequence-1 {
		return 0, errors.New("the buffer is too small to read keys with")
	}
	in := make([]byte, r.room(len(p)))
	n, err := r.File.Read(in)
	if n < 0 {
		n = 0
	}
	if r.burst(in[:n], n == len(in)) {
		out := append(p[:0], pasteBegin...)
		out, _ = r.keys(in[:n], out)
		return len(append(out, pasteEnd...)), err
	}
	out, texts := r.keys(in[:n], p[:0])
	out = joined(out, texts)
	if r.scan.ambiguous() && !r.moreWithin(escapeDelay) {
		out = r.scan.flush(out)
	}
	return len(out), err
}

// mouseX10 is the sequence of a mouse that ends in three bytes of any value.
const mouseX10 = "\x1b[M"

// keys appends the keys in in, and returns the positions of the characters that are
// not sequences.
func (r *Reader) keys(in, out []byte) (_ []byte, texts []span) {
	mouse := 0
	for _, b := range in {
		from, state := len(out), r.scan.state
		out = r.scan.take(b, out)
		r.reportBackground()
		mouse--
		switch {
		case len(out) == from:
		case string(out[from:]) == mouseX10:
			mouse = len("xyz")
		case mouse < 0 && state != pasting && isText(out[from]):
			texts = extended(texts, from, len(out))
		}
	}
	return out, texts
}

func (r *Reader) moreWithin(d time.Duration) bool {
	if r.more != nil {
		return r.more(d)
	}
	fds := []unix.PollFd{{Fd: int32(r.Fd()), Events: unix.POLLIN}}
	for end := time.Now().Add(d); ; {
		n, err := unix.Poll(fds, int(max(time.Until(end), 0).Milliseconds()))
		if !errors.Is(err, unix.EINTR) {
			return err == nil && n > 0
		}
	}
}

// reply matches a terminal's reply to OSC 11, in the format of XParseColor.
var reply = regexp.MustCompile(`^\x1b\]11;rgba?:([0-9a-fA-F]{1,4})/([0-9a-fA-F]{1,4})/([0-9a-fA-F]{1,4})(?:/[0-9a-fA-F]{1,4})?$`)

// reportBackground passes on a complete reply about the background.
func (r *Reader) reportBackground() {
	text := r.scan.reply
	r.scan.reply = nil
	if text == nil || r.Background == nil {
		return
	}
	if m := reply.FindSubmatch(text); m != nil {
		r.Background([3]uint8{level(m[1]), level(m[2]), level(m[3])})
	}
}

// level converts a hexadecimal part of a colour, of one to four digits, to 0 to
// 255.
func level(digits []byte) uint8 {
	n, err := strconv.ParseUint(string(digits), 16, 16)
	if err != nil {
		return 0 // the expression allows nothing else
	}
	return uint8(n * 255 / (1<<(4*len(digits)) - 1))
}
