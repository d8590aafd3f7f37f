package drafts

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

const (
	// MaxHistory is how many prompts are remembered, maxPrompt the size up to
	// which one is; a whole pasted book is not.
	MaxHistory = 1000
	maxPrompt  = 16 << 10
	// maxHistoryBytes bounds the file that is read.
	maxHistoryBytes = 8 << 20
)

// History is the prompts that were sent, the oldest first: a file of one JSON
// string a line, which several screens append to.
type History struct {
	file string
	mu   sync.Mutex
}

// OpenHistory returns the history in a file, which need not exist; with "" there
// is none.
func OpenHistory(file string) *History { return &History{file: file} }

// Load reads the newest MaxHistory prompts. A file that has grown long is cut.
func (h *History) Load() ([]string, error) {
	if h.file == "" {
		return nil, nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	f, err := os.Open(h.file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, failure("read the history", err)
	}
	all, err := newest(f)
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, failure("read the history", err)
	}
	if len(all) > 2*MaxHistory {
		all = slices.Clone(all[len(all)-MaxHistory:])
		if err := replace(h.file, encode(all...)); err != nil {
			return all, failure("cut the history", err)
		}
	}
	return all[max(len(all)-MaxHistory, 0):], nil
}

// newest reads the prompts at the end of f, a bounded part of it.
func newest(f *os.File) ([]string, error) {
	info, err := f.Stat()
	if err != nil || info.Size() <= maxHistoryBytes {
		return parse(f)
	}
	if _, err := f.Seek(-maxHistoryBytes, io.SeekEnd); err != nil {
		return nil, err
	}
	all, err := parse(f)
	return all[min(len(all), 1):], err // the first one may be the end of a longer one
}

// parse reads prompts. It skips an invalid line, such as the half of one that a
// killed process left.
func parse(r io.Reader) ([]string, error) {
	var all []string
	lines := bufio.NewReader(io.LimitReader(r, maxHistoryBytes+1))
	for {
		line, err := lines.ReadBytes('\n')
		var text string
		if len(line) > 0 && json.Unmarshal(line, &text) == nil && text != "" {
			all = append(all, text)
		}
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return all, err
		}
	}
}

func encode(texts ...string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	for _, text := range texts {
		_ = e.Encode(text) // strings can always be encoded, and b always written
	}
	return b.Bytes()
}

// Add appends a prompt, in one write.
func (h *History) Add(text string) error {
	if h.file == "" || text == "" || len(text) > maxPrompt {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := os.MkdirAll(filepath.Dir(h.file), 0o700); err != nil {
		return failure("keep the history", err)
	}
	f, err := os.OpenFile(h.file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return failure("keep the history", err)
	}
	_, err = f.Write(encode(text))
	if err = errors.Join(err, f.Close()); err != nil {
		return failure("keep the history", err)
	}
	return nil
}
