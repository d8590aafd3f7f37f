package services

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

const (
	readyWithin = 30 * time.Second       // for a server to accept connections
	readyPoll   = 5 * time.Millisecond   // between two attempts to connect
	stopWithin  = 10 * time.Second       // for a server to end when asked
	portTries   = 5                      // a free port may be taken before the server has it
	outputKept  = 8 << 10                // of a server's output, for error messages
	dialWithin  = 500 * time.Millisecond // for one attempt to connect
)

// Command is a program to start.
type Command struct {
	Path string
	Args []string
	Env  []string // nil: ours
	Dir  string
	Log  io.Writer // also gets its output, of which errors quote the end; may be nil

	user *syscall.Credential // nil: the present one
}

// besides returns our environment and more; nil if more is empty.
func besides(more []string) []string {
	if len(more) == 0 {
		return nil
	}
	return append(os.Environ(), more...)
}

// Process is a program that we started. It is in a process group of its own, so
// that Ctrl-C reaches us first, and dies with us where the system can do that.
type Process struct {
	cmd   *exec.Cmd
	out   *tail
	ended chan struct{} // closed when it has been waited for
	state error         // how it ended, once ended is closed
}

// Start starts a program.
func (c Command) Start() (*Process, error) {
	p := &Process{cmd: exec.Command(c.Path, c.Args...), out: &tail{}, ended: make(chan struct{})}
	var out io.Writer = p.out
	if c.Log != nil {
		out = io.MultiWriter(p.out, c.Log)
	}
	p.cmd.Dir, p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = c.Dir, c.Env, out, out
	p.cmd.WaitDelay = stopWithin
	p.cmd.SysProcAttr = attributes(c.user)
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", c.Path, err)
	}
	go func() {
		p.state = p.cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

// Ready waits until try succeeds, the process ends, or readyWithin has passed.
func (p *Process) Ready(ctx context.Context, try func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	poll := time.NewTicker(readyPoll)
	defer poll.Stop()
	for {
		err := try(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.ended:
			return fmt.Errorf("%s ended immediately: %w: %s", p.cmd.Path, errors.Join(p.state, err), p.out)
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready after %v: %w: %s", p.cmd.Path, readyWithin, err, p.out)
		case <-poll.C:
		}
	}
}

// Stop sends sig and waits for the end, which SIGKILL brings if need be. A
// process that has ended already is no error.
func (p *Process) Stop(sig os.Signal) error {
	if err := p.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.ended:
		return nil
	case <-time.After(stopWithin):
	}
	if err := p.Signal(syscall.SIGKILL); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-p.ended
	return nil
}

// Ended is closed once the process has ended.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// Pid is its process id.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Signal sends sig. Its error is os.ErrProcessDone if the process has ended.
func (p *Process) Signal(sig os.Signal) error {
	if err := p.cmd.Process.Signal(sig); err != nil {
		return fmt.Errorf("signal %s: %w", p.cmd.Path, err)
	}
	return nil
}

// tail keeps the end of what is written to it.
type tail struct {
	mu  sync.Mutex
	end []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.end = append(t.end, p...)
	if extra := len(t.end) - outputKept; extra > 0 {
		t.end = append([]byte(nil), t.end[extra:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.end)
}
