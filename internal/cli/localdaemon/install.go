package localdaemon

import (
	"io"

	"github.com/urfave/cli/v2"

	"chat/internal/cli/service"
)

func (p *program) install(c *cli.Context) error {
	s, err := service.ForThisSystem(p.Lookup)
	if err != nil {
		return err
	}
	if c.Bool("print") {
		_, err := io.WriteString(p.Out, s.Text)
		return err
	}
	starter, err := p.server.Starter()
	if err != nil {
		return err
	}
	if err := s.Install(c.Context, starter); err != nil {
		return err
	}
	p.Infof("the local daemon starts with your session: %s", s.Path)
	return nil
}

func (p *program) uninstall(c *cli.Context) error {
	s, err := service.ForThisSystem(p.Lookup)
	if err != nil {
		return err
	}
	installed, err := s.Uninstall(c.Context)
	switch {
	case err != nil:
		return err
	case !installed:
		p.Infof("the local daemon is not installed as a service; chat starts it when needed")
		return nil
	}
	p.Infof("removed the service of the local daemon; chat starts the daemon when needed")
	return nil
}
