package local

import (
	"context"
	"errors"
	"syscall"
	"time"

	"chat"
	"chat/daemon/client"
)

// Status is how the local daemon stands.
type Status struct {
	Running bool         `json:"running"` // somebody holds the data directory
	PID     int          `json:"pid,omitempty"`
	Healthy bool         `json:"healthy"` // it answers and takes work
	Info    Info         `json:"info,omitzero"`
	Hello   client.Hello `json:"hello,omitzero"`
	Problem string       `json:"problem,omitempty"`
}

// Status looks without starting anything.
func (s *Starter) Status(ctx context.Context) (Status, error) {
	if err := s.Paths.checkPrivate(s.notice); err != nil {
		return Status{}, err
	}
	pid, held, err := holder(s.Paths.lockFile())
	if err != nil {
		return Status{}, err
	}
	st := Status{Running: held, PID: pid}
	if !held {
		return st, nil
	}
	state, i, h, err := look(ctx, s.Paths, or(s.HelloTimeout, helloTimeout))
	st.Info, st.Hello, st.Healthy = i, h, state == ready
	switch {
	case ctx.Err() != nil:
		return st, context.Cause(ctx)
	case state == absent:
		st.Problem = "it holds the data directory but cannot be reached (starting or ending)"
	case state == ending:
		st.Problem = "it is ending"
	case err != nil:
		st.Problem = err.Error()
	}
	return st, nil
}

// The limits of Stop.
const (
	stopTimeout = 20 * time.Second // for a daemon that was asked
	killTimeout = 5 * time.Second  // for a daemon that was killed
)

// Stop ends the daemon and waits until it has let go of the data directory.
// Running tasks are handed back, and are made by the next daemon. It asks
// first; a daemon that does not answer gets SIGTERM, and with force SIGKILL. It
// reports false if none was running.
func (s *Starter) Stop(ctx context.Context, force bool) (bool, error) {
	if err := s.Paths.checkPrivate(s.notice); err != nil {
		return false, err
	}
	pid, held, err := holder(s.Paths.lockFile())
	if err != nil || !held {
		return false, err
	}
	state, i, _, _ := look(ctx, s.Paths, or(s.HelloTimeout, helloTimeout)) // why it cannot be asked makes no difference
	asked := false
	if state == ready || state == ending {
		c := client.New(client.At(i.Endpoint()), client.Options{CallTimeout: or(s.HelloTimeout, helloTimeout)})
		defer c.Close()
		asked = c.Shutdown(ctx, true) == nil
	}
	// The lock is held, so the pid in it is that of its holder.
	if !asked && pid > 0 {
		if err := kill(pid, syscall.SIGTERM); err != nil {
			return true, err
		}
	}
	err = s.gone(ctx, pid, stopTimeout, force)
	if errors.Is(err, errStillThere) && force && pid > 0 {
		if err := kill(pid, syscall.SIGKILL); err != nil {
			return true, err
		}
		err = s.gone(ctx, pid, killTimeout, false)
	}
	if errors.Is(err, errStillThere) {
		return true, chat.Errorf(chat.CodeDaemon, "the local daemon (%s) does not end: try `chat daemon stop --force`", process(pid))
	}
	return true, err
}

func kill(pid int, sig syscall.Signal) error {
	if err := syscall.Kill(pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
		return chat.Errorf(chat.CodeDaemon, "cannot signal the local daemon (process %d): %w", pid, err)
	}
	return nil
}

var errStillThere = errors.New("still there")

// gone waits until a process does not hold the data directory any more: the next
// daemon may have it already. With force a process that is stopped, and can never
// end, is not waited for as long.
func (s *Starter) gone(ctx context.Context, owner int, limit time.Duration, force bool) error {
	if force {
		limit = killTimeout
	}
	began := time.Now()
	told := false
	for time.Since(began) < limit {
		pid, held, err := holder(s.Paths.lockFile())
		if err != nil || !held || pid != owner && pid > 0 && owner > 0 {
			return err
		}
		if !told && time.Since(began) > time.Second {
			s.notice("waiting for the local daemon (%s) to end", process(pid))
			told = true
		}
		if err := pause(ctx); err != nil {
			return err
		}
	}
	return errStillThere
}
