// Package tui is the interactive screen: one Bubble Tea model over a Backend.
//
// Update does no I/O: it starts commands, and their results come back as
// messages that say which question they answer; a result whose question is no
// longer asked is dropped. The layout happens at the end of Update, for what is
// in sight only, and View joins rows that are there already. Streams reach the
// model through follow.Hub, at most once per frame.
package tui

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"chat"
	"chat/internal/term/attach"
	_ "chat/internal/term/background" // before bubbletea's own init asks the terminal
	"chat/internal/term/keyboard"
	"chat/internal/term/paint"
	"chat/tui/plain"
)

// Options says what to show and where. Backend, In and Out are required.
type Options struct {
	Backend Backend
	// In is what keys are read from, Out the terminal that is painted.
	In, Out *os.File
	// Env is the environment as os.Environ gives it; nil means the process's own.
	Env []string
	// ConversationID is the conversation to open, "" a new one.
	ConversationID string
	// MessageID is a message of it that is to be shown, on whatever branch; "" for
	// the newest.
	MessageID string
	// Choose opens the list of conversations first; Prompt goes to the chosen one.
	Choose bool
	// Prompt is sent at once if it is not empty.
	Prompt string
	// Model answers new messages; "" is the conversation's or the server's choice.
	Model string
	// Dir is the directory that the paths of attached files begin in; Run takes the
	// process's own if it is empty.
	Dir string
	// Facts tells what is known of a model, for the header, before its provider is
	// asked; nil knows nothing.
	Facts func(model string) chat.ModelInfo
	// Host names the server in the header, such as "local".
	Host string
	// Plain asks for lines instead of a screen.
	Plain bool
	// Theme is auto (or empty), dark, light, ansi16 or none; see package theme.
	Theme string
	// Keys are other keys for actions, by their names; see Actions and CheckKeys.
	Keys map[string][]string
	// NoColor turns colours off, as NO_COLOR in Env does.
	NoColor bool
	// StateDir is where drafts and the history of prompts are kept. Run takes
	// $XDG_STATE_HOME/chat or ~/.local/state/chat of Env if it is empty; without
	// those, nothing is kept.
	StateDir string
}

func (o Options) draftsDir() string { return o.inState("drafts") }

func (o Options) historyFile() string { return o.inState("history") }

func (o Options) inState(name string) string {
	if o.StateDir == "" {
		return ""
	}
	return filepath.Join(o.StateDir, name)
}

// stateDir is the XDG state directory by the environment, "" if there is none.
func stateDir(env []string) string {
	if dir := lookup(env, "XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "chat")
	}
	if home := lookup(env, "HOME"); filepath.IsAbs(home) {
		return filepath.Join(home, ".local/state/chat")
	}
	return ""
}

// Exit is what remains to be said after the screen has gone.
type Exit struct {
	// ConversationID is the conversation that was open, "" if nothing was sent.
	ConversationID string
	// Running are the ids of the tasks that go on without us.
	Running []string
	// Waiting is the number of messages that were entered while an answer was
	// being made and have not been sent; they are kept as drafts.
	Waiting int
}

// framesPerSecond bounds how often changes are painted.
const framesPerSecond = 30

// Run shows the screen until the user leaves it or ctx ends, and then restores
// the terminal. Tasks go on. The error is ctx's cause, or the terminal's.
func Run(ctx context.Context, o Options) (Exit, error) {
	if o.Env == nil {
		o.Env = os.Environ()
	}
	if o.Dir == "" {
		dir, err := os.Getwd()
		if err != nil {
			dir = string(filepath.Separator)
		}
		o.Dir = dir
	}
	if o.Plain {
		return runPlain(ctx, o)
	}
	if o.StateDir == "" {
		o.StateDir = stateDir(o.Env)
	}
	inner, cancel := context.WithCancel(ctx)
	jobs := newJobs(inner)
	th, ask, err := themeOf(o)
	if err != nil {
		cancel()
		return Exit{}, err
	}
	m := newModel(o, jobs, th, time.Now)
	m.askBackground = ask
	out := paint.New(o.Out, framesPerSecond)
	m.terminal = out.Sequences()
	var program *tea.Program
	keys := &keyboard.Reader{File: o.In, Background: func(rgb [3]uint8) { program.Send(backgroundMsg(rgb)) }}
	program = out.Program(m,
		tea.WithInput(keys),
		tea.WithEnvironment(o.Env),
		tea.WithReportFocus(),
		tea.WithFilter(filter),
		// Who has our ctx ends it at a signal. A second handler would send to a loop
		// that has ended, and the end would wait for it.
		tea.WithoutSignalHandler(),
	)
	// Not by tea.WithContext: that leaves its reader of the keyboard behind.
	stop := context.AfterFunc(ctx, program.Quit)
	_, err = program.Run()
	stop()
	cancel()
	jobs.wait()
	err = errors.Join(err, m.finishRemovals(ctx), m.draft.store.Close())
	exit := m.exit(ctx)
	if ctx.Err() != nil {
		return exit, context.Cause(ctx)
	}
	return exit, err
}

// runPlain talks in lines; see package plain.
func runPlain(ctx context.Context, o Options) (Exit, error) {
	exit, err := plain.Run(ctx, plain.Options{
		Backend: o.Backend, In: o.In, Out: o.Out, ConversationID: o.ConversationID, Prompt: o.Prompt,
		Model: o.Model, Choose: o.Choose, Attach: attach.Place{Dir: o.Dir, Home: lookup(o.Env, "HOME")}.Message,
	})
	return Exit{ConversationID: exit.ConversationID, Running: exit.Running}, err
}

// lookup returns the value of an environment variable.
func lookup(env []string, name string) string {
	for _, kv := range env {
		if k, v, ok := strings.Cut(kv, "="); ok && k == name {
			return v
		}
	}
	return ""
}
