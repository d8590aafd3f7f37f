// Package top is the live view of a server: the queue, the running answers and
// their speed, recent failures, the workers, Redis. It polls about once a second,
// with one call each time, and repaints what has changed.
package top

import (
	"context"
	"os"
	"sync"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"chat/internal/report"
	_ "chat/internal/term/background" // before bubbletea's own init asks the terminal
	"chat/internal/term/keyboard"
	"chat/internal/term/paint"
	"chat/internal/term/theme"
)

// Source is the server.
type Source interface {
	Stats(ctx context.Context) (report.Stats, error)
	// Stop stops a task, and reports whether it was still running.
	Stop(ctx context.Context, taskID string) (bool, error)
}

// Options configures the view; Source, In and Out are required.
type Options struct {
	Source  Source
	In, Out *os.File
	Env     []string
	Host    string // names the server, such as "local"
	Theme   string
	// NoColor turns colours off.
	NoColor bool
	// Every is the pause between two polls; 0 is a second.
	Every time.Duration
}

// callTimeout limits one poll of the server, and one stop.
const callTimeout = 5 * time.Second

// framesPerSecond is enough for changes once a second, and for keys.
const framesPerSecond = 20

// Run shows the view until the user leaves it or ctx ends. It returns the id of the
// conversation to open, "" for none.
func Run(ctx context.Context, o Options) (conversation string, err error) {
	name := o.Theme
	if o.NoColor {
		name = theme.None
	}
	th, err := theme.Named(name)
	if err != nil {
		return "", err
	}
	inner, cancel := context.WithCancel(ctx)
	m := newModel(inner, o, th)
	program := paint.New(o.Out, framesPerSecond).Program(m,
		tea.WithInput(&keyboard.Reader{File: o.In}), tea.WithEnvironment(o.Env),
		tea.WithoutSignalHandler()) // ctx ends at a signal; two would wait for each other
	// Not tea.WithContext: it leaves its keyboard reader running.
	stop := context.AfterFunc(ctx, program.Quit)
	_, err = program.Run()
	stop()
	cancel()
	m.jobs.wait()
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	return m.toOpen, err
}

// jobs are the running commands. Run waits for them before it returns.
type jobs struct {
	mu     sync.Mutex
	closed bool
	group  sync.WaitGroup
}

func (j *jobs) enter() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.closed {
		j.group.Add(1)
	}
	return !j.closed
}

func (j *jobs) wait() {
	j.mu.Lock()
	j.closed = true
	j.mu.Unlock()
	j.group.Wait()
}
