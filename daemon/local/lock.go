package local

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// lock is a held flock. It is released by the kernel when its process ends,
// however that happens. The file is never unlinked: a second starter could lock
// a new one while the old one is still held.
type lock struct {
	file *os.File
}

// errHeld means that another process holds the lock.
var errHeld = errors.New("lock is held")

// lockPoll is the interval of checks of a lock that is held.
const lockPoll = 20 * time.Millisecond

// tryLock takes the lock, or returns errHeld and the pid that the holder wrote
// (0 if it has not yet).
func tryLock(path string) (l *lock, holder int, err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, 0, dirError(filepath.Dir(path), "XDG_DATA_HOME", err)
	}
	switch err := flock(f, syscall.LOCK_EX|syscall.LOCK_NB); {
	case errors.Is(err, syscall.EWOULDBLOCK):
		holder = readPID(f)
		return nil, holder, errors.Join(errHeld, f.Close())
	case err != nil:
		return nil, 0, errors.Join(dirError(path, "XDG_DATA_HOME", err), f.Close())
	}
	l = &lock{file: f}
	if !l.current() { // the directory was replaced between open and flock
		return nil, 0, errors.Join(errHeld, f.Close())
	}
	if err := l.writePID(); err != nil {
		return nil, 0, errors.Join(dirError(path, "XDG_DATA_HOME", err), f.Close())
	}
	return l, 0, nil
}

// flock repeats a call that a signal interrupted.
func flock(f *os.File, how int) error {
	for {
		if err := syscall.Flock(int(f.Fd()), how); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

func readPID(f *os.File) int {
	b, err := io.ReadAll(io.LimitReader(f, 32))
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil || pid < 0 {
		return 0 // the holder has not written it yet
	}
	return pid
}

func (l *lock) writePID() error {
	if err := l.file.Truncate(0); err != nil {
		return err
	}
	_, err := l.file.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

// current reports whether the lock's file is still the one at its path. If the directory was
// replaced, the file there belongs to another process.
func (l *lock) current() bool {
	mine, err := l.file.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(l.file.Name())
	return err == nil && os.SameFile(mine, there)
}

// release gives the lock up. It removes the pid first, so that an unlocked file never
// names a process.
func (l *lock) release() error {
	return errors.Join(l.file.Truncate(0), l.file.Close())
}

// holder reports whether a process holds the lock, and which. It does not create the
// file, and disturbs an attempt to take the lock for microseconds at most.
func holder(path string) (pid int, held bool, err error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, dirError(filepath.Dir(path), "XDG_DATA_HOME", err)
	}
	defer func() { _ = f.Close() }() // it was only read; closing gives our lock up
	err = flock(f, syscall.LOCK_SH|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return readPID(f), true, nil
	}
	return 0, false, err
}

// pause waits for lockPoll, or for the end of ctx, whose cause it returns.
func pause(ctx context.Context) error {
	t := time.NewTimer(lockPoll)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
