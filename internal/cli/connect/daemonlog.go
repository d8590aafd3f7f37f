package connect

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"time"

	"chat"
	"chat/daemon/local"
	"chat/internal/cli/output"
)

// logPoll is the interval of polling a followed log.
const logPoll = 200 * time.Millisecond

// NoLogError explains why there is no log.
func NoLogError(ctx context.Context, s *local.Starter) error {
	if st, err := s.Status(ctx); err == nil && st.Running {
		return chat.Errorf(chat.CodeNotFound, "%s was moved or removed: the daemon creates a new log with its next line", s.Paths.Log())
	}
	return chat.Errorf(chat.CodeNotFound, "there is no log yet: %s", s.Paths.Log())
}

// FollowLog copies a growing log to w until ctx ends.
func FollowLog(ctx context.Context, w io.Writer, path string, offset int64) (err error) {
	var log *local.LogFollower
	defer func() {
		if log != nil {
			err = errors.Join(err, log.Close())
		}
	}()
	poll := time.NewTicker(logPoll)
	defer poll.Stop()
	for {
		if log == nil {
			if log, err = local.FollowLog(path, offset); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			offset = 0
		}
		if log != nil {
			if err := log.Copy(w); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-poll.C:
		}
	}
}

// LogWriter returns the log of a daemon: the log file, which it rotates, or stderr in
// the foreground.
func LogWriter(p *output.Console) io.Writer {
	paths, err := local.FindPaths(p.Lookup)
	if err == nil {
		if log := local.NewLogWriter(paths.Log(), p.Err); log != nil {
			return log
		}
	}
	return p.Err
}
