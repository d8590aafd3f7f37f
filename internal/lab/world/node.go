package world

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"chat/internal/services"
)

// direct sends requests without a proxy; see Do.
var direct = &http.Client{Timeout: 30 * time.Second} //nolint:gochecknoglobals // as http.DefaultClient is, with a timeout

// Node is one chatd. It can be killed, paused and started again as it was.
type Node struct {
	Name   string
	Listen string // host:port of an API; "" for a worker
	// The proxies on its way to the others; nil where there is none.
	SQL, Provider *Edge
	Sentinels     []*Edge
	// Front is the clients' way to it; nil for a worker.
	Front *Edge

	clock clock
	cmd   services.Command
	proc  *services.Process
	log   io.WriteCloser
	died  func(asked time.Time) // called at each end
	asked atomic.Int64          // to end, in Unix nanoseconds; 0: not
}

// Start starts the process, with more environment if need be, and waits until it
// answers.
func (n *Node) Start(ctx context.Context, env ...string) error {
	if err := n.Launch(env...); err != nil {
		return err
	}
	return n.WaitReady(ctx)
}

// Launch starts the process without waiting for it.
func (n *Node) Launch(env ...string) error {
	c := n.cmd
	c.Env = slices.Concat(c.Env, env)
	c.Log = n.log
	proc, err := c.Start()
	if err != nil {
		return err
	}
	n.proc = proc
	go func() {
		<-proc.Ended()
		var asked time.Time
		if at := n.asked.Swap(0); at != 0 {
			asked = time.Unix(0, at)
		}
		n.died(asked)
	}()
	return nil
}

// WaitReady waits until the process answers.
func (n *Node) WaitReady(ctx context.Context) error { return n.proc.Ready(ctx, n.ready) }

// SetProgram makes the next start run another program.
func (n *Node) SetProgram(path string) { n.cmd.Path = path }

// Do sends a request without a proxy. Its context must end.
func Do(req *http.Request) (*http.Response, error) { return direct.Do(req) } //nolint:gosec // G704: the lab chooses the address

// ready asks an API whether it is alive. A worker has no address to ask.
func (n *Node) ready(ctx context.Context) error {
	if n.Listen == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+n.Listen+"/healthz", nil)
	if err != nil {
		return err
	}
	res, err := Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s is not alive: %s", n.Name, res.Status)
	}
	return nil
}

// Kill ends the process as a crash does.
func (n *Node) Kill() error { return n.proc.Stop(syscall.SIGKILL) }

// Restart kills the process, leaves it dead for down, and starts it again.
func (n *Node) Restart(ctx context.Context, down time.Duration) error {
	if err := n.Kill(); err != nil {
		return err
	}
	if err := Pause(ctx, down); err != nil {
		return err
	}
	return n.Start(ctx)
}

// Term asks the process to end, waits for it at most limit, and reports whether it
// ended.
func (n *Node) Term(limit time.Duration) (bool, error) {
	if err := n.Signal(syscall.SIGTERM); err != nil {
		return false, err
	}
	return n.EndedWithin(limit), nil
}

// Signal sends a signal; a process that has ended already is no error.
func (n *Node) Signal(s syscall.Signal) error {
	if s == syscall.SIGTERM {
		n.asked.CompareAndSwap(0, time.Now().UnixNano())
	}
	if err := n.proc.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

// EndedWithin reports whether the process ends within d.
func (n *Node) EndedWithin(d time.Duration) bool {
	select {
	case <-n.proc.Ended():
		return true
	case <-time.After(d):
		return false
	}
}

// Alive reports whether the process runs.
func (n *Node) Alive() bool {
	select {
	case <-n.proc.Ended():
		return false
	default:
		return true
	}
}
