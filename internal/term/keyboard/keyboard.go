// Package keyboard reads keys from a terminal. What terminals say by themselves
// comes the same way: answers to questions, ours and those of the shell that ran
// before, whenever they like and cut anywhere. Reader takes them out, so that they
// are never typed, and keeps the sequences of keys in one piece.
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

// Reader is a terminal as keys are read from it.
type Reader struct {
	*os.File
	// Background is told what the terminal says of its background; may be nil.
	Background func(rgb [3]uint8)

	// more reports whether there is more to read within that time; nil asks the
	// system.
	more   func(time.Duration) bool
	scan   scanner
	pasted time.Time // when the last burst came
	long   time.Time // when more came than was read
	marks  bool      // the terminal marks what is pasted
}

// escapeDelay is how long the rest of a sequence may take to come behind what can
// also be a key of its own, as ESC can.
const escapeDelay = 50 * time.Millisecond

const (
	// burstLength is how many bytes that come at once nobody has typed.
	burstLength = 16
	// burstPause is how soon behind a burst what comes is still of it, unless it is one
	// key, such as the enter behind what was pasted.
	burstPause = 30 * time.Millisecond
)

// burst reports whether a terminal that knows no marks has sent what somebody has
// pasted: a line, and more behind it. Typed, it would be sent line by line.
// whole says that there was no room for more. A terminal that has once used the marks
// is taken at its word.
func (r *Reader) burst(in []byte, whole bool) bool {
	r.marks = r.marks || bytes.Contains(in, []byte(pasteBegin))
	key := func(c rune) bool { return c < ' ' && c != '\t' && c != '\r' && c != '\n' || c == del }
	if len(in) == 0 || r.marks || bytes.ContainsFunc(in, key) || r.scan.state != typing && r.scan.state != spelling {
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

// room is how much may be read at once, so that what comes of it has room in a
// buffer: what was held back comes on top, and the marks of a paste, and a space
// inside a text takes two bytes.
func (r *Reader) room(buffer int) int {
	room := buffer - maxSequence - len(pasteBegin) - len(pasteEnd)
	if r.scan.state != pasting {
		room /= 2
	}
	return room
}

// Read reads what was typed. It may return nothing, if what came was not typed.
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

// keys appends what is typed of in, and says where in it characters stand that are
// no sequences.
func (r *Reader) keys(in, out []byte) (_ []byte, texts []span) {
	mouse := 0
	for _, b := range in {
		from, state := len(out), r.scan.state
		out = r.scan.take(b, out)
		r.tell()
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

// answer is what terminals say when asked by OSC 11, as XParseColor writes it.
var answer = regexp.MustCompile(`^\x1b\]11;rgba?:([0-9a-fA-F]{1,4})/([0-9a-fA-F]{1,4})/([0-9a-fA-F]{1,4})(?:/[0-9a-fA-F]{1,4})?$`)

// tell hands on an answer that has come to its end.
func (r *Reader) tell() {
	text := r.scan.answer
	r.scan.answer = nil
	if text == nil || r.Background == nil {
		return
	}
	if m := answer.FindSubmatch(text); m != nil {
		r.Background([3]uint8{level(m[1]), level(m[2]), level(m[3])})
	}
}

// level is a hexadecimal part of a colour, of one to four digits, as 0 to 255.
func level(digits []byte) uint8 {
	n, err := strconv.ParseUint(string(digits), 16, 16)
	if err != nil {
		return 0 // the expression lets nothing else through
	}
	return uint8(n * 255 / (1<<(4*len(digits)) - 1))
}
