package drafts

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// maxSlots is how many screens can keep a draft of a new conversation at the same time.
const maxSlots = 32

// slot is the draft of this screen's next new conversation.
type slot struct {
	key  string
	lock *os.File // locked as long as the screen lives, by whatever means it ends
}

// Claim returns the key of the draft of new conversations: one that a screen
// which is gone has left a text in, if there is one. Without a free slot it is
// "", and nothing is kept.
func (s *Store) Claim() (string, error) {
	if s.dir == "" {
		return "new", nil
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.slot != nil {
		return s.slot.key, nil
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return "", failure("keep drafts", err)
	}
	for _, abandoned := range []bool{true, false} {
		for i := range maxSlots {
			key := fmt.Sprintf("new-%d", i)
			if _, err := os.Lstat(s.file(key)); abandoned && err != nil {
				continue
			}
			found, err := s.try(key)
			if err != nil {
				return "", failure("keep drafts", err)
			}
			if found != nil {
				s.slot = found
				return key, nil
			}
		}
	}
	return "", nil
}

// try locks a slot; nil if another screen has it.
func (s *Store) try(key string) (*slot, error) {
	f, err := os.OpenFile(filepath.Join(s.dir, key+".lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	switch err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); {
	case errors.Is(err, syscall.EWOULDBLOCK):
		return nil, f.Close()
	case err != nil:
		return nil, errors.Join(err, f.Close())
	}
	return &slot{key, f}, nil
}

func (s *slot) close() error {
	if s == nil {
		return nil
	}
	return s.lock.Close()
}

// Close writes what is pending and gives the slot back.
func (s *Store) Close() error {
	err := s.Flush()
	s.writing.Lock()
	defer s.writing.Unlock()
	err = errors.Join(err, s.slot.close())
	s.slot = nil
	return err
}

// Abandon gives the slot back without writing anything, as the system does for a
// screen that is killed.
func (s *Store) Abandon() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	err := s.slot.close()
	s.slot = nil
	return err
}
