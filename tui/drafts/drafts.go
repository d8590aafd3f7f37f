// Package drafts keeps what was written but not sent, one text per conversation,
// and the prompts that were sent, so that both outlive the screen, however it
// ends: what is on disk is at most Pause old.
//
// Drafts are files of mode 0600, replaced by rename, never written in place. Two
// screens on one conversation share its draft; the last one that writes wins. New
// conversations have no id yet, so each screen claims a slot of its own for them,
// which passes to another one when the screen is gone.
package drafts

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"chat"
	"chat/internal/lazyregexp"
)

const (
	// Pause is how long a change may wait for the disk.
	Pause = 400 * time.Millisecond
	// MaxBytes bounds a draft; the rest is not kept.
	MaxBytes = 1 << 20
	// maxFiles bounds the drafts on disk; the oldest go first.
	maxFiles = 200
	suffix   = ".draft"
)

// Store keeps drafts in a directory. It is safe for concurrent use.
type Store struct {
	dir string

	mu      sync.Mutex
	pending map[string]string // not yet on disk

	writing sync.Mutex
	slot    *slot
}

// Open returns the store in dir, which need not exist yet. With "" drafts live as
// long as the store.
func Open(dir string) *Store {
	return &Store{dir: dir, pending: map[string]string{}}
}

// Put sets the draft of a conversation; "" removes it. It does no I/O: Flush
// writes. It reports whether there is something to flush.
func (s *Store) Put(conversation, text string) bool {
	if conversation == "" {
		return false
	}
	if len(text) > MaxBytes {
		text = strings.ToValidUTF8(text[:MaxBytes], "")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending[conversation] = text
	if s.dir == "" && len(s.pending) > maxFiles {
		for other := range s.pending {
			if other != conversation {
				delete(s.pending, other)
				break
			}
		}
	}
	return s.dir != ""
}

// Get returns the draft of a conversation, "" if there is none.
func (s *Store) Get(conversation string) (string, error) {
	s.mu.Lock()
	text, ok := s.pending[conversation]
	s.mu.Unlock()
	if ok || s.dir == "" || conversation == "" {
		return text, nil
	}
	f, err := os.Open(s.file(conversation))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", failure("read the draft", err)
	}
	data, err := io.ReadAll(io.LimitReader(f, MaxBytes))
	if err = errors.Join(err, f.Close()); err != nil {
		return "", failure("read the draft", err)
	}
	return strings.ToValidUTF8(string(data), ""), nil
}

// Flush writes what was put since the last time. What could not be written is
// tried again with the next Flush.
func (s *Store) Flush() error {
	if s.dir == "" {
		return nil
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	s.mu.Lock()
	batch := maps.Clone(s.pending)
	s.mu.Unlock()
	for _, conversation := range slices.Sorted(maps.Keys(batch)) {
		if err := s.write(conversation, batch[conversation]); err != nil {
			return failure("keep the draft", err)
		}
		s.mu.Lock()
		if s.pending[conversation] == batch[conversation] {
			delete(s.pending, conversation)
		}
		s.mu.Unlock()
	}
	return nil
}

func (s *Store) write(conversation, text string) error {
	name := s.file(conversation)
	if text == "" {
		return remove(name)
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	if _, err := os.Lstat(name); errors.Is(err, fs.ErrNotExist) {
		if err := s.prune(maxFiles - 1); err != nil {
			return err
		}
	}
	return replace(name, []byte(text))
}

// replace writes a file as a whole or not at all. CreateTemp makes it 0600.
func replace(name string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".new-*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// prune removes the oldest drafts but n, and the temporary files of killed processes.
func (s *Store) prune(n int) error {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return err
	}
	type file struct {
		name string
		at   time.Time
	}
	var found []file
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			continue // gone meanwhile
		}
		switch name := filepath.Join(s.dir, e.Name()); {
		case strings.HasPrefix(e.Name(), ".new-") && time.Since(info.ModTime()) > time.Hour:
			if err := remove(name); err != nil {
				return err
			}
		case strings.HasSuffix(name, suffix):
			found = append(found, file{name, info.ModTime()})
		}
	}
	slices.SortFunc(found, func(a, b file) int { return a.at.Compare(b.at) })
	for _, f := range found[:max(len(found)-n, 0)] {
		if err := remove(f.name); err != nil {
			return err
		}
	}
	return nil
}

func remove(name string) error {
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

var plainName = lazyregexp.New(`^[0-9A-Za-z-]{1,64}$`)

// file is where a conversation's draft is. Ids come from a server, so one that is
// no plain name does not become one.
func (s *Store) file(conversation string) string {
	if !plainName.MatchString(conversation) {
		sum := sha256.Sum256([]byte(conversation))
		conversation = "id-" + hex.EncodeToString(sum[:16])
	}
	return filepath.Join(s.dir, conversation+suffix)
}

func failure(what string, err error) error {
	reason := err
	if path := (*fs.PathError)(nil); errors.As(err, &path) {
		reason = path.Err
	}
	return chat.Errorf(chat.CodeStorage, "cannot "+what+": %w; check that the state directory is writable", reason)
}
