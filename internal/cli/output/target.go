package output

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/uuid"

	"chat"
)

// Target is a file that a complete answer replaces atomically.
type Target struct {
	Name string      // as it was given
	path string      // of the file, with links resolved
	mode fs.FileMode // of the existing file, or 0
	// direct is true for a device or a pipe, which is written and not replaced.
	direct bool
}

// FindTarget checks that a file can be written, before the message is sent.
func FindTarget(name string) (*Target, error) {
	t := &Target{Name: name, path: name}
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, err := os.Lstat(name); err == nil {
			return nil, chat.Errorf(chat.CodeInvalid, "cannot write %s: it is a link to a file that does not exist", name)
		}
	case err != nil:
		return nil, t.failed(err)
	case info.IsDir():
		return nil, chat.Errorf(chat.CodeInvalid, "cannot write %s: it is a directory; name a file in it", name)
	case !info.Mode().IsRegular():
		t.direct = true
		return t, nil
	default:
		t.mode = info.Mode().Perm()
		if t.path, err = filepath.EvalSymlinks(name); err != nil {
			return nil, t.failed(err)
		}
	}
	probe, err := t.create()
	if err != nil {
		return nil, t.failed(err)
	}
	if err := errors.Join(probe.Close(), os.Remove(probe.Name())); err != nil {
		return nil, t.failed(err)
	}
	return t, nil
}

func (t *Target) failed(err error) error {
	if inner := (*fs.PathError)(nil); errors.As(err, &inner) {
		err = inner.Err
	}
	return chat.Errorf(chat.CodeInvalid, "cannot write %s: %w", t.Name, err)
}

// Exists reports whether the file existed before.
func (t *Target) Exists() bool { return t.mode != 0 }

// create creates the temporary file that replaces the target, with the permissions of a
// new file.
func (t *Target) create() (*os.File, error) {
	dir, base := filepath.Split(t.path)
	return os.OpenFile(filepath.Join(dir, "."+base+".chat-"+uuid.NewString()[:8]), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666) //nolint:gosec // reduced by the umask, as for any new file
}

// Write replaces the file with data atomically.
func (t *Target) Write(data []byte) error {
	if t.direct {
		f, err := os.OpenFile(t.path, os.O_WRONLY, 0)
		if err != nil {
			return t.failed(err)
		}
		_, err = f.Write(data)
		return errors.Join(err, f.Close())
	}
	f, err := t.create()
	if err != nil {
		return t.failed(err)
	}
	if t.mode != 0 {
		err = f.Chmod(t.mode)
	}
	if err == nil {
		_, err = f.Write(data)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), t.path)
	}
	if err != nil {
		return t.failed(errors.Join(err, os.Remove(f.Name())))
	}
	return nil
}
