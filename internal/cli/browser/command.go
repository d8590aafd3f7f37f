package browser

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"chat"
	"chat/daemon/client"
	"chat/internal/cli/arguments"
	"chat/internal/cli/output"
)

// page is the command `chat web`.
type page struct {
	*output.Console
	withClient WithClient
}

// WithClient calls use with a client of the server that the flags of a command name.
type WithClient func(c *cli.Context, use func(ctx context.Context, cl *client.Client) error) error

// Command returns the command `chat web`.
func Command(con *output.Console, with WithClient) *cli.Command {
	p := &page{con, with}
	return &cli.Command{
		Name: "web", Usage: "open the conversations in a browser, or on a phone", ArgsUsage: arguments.NoArguments,
		Description: `Opens the page of the local daemon in your browser, signed in. For this the daemon listens on a
port of 127.0.0.1 until it ends. The address can be used once, within two minutes.

--qr prints a code for the camera of a phone in the same network. For this the daemon listens on
the address of this machine in that network, without encryption: use it only in a network whose
members you trust. ` + "`chat daemon restart`" + ` ends it.

With --host or CHAT_HOST it opens the page of that server, which asks for the token.

Examples:
  chat web
  chat web --print
  chat web --qr`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "print", Usage: "print the address and open nothing", DisableDefaultText: true},
			&cli.BoolFlag{Name: "qr", Usage: "print a code for a phone in the same network", DisableDefaultText: true},
			&cli.StringFlag{Name: "address", Usage: "with --qr: the `IP` address of this machine to listen on (default: the address that leads to other networks)"},
		},
		Action: p.open,
	}
}

func (p *page) open(c *cli.Context) error {
	if c.IsSet("address") && !c.Bool("qr") {
		return chat.Errorf(chat.CodeInvalid, "--address is for a phone: pass --qr too")
	}
	if host := cmp.Or(c.String("host"), p.Env("CHAT_HOST")); strings.HasPrefix(host, "http://") || strings.HasPrefix(host, "https://") {
		return p.show(c, strings.TrimSuffix(host, "/")+"/")
	}
	if c.Bool("no-daemon") {
		return chat.Errorf(chat.CodeInvalid, "--no-daemon does not apply to `chat web`: the page needs a daemon that goes on")
	}
	address := ""
	if c.Bool("qr") {
		var err error
		if address = c.String("address"); address == "" {
			if address, err = LocalAddress(c.Context); err != nil {
				return err
			}
		}
	}
	return p.withClient(c, func(ctx context.Context, cl *client.Client) error {
		url, err := cl.OpenWeb(ctx, address)
		if err != nil {
			return err
		}
		if address != "" {
			at, _, _ := strings.Cut(strings.TrimPrefix(url, "http://"), "/")
			p.Warnf("the daemon listens on %s now, for every device in that network and without encryption, until it ends (`chat daemon restart`)", at)
		}
		return p.show(c, url)
	})
}

// showPage prints an address, and shows it as the flags say.
func (p *page) show(c *cli.Context, url string) error {
	if c.Bool("qr") {
		code, err := Code(url, p.Colors(p.Out.Fd()) == output.FullColor)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprint(p.Out, code); err != nil {
			return err
		}
	}
	if _, err := fmt.Fprintln(p.Out, url); err != nil || c.Bool("print") || c.Bool("qr") {
		return err
	}
	if err := Open(c.Context, url, p.Env); err != nil {
		p.Infof("%s", err)
	}
	return nil
}
