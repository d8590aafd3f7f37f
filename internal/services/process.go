package services

import (
	"context"
	"errors"
	"fmt"
	"net"
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

// process is a server that we started. It is in a process group of its own, so
// that Ctrl-C reaches the tests first, and dies with us where the system can do
// that.
type process struct {
	cmd   *exec.Cmd
	out   *tail
	ended chan struct{} // closed when it has been waited for
	state error         // how it ended, once ended is closed
}

// launch starts a program as user (nil: the present one) in dir.
func launch(path string, args []string, dir string, user *syscall.Credential) (*process, error) {
	p := &process{cmd: exec.Command(path, args...), out: &tail{}, ended: make(chan struct{})}
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = dir, p.out, p.out
	p.cmd.WaitDelay = stopWithin
	p.cmd.SysProcAttr = attributes(user)
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", path, err)
	}
	go func() {
		p.state = p.cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

// ready waits until try succeeds, the process ends, or readyWithin has passed.
func (p *process) ready(ctx context.Context, try func(context.Context) error) error {
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
			return fmt.Errorf("%s ended at once: %w: %s", p.cmd.Path, errors.Join(p.state, err), p.out)
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready after %v: %w: %s", p.cmd.Path, readyWithin, err, p.out)
		case <-poll.C:
		}
	}
}

// stop sends sig and waits for the end, which SIGKILL brings if need be. A
// process that has ended already is no error.
func (p *process) stop(sig os.Signal) error {
	if err := p.signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.ended:
		return nil
	case <-time.After(stopWithin):
	}
	if err := p.signal(syscall.SIGKILL); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-p.ended
	return nil
}

func (p *process) signal(sig os.Signal) error {
	if err := p.cmd.Process.Signal(sig); err != nil {
		return fmt.Errorf("signal %s: %w", p.cmd.Path, err)
	}
	return nil
}

// freePort is a loopback port that nobody listens on now.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	addr, ok := l.Addr().(*net.TCPAddr)
	if err := l.Close(); err != nil || !ok {
		return 0, fmt.Errorf("find a free port: %v: %w", l.Addr(), err)
	}
	return addr.Port, nil
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
