package local

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"chat"
	"chat/daemon/client"
)

// Info is the content of daemon.json about a running server. Clients read the socket's
// path from it; they never compute it.
type Info struct {
	PID       int          `json:"pid"`
	StartedAt time.Time    `json:"started_at"`
	Socket    string       `json:"socket"`
	Protocol  client.Range `json:"protocol"`
	Version   string       `json:"version"`
	Instance  string       `json:"instance"`
	// InProcess is set if the server is part of a client and ends with it.
	InProcess bool `json:"in_process,omitempty"`
	// Environment are fingerprints of the variables that the server's way to
	// providers depends on; see Starter.OtherEnvironment.
	Environment map[string]string `json:"environment"`
}

// Endpoint is where the server listens.
func (i Info) Endpoint() client.Endpoint {
	return client.Endpoint{Network: "unix", Address: i.Socket}
}

// errNoInfo means that there is no daemon.json, or none that can be parsed:
// a daemon that crashed while the disk was full may have left anything.
var errNoInfo = errors.New("no daemon.json")

const maxInfo = 64 << 10

func readInfo(p Paths) (Info, error) {
	b, err := readOwn(p.infoFile())
	switch {
	case errors.Is(err, os.ErrNotExist):
		return Info{}, errNoInfo
	case chat.IsCode(err, chat.CodeDaemon):
		return Info{}, err
	case err != nil:
		return Info{}, dirError(p.Data, "XDG_DATA_HOME", err)
	}
	var i Info
	if len(b) > maxInfo || json.Unmarshal(b, &i) != nil || !filepath.IsAbs(i.Socket) {
		return Info{}, errNoInfo
	}
	return i, nil
}

// readOwn reads a file that only we, or root, may have written: it names the socket
// that messages and keys are sent to.
func readOwn(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	i, err := f.Stat()
	if err != nil {
		return nil, err
	}
	s, ok := i.Sys().(*syscall.Stat_t)
	if !ok || int(s.Uid) != os.Geteuid() && s.Uid != 0 || i.Mode().Perm()&0o022 != 0 {
		return nil, chat.Errorf(chat.CodeDaemon, "%s may have been written by another user: remove it, and make its directory yours alone with chmod 700 %s", path, filepath.Dir(path))
	}
	return io.ReadAll(io.LimitReader(f, maxInfo+1))
}

// writeInfo replaces daemon.json in one step: a reader sees the old one or the
// new one, never a part.
func writeInfo(p Paths, i Info) error {
	b, err := json.MarshalIndent(i, "", "  ")
	if err != nil {
		return fmt.Errorf("encode daemon.json: %w", err)
	}
	f, err := os.CreateTemp(p.Data, ".daemon-*.json") // 0600
	if err != nil {
		return dirError(p.Data, "XDG_DATA_HOME", err)
	}
	_, err = f.Write(append(b, '\n'))
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), p.infoFile())
	}
	if err != nil {
		return errors.Join(dirError(p.Data, "XDG_DATA_HOME", err), os.Remove(f.Name()))
	}
	return nil
}
