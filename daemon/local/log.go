package local

import (
	"io"
	"os"
	"strings"
)

// maxLog is the size at which a log is put aside, as daemon.log.1.
const maxLog = 4 << 20

// openLog opens the log to append to it; mark is its size.
func openLog(path string) (f *os.File, mark int64, err error) {
	if i, err := os.Stat(path); err == nil {
		mark = i.Size()
	}
	if mark > maxLog {
		if err := os.Rename(path, path+".1"); err != nil {
			return nil, 0, err
		}
		mark = 0
	}
	f, err = os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	return f, mark, err
}

// Tail is the last n lines of a log (none if n is not positive), and its length, from where to go on.
func Tail(path string, n int) (lines []string, length int64, err error) {
	return tail(path, 0, n)
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
