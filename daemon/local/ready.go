package local

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strconv"
	"syscall"

	"chat"
)

// readyVariable names the descriptor of the readiness pipe in the environment
// of a daemon that a Starter started.
const readyVariable = "CHAT_READY_FD"

// report is one line on the readiness pipe.
type report struct {
	Event   string    `json:"event"`
	PID     int       `json:"pid,omitempty"`
	Code    chat.Code `json:"code,omitempty"`
	Message string    `json:"message,omitempty"`
}

// The events of reports. The last one on a pipe is ready or failed.
const (
	eventWaiting = "waiting" // for the predecessor PID to end
	eventReady   = "ready"
	eventFailed  = "failed"
)

// ServeChild is Serve in a process that a Starter started. It reports its progress to the
// starter. If another process already serves the directory, it reports success, because the
// starter needs any server. Without a starter it is Serve.
func ServeChild(ctx context.Context, stop <-chan struct{}, o ServeOptions) error {
	pipe := readyPipe()
	if pipe == nil {
		return Serve(ctx, stop, o)
	}
	o.Waiting = func(pid int) { send(pipe, report{Event: eventWaiting, PID: pid}) }
	o.Ready = func(i Info) {
		send(pipe, report{Event: eventReady, PID: i.PID})
		_ = pipe.Close() // the pipe has done its work
	}
	err := Serve(ctx, stop, o)
	if errors.Is(err, ErrServed) {
		send(pipe, report{Event: eventReady})
		err = nil
	}
	if err != nil {
		e := chat.AsError(err)
		send(pipe, report{Event: eventFailed, Code: e.Code, Message: e.Message})
	}
	if e := pipe.Close(); e != nil && !errors.Is(e, os.ErrClosed) {
		err = errors.Join(err, e)
	}
	return err
}

// readyPipe takes the pipe out of the environment, so that no child of ours
// finds it there.
func readyPipe() *os.File {
	fd, err := strconv.Atoi(os.Getenv(readyVariable))
	if err != nil || fd < 3 || os.Unsetenv(readyVariable) != nil {
		return nil
	}
	syscall.CloseOnExec(fd)
	return os.NewFile(uintptr(fd), "readiness pipe")
}

// send writes one report. The server continues if its starter is gone.
func send(pipe *os.File, r report) {
	if b, err := json.Marshal(r); err == nil {
		_, _ = pipe.Write(append(b, '\n'))
	}
}
