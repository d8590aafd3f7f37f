package local

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"chat"
)

// writableByOthers are the permissions that let another user change a directory.
const writableByOthers = 0o022

// checkPrivate makes sure that the content of the data directory was written by
// its owner: clients go where its daemon.json says. A directory that others can
// write to is closed; if there is a daemon.json in it already, it is refused.
func (p Paths) checkPrivate(notice func(format string, args ...any)) error {
	info, err := os.Stat(p.Data)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return dirError(p.Data, "XDG_DATA_HOME", err)
	}
	mode := info.Mode().Perm()
	if !info.IsDir() || mode&writableByOthers == 0 {
		return nil
	}
	_, err = os.Lstat(p.infoFile())
	if errors.Is(err, fs.ErrNotExist) || err == nil && mode&0o002 == 0 && ours(p.infoFile()) {
		if err := os.Chmod(p.Data, mode&^0o077); err == nil {
			notice("others could write to %s: only you can now", p.Data)
			return nil
		}
	}
	return chat.Errorf(chat.CodeDaemon,
		"others can write to %s (its mode is %04o), so the daemon.json in it may be another user's: look at it, remove it if it is not yours, and then: chmod 700 %[1]s", p.Data, mode)
}

// ours reports whether a file is a plain one of the user that we run as.
func ours(path string) bool {
	info, err := os.Lstat(path)
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid()
}

// ReadableByOthers names the other users who can read a file; "" if none can, or if it does
// not exist.
func ReadableByOthers(path string) string {
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm()&0o077 == 0 {
		return ""
	}
	return fmt.Sprintf("others can read %s (its mode is %04o): chmod 600 %[1]s", path, info.Mode().Perm())
}
