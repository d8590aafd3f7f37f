package local

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"

	"chat"
)

// Paths are chat's directories, by the XDG Base Directory Specification 0.8.
// They need not exist.
type Paths struct {
	Data    string // database, locks, daemon.json
	State   string // log, history, drafts
	Config  string
	Runtime string // sockets; empty if the system has no runtime directory
}

// FindPaths reads the environment. Relative XDG paths are ignored, as the
// specification demands. With an error it returns the known paths. Without $HOME it guesses
// nothing: the home in the user database may be that of a service or of root.
func FindPaths(lookup func(string) (string, bool)) (Paths, error) {
	var missing bool
	dir := func(variable, fallback string) string {
		if d, ok := lookup(variable); ok && filepath.IsAbs(d) {
			return filepath.Join(d, "chat")
		}
		home, _ := lookup("HOME")
		if !filepath.IsAbs(home) {
			missing = true
			return ""
		}
		return filepath.Join(home, fallback, "chat")
	}
	p := Paths{
		Data:   dir("XDG_DATA_HOME", ".local/share"),
		State:  dir("XDG_STATE_HOME", ".local/state"),
		Config: dir("XDG_CONFIG_HOME", ".config"),
	}
	if missing {
		return p, chat.Errorf(chat.CodeNotConfigured,
			"there is no home directory: set HOME, or XDG_DATA_HOME, XDG_STATE_HOME and XDG_CONFIG_HOME, to absolute paths")
	}
	if d, ok := lookup("XDG_RUNTIME_DIR"); ok && filepath.IsAbs(d) {
		p.Runtime = filepath.Join(d, "chat")
	}
	return p, nil
}

// ConfigFile is the configuration file, "" if there is no place for one.
func (p Paths) ConfigFile() string {
	if p.Config == "" {
		return ""
	}
	return filepath.Join(p.Config, "config.toml")
}

// Log is the local daemon's log.
func (p Paths) Log() string { return filepath.Join(p.State, "daemon.log") }

func (p Paths) lockFile() string  { return filepath.Join(p.Data, "daemon.lock") }
func (p Paths) startLock() string { return filepath.Join(p.Data, "start.lock") }
func (p Paths) infoFile() string  { return filepath.Join(p.Data, "daemon.json") }

// makeDir makes a private directory; its error says what to set instead.
func makeDir(dir, variable string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return dirError(dir, variable, err)
	}
	return nil
}

func dirError(dir, variable string, err error) error {
	reason := err
	if errno := syscall.Errno(0); errors.As(err, &errno) {
		reason = errno
	}
	return &chat.Error{
		Code: chat.CodeDaemon, Cause: err,
		Message: "cannot write to " + dir + " (" + reason.Error() + "): make it writable, or set " + variable + " to a directory that is",
	}
}
