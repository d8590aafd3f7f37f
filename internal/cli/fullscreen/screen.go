// Package fullscreen opens the screen and the view of chat top on a terminal, and adapts the
// client to them.
package fullscreen

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/charmbracelet/x/term"

	"chat"
	"chat/daemon/client"
	"chat/internal/cli/answer"
	"chat/internal/cli/arguments"
	"chat/internal/cli/ids"
	"chat/internal/cli/output"
	"chat/internal/cli/settings"
	"chat/internal/report"
	"chat/tui"
	"chat/tui/top"
)

// environ returns the variables that affect how a screen is drawn.
func (p *Screen) environ() []string {
	var env []string
	for _, name := range []string{"TERM", "COLORTERM", "NO_COLOR"} {
		if v, ok := p.Lookup(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// HostName returns the name of the server for the screen. It fails if the server cannot
// be reached, before the screen opens.
func HostName(ctx context.Context, cl *client.Client) (string, error) {
	e, err := cl.Endpoint(ctx)
	switch {
	case err != nil:
		return "", err
	case e.Network == "unix":
		return "local", nil
	}
	return e.String(), nil
}

// topSource adapts the client to the view of chat top.
type topSource struct{ cl *client.Client }

func (s topSource) Stats(ctx context.Context) (report.Stats, error) { return s.cl.Stats(ctx) }

func (s topSource) Stop(ctx context.Context, taskID string) (bool, error) {
	done, err := s.cl.Cancel(ctx, taskID)
	return done.Won, err
}

// Screen opens the screen and the view of chat top.
type Screen struct{ *output.Console }

// New returns the screen of one run.
func New(con *output.Console) *Screen { return &Screen{con} }

// Open opens the screen. Its messages have the model, the parameters and the priority of s.
// It reports errors of the setup before the screen opens.
func (p *Screen) Open(ctx context.Context, cl *client.Client, s answer.Submission, o tui.Options) error {
	host, err := HostName(ctx, cl)
	if err != nil {
		return err
	}
	config, err := settings.ReadScreen(p.Lookup)
	if err != nil {
		return err
	}
	defaults, err := settings.ReadFailover(p.Lookup)
	if err != nil {
		return err
	}
	o.In, o.Out, o.Host, o.NoColor = p.terminal(), p.Out, host, p.Colors(p.Out.Fd()) != output.FullColor
	o.Backend, o.Model, o.Parameters = NewBackend(cl, s, defaults), s.Model, s.Parameters
	o.Theme, o.Keys, o.ModelInfo = config.Theme, config.Keys, config.Models.Info
	o.ModelParameters = config.Models.Parameters
	quiet := p.Quiet
	p.Quiet = true // a notice would corrupt the screen, which shows the connection itself
	left, err := tui.Run(ctx, o)
	p.Quiet = quiet
	p.printExit(left)
	return err
}

// PlainUI reports whether the terminal needs plain lines instead of the screen.
func (p *Screen) PlainUI() bool {
	accessible := p.Env("ACCESSIBLE")
	return p.Env("TERM") == "" || p.Env("TERM") == "dumb" || accessible != "" && accessible != "0"
}

// terminal returns the file to read keys from: stdin, or the terminal of stdout if stdin
// is piped.
func (p *Screen) terminal() *os.File {
	if term.IsTerminal(p.In.Fd()) {
		return p.In
	}
	return p.Out
}

// ChooseConversation returns the id of the conversation to open, "" for a new one, and
// whether the screen starts with the list of conversations.
func (p *Screen) ChooseConversation(ctx context.Context, cl *client.Client, ref string, plain bool) (id string, choose bool, err error) {
	switch {
	case ref == "":
		return "", false, nil
	case ref == arguments.Pick && plain:
		id, err = p.pick(ctx, cl)
		return id, false, err
	case ref == arguments.Pick:
		list, _, err := cl.Conversations(ctx, chat.ConversationQuery{Limit: 1})
		if err == nil && len(list) == 0 {
			err = ids.NoConversationYet()
		}
		return "", true, err
	}
	conv, err := ids.FindConversation(ctx, cl, ref)
	return conv.ID, false, err
}

// maxPicked is the number of conversations to choose from.
const maxPicked = 20

// pick lists the newest conversations and asks for the number of one.
func (p *Screen) pick(ctx context.Context, cl *client.Client) (string, error) {
	list, _, err := cl.Conversations(ctx, chat.ConversationQuery{Limit: maxPicked})
	if err != nil {
		return "", err
	}
	if len(list) == 0 {
		return "", ids.NoConversationYet()
	}
	var rows [][]string
	for i, conv := range list {
		rows = append(rows, []string{strconv.Itoa(i + 1), output.Age(conv.UpdatedAt), conv.Title})
	}
	if err := output.WriteTable(p.Err, []output.Column{{}, {DropOrder: 1}, {MinWidth: 16}}, rows); err != nil {
		return "", err
	}
	fmt.Fprint(p.Err, "number: ")
	line, err := bufio.NewReader(io.LimitReader(p.In, 64)).ReadString('\n')
	n, nerr := strconv.Atoi(strings.TrimSpace(line))
	if err != nil || nerr != nil || n < 1 || n > len(list) {
		return "", chat.Errorf(chat.CodeInvalid, "no such number")
	}
	return list[n-1].ID, nil
}

// printExit prints how to return to the conversation and its tasks.
func (p *Screen) printExit(left tui.Exit) {
	var parts []string
	if left.ConversationID != "" {
		parts = append(parts, "Continue: chat -r "+ids.Short(left.ConversationID))
	}
	switch n := len(left.Running); {
	case n == 1:
		parts = append(parts, "1 task still running: chat attach "+ids.Short(left.Running[0]))
	case n > 1:
		parts = append(parts, fmt.Sprintf("%d tasks still running: chat ps", n))
	}
	switch n := left.Waiting; {
	case n == 1:
		parts = append(parts, "1 message was not sent: it is saved as the draft")
	case n > 1:
		parts = append(parts, fmt.Sprintf("%d messages were not sent: they are saved as the draft", n))
	}
	if len(parts) > 0 {
		fmt.Fprintln(p.Err, strings.Join(parts, "   "))
	}
}

// OpenTop opens the view of chat top. It returns the conversation that the user selects,
// or "".
func (p *Screen) OpenTop(ctx context.Context, cl *client.Client) (conversation string, err error) {
	host, err := HostName(ctx, cl)
	if err != nil {
		return "", err
	}
	config, err := settings.ReadScreen(p.Lookup)
	if err != nil {
		return "", err
	}
	quiet := p.Quiet
	p.Quiet = true // a notice would corrupt the screen
	defer func() { p.Quiet = quiet }()
	return top.Run(ctx, top.Options{
		Source: topSource{cl}, In: p.terminal(), Out: p.Out, Env: p.environ(), Host: host, Theme: config.Theme, NoColor: p.Colors(p.Out.Fd()) != output.FullColor,
	})
}
