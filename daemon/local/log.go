package local

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"
	"time"
)

// maxLog is the size at which a log is put aside, as daemon.log.1.
const maxLog = 4 << 20

// older is where a log is put aside.
func older(path string) string { return path + ".1" }

// openLog opens the log to append to it; mark is its size.
func openLog(path string) (f *os.File, mark int64, err error) {
	if i, err := os.Stat(path); err == nil {
		mark = i.Size()
	}
	if mark > maxLog {
		if err := os.Rename(path, older(path)); err != nil {
			return nil, 0, err
		}
		mark = 0
	}
	f, err = os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	return f, mark, err
}

// LogWriter writes the log of a long-running daemon. It rotates a large log, and opens a new
// file after another program has renamed the log. Everything else that the process writes to
// stdout and stderr goes to the same file.
type LogWriter struct {
	path string
	max  int64

	mu      sync.Mutex
	out     *os.File // stderr, which is the log
	size    int64
	checked time.Time // when the file at path was last checked
}

// NewLogWriter is a writer to stderr, which is the log at path. It returns nil if
// stderr is something else, such as a terminal.
func NewLogWriter(path string, stderr *os.File) *LogWriter {
	now, err := stderr.Stat()
	if err != nil {
		return nil
	}
	there, err := os.Stat(path)
	if err != nil || !os.SameFile(now, there) {
		return nil
	}
	return &LogWriter{path: path, max: maxLog, out: stderr, size: now.Size(), checked: time.Now()}
}

// checkInterval is the interval of checks whether the log was renamed.
const checkInterval = time.Second

func (l *LogWriter) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.size+int64(len(line)) > l.max && l.size > 0 {
		l.renew(os.Rename(l.path, older(l.path)))
	} else if time.Since(l.checked) >= checkInterval {
		l.checked = time.Now()
		if !l.inPlace() {
			l.renew(nil)
		}
	}
	n, err := l.out.Write(line)
	l.size += int64(n)
	return n, err
}

// inPlace reports whether the file at path is the one that is written to.
func (l *LogWriter) inPlace() bool {
	mine, err := l.out.Stat()
	if err != nil {
		return true
	}
	there, err := os.Stat(l.path)
	return err == nil && os.SameFile(mine, there)
}

// renew opens a new file at path and redirects stdout and stderr to it. If that fails, it
// continues in the old file, because a large log is better than none.
func (l *LogWriter) renew(err error) {
	var f *os.File
	if err == nil {
		f, err = os.OpenFile(l.path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	}
	if err == nil {
		err = errors.Join(duplicate(f, os.Stdout), duplicate(f, l.out), f.Close()) //nolint:forbidigo // what other packages print goes there, too
	}
	l.size = 0
	if i, serr := l.out.Stat(); serr == nil && err == nil {
		l.size = i.Size()
	}
}

// LogFollower reads a log as it grows, across rotations.
type LogFollower struct {
	path string
	f    *os.File
}

// FollowLog starts after the first offset bytes of the log at path.
func FollowLog(path string, offset int64) (*LogFollower, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &LogFollower{path, f}, nil
}

// Copy writes what has come since.
func (l *LogFollower) Copy(w io.Writer) error {
	_, err := io.Copy(w, l.f)
	if err != nil {
		return err
	}
	mine, err := l.f.Stat()
	if err != nil {
		return err
	}
	next, err := os.Open(l.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it will begin with the next line
	}
	if err != nil {
		return err
	}
	there, err := next.Stat()
	if err == nil && os.SameFile(mine, there) {
		at, serr := l.f.Seek(0, io.SeekCurrent)
		if serr == nil && there.Size() < at { // it was emptied
			_, serr = l.f.Seek(0, io.SeekStart)
		}
		return errors.Join(serr, next.Close())
	}
	if err == nil {
		_, err = io.Copy(w, l.f) // what came before the other one was there
	}
	err = errors.Join(err, l.f.Close())
	l.f = next
	if err == nil {
		_, err = io.Copy(w, next)
	}
	return err
}

// Close ends the following.
func (l *LogFollower) Close() error { return l.f.Close() }

// LastLines are the last n lines of the log at path, and the length of its newest
// file, -1 if there is none at the moment: lines that were put aside count, too.
func LastLines(path string, n int) (lines []string, length int64, err error) {
	lines, length, err = tail(path, 0, n)
	missing := errors.Is(err, fs.ErrNotExist)
	if err != nil && !missing || len(lines) >= n {
		return lines, length, err
	}
	before, _, berr := tail(older(path), 0, n-len(lines))
	switch {
	case errors.Is(berr, fs.ErrNotExist) && missing:
		return nil, -1, err
	case berr != nil && !errors.Is(berr, fs.ErrNotExist):
		return nil, -1, berr
	case missing:
		length = -1
	}
	return append(before, lines...), length, nil
}

// tail is the last n lines that a file has after mark, and its length. It reads
// maxTail bytes at most.
func tail(path string, mark int64, n int) (lines []string, length int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = f.Close() }() // it was only read
	i, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	length = i.Size()
	const maxTail = 1 << 20
	b, err := io.ReadAll(io.NewSectionReader(f, max(mark, length-maxTail), maxTail))
	if err != nil {
		return nil, 0, err
	}
	text := strings.TrimSuffix(string(b), "\n")
	if text == "" {
		return nil, length, nil
	}
	lines = strings.Split(text, "\n")
	return lines[max(0, len(lines)-max(0, n)):], length, nil
}
