package local

import (
	"context"
	"errors"
	"syscall"
	"time"

	"chat"
	"chat/daemon/client"
)

// Status is the state of the local daemon.
type Status struct {
	Running bool         `json:"running"` // a process holds the data directory
	PID     int          `json:"pid,omitempty"`
	Healthy bool         `json:"healthy"` // it answers and takes work
	Info    Info         `json:"info,omitzero"`
	Hello   client.Hello `json:"hello,omitzero"`
	Problem string       `json:"problem,omitempty"`
}

// Status returns the state of the daemon. It starts nothing.
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
	state, i, h, err := checkServer(ctx, s.Paths, or(s.HelloTimeout, helloTimeout))
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

// Stop ends the daemon and waits until it has released the data directory. The next daemon
// runs the tasks that were running. Stop asks the daemon first. One that does not answer
// gets SIGTERM, or SIGKILL with force. Stop returns false if none was running.
func (s *Starter) Stop(ctx context.Context, force bool) (bool, error) {
	if err := s.Paths.checkPrivate(s.notice); err != nil {
		return false, err
	}
	pid, held, err := holder(s.Paths.lockFile())
	if err != nil || !held {
		return false, err
	}
	state, i, _, _ := checkServer(ctx, s.Paths, or(s.HelloTimeout, helloTimeout)) // the reason of a failure makes no difference
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
	err = s.waitForEnd(ctx, pid, stopTimeout, force)
	if errors.Is(err, errStillThere) && force && pid > 0 {
		if err := kill(pid, syscall.SIGKILL); err != nil {
			return true, err
		}
		err = s.waitForEnd(ctx, pid, killTimeout, false)
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

// waitForEnd waits until the process no longer holds the data directory. The next daemon may
// hold it by then. With force, the limit is killTimeout.
func (s *Starter) waitForEnd(ctx context.Context, owner int, limit time.Duration, force bool) error {
	if force {
		limit = killTimeout
	}
	began := time.Now()
	notified := false
	for time.Since(began) < limit {
		pid, held, err := holder(s.Paths.lockFile())
		if err != nil || !held || pid != owner && pid > 0 && owner > 0 {
			return err
		}
		if !notified && time.Since(began) > time.Second {
			s.notice("waiting for the local daemon (%s) to end", process(pid))
			notified = true
		}
		if err := pause(ctx); err != nil {
			return err
		}
	}
	return errStillThere
}
