package local

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"chat"
)

// spawn starts a daemon of its own session and waits until it is ready.
func (s *Starter) spawn(ctx context.Context) error {
	if err := makeDir(s.Paths.State, "XDG_STATE_HOME"); err != nil {
		return err
	}
	log, mark, err := openLog(s.Paths.Log())
	if err != nil {
		return dirError(s.Paths.State, "XDG_STATE_HOME", err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		return errors.Join(chat.Errorf(chat.CodeDaemon, "cannot make a pipe for the local daemon: %w", err), log.Close())
	}
	defer func() { _ = r.Close() }() // it was only read
	cmd, err := s.command(log, w)
	if err == nil {
		err = cmd.Start()
	}
	// The child has its own copies; ours would keep the pipe from ending.
	err = errors.Join(err, log.Close(), w.Close())
	if err != nil {
		return chat.Errorf(chat.CodeDaemon, "cannot start the local daemon: %w", err)
	}
	result, err := s.await(ctx, r)
	if err == nil && result.Event == eventReady {
		// The exit status must be collected, or the daemon stays a zombie. This goroutine
		// ends with the daemon or with this process.
		go func() { _ = cmd.Wait() }()
		return nil
	}
	if err != nil {
		go func() { _ = cmd.Wait() }() // as above: it may still be starting
		return err
	}
	reason := error(&chat.Error{Code: result.Code, Message: result.Message})
	if ended := cmd.Wait(); result.Event != eventFailed {
		reason = fmt.Errorf("it ended immediately: %w", ended)
		if ended == nil {
			reason = errors.New("it ended immediately")
		}
	}
	return s.failed(mark, reason)
}

// command returns the daemon's command, detached from this process.
func (s *Starter) command(log, pipe *os.File) (*exec.Cmd, error) {
	executable, args := s.Executable, s.Args
	if executable == "" {
		var err error
		if executable, err = os.Executable(); err != nil {
			return nil, err
		}
	}
	if len(args) == 0 {
		args = []string{"daemon", "run"}
	}
	// Descriptors inherited from our parent would otherwise stay open as long as the
	// daemon: a pipe that another process reads to its end, a lock, a terminal.
	if err := closeOnExec(); err != nil {
		return nil, err
	}
	cmd := exec.Command(executable, args...) //nolint:noctx // it outlives us
	cmd.Dir = "/"
	cmd.Stdout, cmd.Stderr = log, log // stdin is /dev/null
	cmd.ExtraFiles = []*os.File{pipe} // descriptor 3
	cmd.Env = append(withFullPaths(os.Environ()), readyVariable+"="+strconv.Itoa(3))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return cmd, nil
}

// closeOnExec keeps every descriptor but the standard ones from our children.
func closeOnExec() error {
	dir, err := os.Open("/dev/fd")
	if err != nil {
		return err
	}
	names, err := dir.Readdirnames(-1)
	err = errors.Join(err, dir.Close())
	for _, name := range names {
		if fd, e := strconv.Atoi(name); e == nil && fd > 2 {
			syscall.CloseOnExec(fd)
		}
	}
	return err
}

// await reads the pipe until the daemon is ready, has failed or has gone (the
// zero report).
func (s *Starter) await(ctx context.Context, r *os.File) (report, error) {
	limit := or(s.StartTimeout, startTimeout)
	deadline := time.Now().Add(limit)
	if err := r.SetReadDeadline(deadline); err != nil {
		return report{}, chat.Errorf(chat.CodeDaemon, "cannot wait for the local daemon: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = r.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	slow := time.AfterFunc(2*time.Second, func() { s.notice("the local daemon is starting (its log: %s)", s.Paths.Log()) })
	defer slow.Stop()
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		var got report
		if err := json.Unmarshal(lines.Bytes(), &got); err != nil {
			return report{}, chat.Errorf(chat.CodeInternal, "the local daemon wrote an invalid report to its readiness pipe: %w", err)
		}
		if got.Event != eventWaiting {
			return got, nil
		}
		slow.Stop()
		s.notice("waiting for the previous daemon (process %d) to end", got.PID)
	}
	switch err := lines.Err(); {
	case ctx.Err() != nil:
		return report{}, context.Cause(ctx)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return report{}, chat.Errorf(chat.CodeDaemon, "the local daemon was not ready within %s: see %s", limit, s.Paths.Log())
	case err != nil:
		return report{}, chat.Errorf(chat.CodeDaemon, "cannot wait for the local daemon: %w", err)
	}
	return report{}, nil
}

// shownLines is how much of the log an error shows.
const shownLines = 6

// failed is the error of a daemon that did not start: its reason, and what it
// has logged since mark.
func (s *Starter) failed(mark int64, reason error) error {
	message := "the local daemon did not start: " + reason.Error()
	if lines, _, err := tail(s.Paths.Log(), mark, shownLines); err == nil && len(lines) > 0 {
		message += "\nthe last lines of " + s.Paths.Log() + ":\n  " + strings.Join(lines, "\n  ")
	}
	return &chat.Error{Code: chat.CodeDaemon, Message: message, Cause: reason}
}
