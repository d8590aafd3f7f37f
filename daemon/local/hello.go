package local

import (
	"context"
	"errors"
	"io/fs"
	"syscall"
	"time"

	"chat"
	"chat/daemon/client"
)

// hello calls the server that daemon.json names.
func hello(ctx context.Context, i Info, limit time.Duration) (client.Hello, error) {
	c := client.New(client.At(i.Endpoint()), client.Options{CallTimeout: limit})
	defer c.Close()
	return c.Hello(ctx)
}

// condition is the state of the server that daemon.json names.
type condition int

const (
	absent   condition = iota // no daemon runs: start one
	ready                     // it answers and accepts work
	ending                    // it answers and accepts no more work
	busy                      // a daemon runs and does not answer in time; it may still be alive
	leaving                   // it closed the connection: check again
	refusing                  // it answers with an error
)

// checkServer returns the condition of the server. The error is set for busy, leaving and
// refusing, and if daemon.json cannot be read.
func checkServer(ctx context.Context, p Paths, limit time.Duration) (condition, Info, client.Hello, error) {
	i, err := readInfo(p)
	if errors.Is(err, errNoInfo) {
		return absent, Info{}, client.Hello{}, nil
	}
	if err != nil {
		return refusing, Info{}, client.Hello{}, err
	}
	h, err := hello(ctx, i, limit)
	switch {
	case err == nil && h.State == client.StateReady:
		return ready, i, h, nil
	case err == nil:
		return ending, i, h, nil
	case ctx.Err() != nil:
		return refusing, i, h, context.Cause(ctx)
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, fs.ErrNotExist):
		return absent, i, h, nil
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, syscall.EAGAIN):
		return busy, i, h, err
	case chat.IsCode(err, chat.CodeDaemon) && !errors.Is(err, fs.ErrPermission):
		return leaving, i, h, err
	}
	return refusing, i, h, err
}
