package local

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"

	"chat"
)

// maxSocketPath is what every system takes: sun_path holds 104 bytes on the
// BSDs and 108 on Linux, its final NUL included.
const maxSocketPath = 100

// listen binds the data directory's socket in the first suitable directory. The caller holds
// the lock of the data directory, so a file at the socket's path is stale. The listener
// accepts only processes of this user and root.
func listen(ctx context.Context, p Paths) (net.Listener, string, error) {
	name := socketName(p.Data)
	var tried []error
	for _, dir := range socketDirs(p) {
		path := filepath.Join(dir, name)
		if len(path) > maxSocketPath {
			tried = append(tried, fmt.Errorf("%s: longer than %d bytes", path, maxSocketPath))
			continue
		}
		l, err := bind(ctx, dir, path)
		if err == nil {
			return l, path, nil
		}
		tried = append(tried, err)
	}
	// Another user may own the names in /tmp, but cannot guess this one.
	dir, err := os.MkdirTemp("/tmp", "chat-")
	if err == nil {
		path := filepath.Join(dir, name)
		var l net.Listener
		if l, err = bind(ctx, dir, path); err == nil {
			return l, path, nil
		}
		err = errors.Join(err, os.Remove(dir))
	}
	return nil, "", &chat.Error{
		Code: chat.CodeDaemon, Cause: errors.Join(append(tried, err)...),
		Message: fmt.Sprintf("no directory takes a socket (%v): set XDG_RUNTIME_DIR to one of your own with a short path", err),
	}
}

// socketName differs for each data directory, since several of them may share a
// runtime directory.
func socketName(data string) string {
	sum := sha256.Sum256([]byte(data))
	return hex.EncodeToString(sum[:4]) + ".sock"
}

func socketDirs(p Paths) []string {
	own := fmt.Sprintf("chat-%d", os.Geteuid())
	var dirs []string
	if p.Runtime != "" {
		dirs = append(dirs, p.Runtime)
	}
	return append(dirs, filepath.Join(p.State, "run"), filepath.Join(os.TempDir(), own), filepath.Join("/tmp", own))
}

func bind(ctx context.Context, dir, path string) (net.Listener, error) {
	if err := privateDir(dir); err != nil {
		return nil, err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var c net.ListenConfig
	l, err := c.Listen(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	ul, ok := l.(*net.UnixListener)
	if !ok { // net promises it for "unix"
		return nil, errors.Join(fmt.Errorf("a listener on a unix socket is a %T", l), l.Close())
	}
	// By default Close unlinks whatever is at the path by then, which may be the
	// socket of our successor.
	ul.SetUnlinkOnClose(false)
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(err, ul.Close(), os.Remove(path))
	}
	return &ownPeers{UnixListener: ul}, nil
}

// privateDir creates dir, or checks that only this user can use an existing one.
func privateDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	i, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	s, ok := i.Sys().(*syscall.Stat_t)
	if !ok || !i.IsDir() || int(s.Uid) != os.Geteuid() {
		return fmt.Errorf("%s belongs to another user", dir)
	}
	if i.Mode().Perm() != 0o700 {
		return os.Chmod(dir, 0o700) //nolint:gosec // a directory is entered by its x bit
	}
	return nil
}

// removeSocket removes a socket of ours on which no process listens any more. The
// caller holds the lock. A path that is something else by now is left alone.
func removeSocket(path string) error {
	i, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	s, ok := i.Sys().(*syscall.Stat_t)
	if i.Mode()&fs.ModeSocket == 0 || !ok || int(s.Uid) != os.Geteuid() {
		return nil
	}
	if err := os.Remove(path); err != nil {
		return err
	}
	if matched, err := filepath.Match("/tmp/chat-[0-9]*/*", path); err == nil && matched {
		_ = os.Remove(filepath.Dir(path)) // others of ours may still be in there
	}
	return nil
}

// OwnPeers is l, which then accepts connections of our own user and of root only.
func OwnPeers(l *net.UnixListener) net.Listener { return &ownPeers{l} }

type ownPeers struct {
	*net.UnixListener
}

func (l *ownPeers) Accept() (net.Conn, error) {
	for {
		c, err := l.AcceptUnix()
		if err != nil {
			return nil, err
		}
		uid, err := peerUID(c)
		if err == nil && (uid == os.Geteuid() || uid == 0) {
			return c, nil
		}
		_ = c.Close() // a stranger gets no answer, and its close error changes nothing
	}
}
