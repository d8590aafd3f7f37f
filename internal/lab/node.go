package lab

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

// direct asks without a proxy; its requests have a context that ends.
var direct = &http.Client{Timeout: 30 * time.Second} //nolint:gochecknoglobals // as http.DefaultClient is, with a timeout

// Node is one chatd. It can be killed, paused and started again as it was.
type Node struct {
	Name string
	// The proxies on its way to the others; nil where there is none.
	Redis, SQL, Provider *Edge
	// Front is the clients' way to it; nil for a worker.
	Front *Edge

	listen string // host:port; "" for a worker
	clock  clock
	cmd    services.Command
	proc   *services.Process
	log    io.WriteCloser
	died   func(asked time.Time) // called at each end
	asked  atomic.Int64          // to end, in Unix nanoseconds; 0: not
}

// Start starts the process, with more environment if need be, and waits until it
// answers.
func (n *Node) Start(ctx context.Context, env ...string) error {
	if err := n.Launch(env...); err != nil {
		return err
	}
	return n.proc.Ready(ctx, n.ready)
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

// ready asks an API whether it is alive; a worker has nobody to ask.
func (n *Node) ready(ctx context.Context) error {
	if n.listen == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+n.listen+"/healthz", nil)
	if err != nil {
		return err
	}
	res, err := direct.Do(req)
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
	if err := pause(ctx, down); err != nil {
		return err
	}
	return n.Start(ctx)
}

// Term asks the process to end, waits for it at most limit, and says whether it
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

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}
