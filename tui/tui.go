// Package tui is the interactive screen: one Bubble Tea model over a backend.Backend.
//
// The model is made of parts, each a package below with a state of its own:
// conversation, input, queue, drafting, connection, deletion, status, terminal,
// and the open list (panel). Parts do not know each other. They return commands
// and results to Model, which routes messages, lays out the screen, and says what
// the result of one part means for the others.
//
// Update does no I/O: it starts commands, and their results come back as messages
// that name the session, list or poll that they belong to. A stale result is
// dropped. The layout happens at the end of Update, only for what is in sight, and
// View joins rows that exist already. Streams reach the model at most once per
// frame.
package tui

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"chat"
	"chat/internal/term/attach"
	_ "chat/internal/term/background" // before bubbletea's own init asks the terminal
	"chat/internal/term/keyboard"
	"chat/internal/term/paint"
	"chat/tui/backend"
	"chat/tui/jobs"
	"chat/tui/plain"
	"chat/tui/terminal"
)

// Options says what to show and where. Backend, In and Out are required.
type Options struct {
	Backend backend.Backend
	// In is what keys are read from, Out the terminal that is painted.
	In, Out *os.File
	// Env is the environment as os.Environ gives it; nil means the process's own.
	Env []string
	// ConversationID is the conversation to open, "" a new one.
	ConversationID string
	// MessageID is the message to show, on whatever branch it is; "" for the newest.
	MessageID string
	// Choose opens the list of conversations first; Prompt goes to the selected one.
	Choose bool
	// Prompt is a draft as attach.Draft writes it. It is sent immediately if it is not
	// empty.
	Prompt string
	// Model answers new messages; "" is the conversation's or the server's choice.
	Model string
	// Parameters are those of the messages to the conversation that is opened first, and of
	// new conversations; nil if there are none.
	Parameters *chat.Parameters
	// ModelParameters returns the parameters that the settings have for a model; nil returns
	// nothing.
	ModelParameters func(model string) *chat.Parameters
	// Fetch gets the file at a web address that a message mentions; nil leaves it as text.
	Fetch func(ctx context.Context, url string) (name string, data []byte, err error)
	// Dir is where the paths of attached files begin; "" is the working directory.
	Dir string
	// ModelInfo returns what the settings say of a model, for the header; it counts
	// before what the provider says. nil returns nothing.
	ModelInfo func(model string) chat.ModelInfo
	// Host names the server in the header, such as "local".
	Host string
	// Plain asks for lines instead of a screen.
	Plain bool
	// Theme is auto (or empty), dark, light, ansi16 or none; see package theme.
	Theme string
	// Keys are the keys that the user has set, by the names of actions; see Actions
	// and CheckKeys.
	Keys map[string][]string
	// NoColor turns colours off, as NO_COLOR in Env does.
	NoColor bool
	// StateDir is where drafts and the history of prompts are kept; "" is
	// $XDG_STATE_HOME/chat or ~/.local/state/chat of Env. Without those, nothing is
	// kept.
	StateDir string
}

func (o Options) dirs() attach.Dirs {
	return attach.Dirs{Dir: o.Dir, Home: terminal.Lookup(o.Env, "HOME"), Fetch: o.Fetch}
}

func (o Options) draftsDir() string { return o.inState("drafts") }

func (o Options) historyFile() string { return o.inState("history") }

func (o Options) inState(name string) string {
	if o.StateDir == "" {
		return ""
	}
	return filepath.Join(o.StateDir, name)
}

// Exit is what the caller can report when the screen has ended.
type Exit struct {
	// ConversationID is the conversation that was open, "" if nothing was sent.
	ConversationID string
	// Running are the ids of the tasks that continue.
	Running []string
	// Waiting is the number of messages in the send queue; they are kept as drafts.
	Waiting int
}

// framesPerSecond bounds how often changes are painted.
const framesPerSecond = 30

// Run shows the screen until the user leaves it or ctx ends, and then restores
// the terminal. Tasks continue. The error is ctx's cause, or the terminal's.
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
		o.StateDir = terminal.StateDir(o.Env)
	}
	inner, cancel := context.WithCancel(ctx)
	runner := jobs.New(inner)
	th, ask, err := terminal.Theme(o.Theme, o.NoColor, o.Env)
	if err != nil {
		cancel()
		return Exit{}, err
	}
	m := newModel(o, runner, th, ask, time.Now)
	out := paint.New(o.Out, framesPerSecond)
	m.terminal.Out = out.Sequences()
	var program *tea.Program
	keys := &keyboard.Reader{File: o.In, Background: func(rgb [3]uint8) { program.Send(terminal.BackgroundMsg(rgb)) }}
	program = out.Program(m,
		tea.WithInput(keys),
		tea.WithEnvironment(o.Env),
		tea.WithReportFocus(),
		tea.WithFilter(filter),
		// The caller ends ctx at a signal. A second handler would send to a loop that
		// has ended, and the end would wait for it.
		tea.WithoutSignalHandler(),
	)
	// Not tea.WithContext: it leaves its keyboard reader running.
	stop := context.AfterFunc(ctx, program.Quit)
	_, err = program.Run()
	stop()
	cancel()
	runner.Wait()
	err = errors.Join(err, m.deletions.Finish(ctx), m.drafts.Close())
	exit := m.exit(ctx)
	if ctx.Err() != nil {
		return exit, context.Cause(ctx)
	}
	return exit, err
}

// runPlain shows lines instead of a screen; see package plain.
func runPlain(ctx context.Context, o Options) (Exit, error) {
	exit, err := plain.Run(ctx, plain.Options{
		Backend: o.Backend, In: o.In, Out: o.Out, ConversationID: o.ConversationID, Prompt: o.Prompt,
		Model: o.Model, Parameters: o.Parameters, Choose: o.Choose, Attach: o.dirs().Message,
	})
	return Exit{ConversationID: exit.ConversationID, Running: exit.Running}, err
}
