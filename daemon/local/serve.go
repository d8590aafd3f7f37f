// Package local starts, finds and stops the local daemon: one process for each data
// directory, which clients find by its daemon.json.
//
// A RunFunc is the server itself. The server's side is Serve (in the foreground), ServeChild
// (started by a Starter) and InProcess (inside a client). The client's side is Starter.
//
// The process that holds daemon.lock owns the database, the path of the socket and
// daemon.json. It takes the lock before it uses any of them, and releases it last.
package local

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"chat"
	"chat/daemon/client"
)

// RunFunc is the server. It serves l and calls ready when it does. It returns when stop is
// closed and it has drained, when it was idle for long enough, or immediately when ctx ends.
// It must close l before it returns.
type RunFunc func(ctx context.Context, stop <-chan struct{}, l net.Listener, ready func()) error

// ServeOptions describe a server.
type ServeOptions struct {
	Paths    Paths
	Run      RunFunc
	Protocol client.Range
	Version  string
	Instance string
	// LockWait is how long to wait for a predecessor that is ending.
	LockWait time.Duration
	// InProcess marks a server that ends with its client.
	InProcess bool
	// Ready, if set, is called when clients can find the server.
	Ready func(Info)
	// Waiting, if set, is called once if Serve has to wait for a predecessor.
	Waiting func(pid int)
}

// ErrServed is the cause of Serve's error when another process serves the data
// directory already.
var ErrServed = errors.New("served by another process")

// Serve takes the data directory, binds its socket and runs the server until
// that ends. Closing stop drains it; cancelling ctx ends it immediately.
func Serve(ctx context.Context, stop <-chan struct{}, o ServeOptions) (err error) {
	if err := o.Paths.checkPrivate(func(string, ...any) {}); err != nil { // its client has said so
		return err
	}
	if err := makeDir(o.Paths.Data, "XDG_DATA_HOME"); err != nil {
		return err
	}
	if err := makeDir(o.Paths.State, "XDG_STATE_HOME"); err != nil {
		return err
	}
	held, err := acquireLock(ctx, stop, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, held.release()) }()
	if old, err := readInfo(o.Paths); err == nil {
		if err := removeSocket(old.Socket); err != nil {
			return dirError(old.Socket, "XDG_RUNTIME_DIR", err)
		}
	}
	l, path, err := listen(ctx, o.Paths)
	if err != nil {
		return err
	}
	info := Info{
		PID: os.Getpid(), StartedAt: time.Now().UTC(), Socket: path,
		Protocol: o.Protocol, Version: o.Version, Instance: o.Instance, InProcess: o.InProcess,
		Environment: fingerprints(os.LookupEnv, o.Instance),
	}
	err = run(ctx, stop, o, l, info)
	return errors.Join(err, leave(o.Paths, held, l, info))
}

// acquireLock takes the lock. It waits for a predecessor that is ending.
func acquireLock(ctx context.Context, stop <-chan struct{}, o ServeOptions) (*lock, error) {
	deadline := time.Now().Add(o.LockWait)
	notified := false
	for {
		l, pid, err := tryLock(o.Paths.lockFile())
		if !errors.Is(err, errHeld) {
			return l, err
		}
		if i, ok := answers(ctx, o.Paths); ok {
			return nil, &chat.Error{Code: chat.CodeDaemon, Cause: ErrServed, Message: servedSentence(o.Paths, i)}
		}
		if !time.Now().Before(deadline) {
			return nil, chat.Errorf(chat.CodeDaemon,
				"%s is in use by %s, which does not answer: wait for it to end, or end it with `chat daemon stop`", o.Paths.Data, process(pid))
		}
		if o.Waiting != nil && !notified {
			o.Waiting(pid)
			notified = true
		}
		select {
		case <-stop:
			return nil, chat.Errorf(chat.CodeDaemon, "stopped while waiting for %s to end", process(pid))
		default:
		}
		if err := pause(ctx); err != nil {
			return nil, err
		}
	}
}

func process(pid int) string {
	if pid == 0 {
		return "another process"
	}
	return fmt.Sprintf("process %d", pid)
}

func servedSentence(p Paths, i Info) string {
	if i.InProcess {
		return fmt.Sprintf("%s is in use by a chat that runs without a daemon (process %d): wait for it to end", p.Data, i.PID)
	}
	return fmt.Sprintf("%s is served by the daemon that runs as process %d already: use it, or end it with `chat daemon stop`", p.Data, i.PID)
}

// answers reports whether the server that daemon.json names accepts work.
func answers(ctx context.Context, p Paths) (Info, bool) {
	i, err := readInfo(p)
	if err != nil {
		return Info{}, false
	}
	h, err := hello(ctx, i, time.Second)
	return i, err == nil && h.State == client.StateReady
}

// run runs the server and announces it once it is ready.
func run(ctx context.Context, stop <-chan struct{}, o ServeOptions, l net.Listener, info Info) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var unannounced error
	err := o.Run(ctx, stop, l, func() {
		if err := writeInfo(o.Paths, info); err != nil {
			unannounced = err
			cancel(err)
			return
		}
		if o.Ready != nil {
			o.Ready(info)
		}
	})
	if unannounced != nil {
		return unannounced // the error of Run only reports the cancellation
	}
	return err
}

// leave removes the socket and daemon.json, unless another process owns the data directory
// by now.
func leave(p Paths, held *lock, l net.Listener, info Info) error {
	err := l.Close()
	if errors.Is(err, net.ErrClosed) {
		err = nil // the server has closed it, as http.Server does
	}
	if !held.current() {
		return err
	}
	if now, e := readInfo(p); e == nil && now.Instance == info.Instance {
		if e := os.Remove(p.infoFile()); !errors.Is(e, os.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	return errors.Join(err, removeSocket(info.Socket))
}
