package main

import (
	"context"
	"fmt"
	"time"

	"github.com/charmbracelet/x/term"
	"github.com/urfave/cli/v2"

	"chat"
	"chat/daemon/client"
	"chat/tui"
	"chat/tui/top"
)

func (p *program) topCommand() *cli.Command {
	return &cli.Command{
		Name: "top", Usage: "watch the queue, the workers and the running answers", ArgsUsage: noArguments,
		Description: `A live view: what waits, what is being made and how quickly, what failed lately, the
workers, Redis. j and k choose, enter opens the conversation, s stops an answer, q leaves, ?
lists the keys. Without a terminal, and with --once or --json, it prints one snapshot.

tok/s counts the pieces in which the provider sends an answer; most send a token at a time.
A snapshot takes a second while answers are running, since a pace needs two looks.

Examples:
  chat top
  chat top --json | jq '.answers[] | {title, tokens_per_second}'`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "once", Usage: "print one snapshot and leave", DisableDefaultText: true},
			jsonFlag("one snapshot"),
		},
		Action: p.top,
	}
}

func (p *program) top(c *cli.Context) error {
	if c.Bool("json") || c.Bool("once") || p.plainUI() || !term.IsTerminal(p.out.Fd()) {
		return p.withClient(c, func(ctx context.Context, cl *client.Client) error { return p.snapshot(ctx, c, cl) })
	}
	return p.withClient(c, func(ctx context.Context, cl *client.Client) error {
		host, err := hostName(ctx, cl)
		if err != nil {
			return err
		}
		settings, err := p.screenConfig()
		if err != nil {
			return err
		}
		noColor := p.colors(p.out.Fd()) != fullColor
		p.quiet = true // a notice would tear the screen
		conversation, err := top.Run(ctx, top.Options{
			Source: topSource{cl}, In: p.terminal(), Out: p.out, Env: p.environ(), Host: host, Theme: settings.theme, NoColor: noColor,
		})
		p.quiet = c.Bool("quiet")
		if err != nil || conversation == "" {
			return err
		}
		return p.openScreen(ctx, c, cl, tui.Options{Backend: &backend{cl: cl}, ConversationID: conversation})
	})
}

// environ are the variables that a screen is drawn by.
func (p *program) environ() []string {
	var env []string
	for _, name := range []string{"TERM", "COLORTERM", "NO_COLOR"} {
		if v, ok := p.lookup(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// hostName is what the server is called on a screen. That it cannot be reached is
// said before there is one.
func hostName(ctx context.Context, cl *client.Client) (string, error) {
	e, err := cl.Endpoint(ctx)
	switch {
	case err != nil:
		return "", err
	case e.Network == "unix":
		return "local", nil
	}
	return e.String(), nil
}

// betweenLooks is the pause between the two looks that a pace is measured by.
const betweenLooks = time.Second

// snapshot prints how things stand. It looks twice if something runs.
func (p *program) snapshot(ctx context.Context, c *cli.Context, cl *client.Client) error {
	var meter top.Meter
	st, err := cl.Stats(ctx)
	if err != nil {
		return err
	}
	meter.See(st)
	if len(st.Answers) > 0 {
		pause := time.NewTimer(betweenLooks)
		defer pause.Stop()
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-pause.C:
		}
		if st, err = cl.Stats(ctx); err != nil {
			return err
		}
		meter.See(st)
	}
	if c.Bool("json") {
		return writeJSON(p.out, measuredStats(st, &meter))
	}
	host, err := hostName(ctx, cl)
	if err != nil {
		return err
	}
	width := 120
	if w, _, err := term.GetSize(p.out.Fd()); err == nil && w > 0 {
		width = w
	}
	for _, row := range top.Snapshot(st, &meter, host, width) {
		if _, err := fmt.Fprintln(p.out, row); err != nil {
			return err
		}
	}
	return nil
}

// measuredAnswer is an answer with its pace; nil: it was seen once only.
type measuredAnswer struct {
	chat.RunningAnswer
	TokensPerSecond *float64 `json:"tokens_per_second"`
}

type measured struct {
	chat.Stats
	Answers []measuredAnswer `json:"answers"`
}

func measuredStats(st chat.Stats, m *top.Meter) measured {
	out := measured{Stats: st, Answers: []measuredAnswer{}}
	for _, a := range st.Answers {
		answer := measuredAnswer{RunningAnswer: a}
		if rate, ok := m.Rate(a.TaskID); ok {
			answer.TokensPerSecond = &rate
		}
		out.Answers = append(out.Answers, answer)
	}
	return out
}

// topSource is the daemon, as the view wants it.
type topSource struct{ cl *client.Client }

func (s topSource) Stats(ctx context.Context) (chat.Stats, error) { return s.cl.Stats(ctx) }

func (s topSource) Stop(ctx context.Context, taskID string) (bool, error) {
	done, err := s.cl.Cancel(ctx, taskID)
	return done.Won, err
}
