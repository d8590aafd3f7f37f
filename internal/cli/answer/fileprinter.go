package answer

import (
	"bytes"

	"chat"
	"chat/internal/cli/exit"
	"chat/internal/cli/output"
)

// filePrinter writes the output of another presenter to a file when the answer is
// complete.
type filePrinter struct {
	Presenter
	p    *output.Console
	text *bytes.Buffer
	file *output.Target
}

func (s *filePrinter) end(a *answer) error {
	if err := s.Presenter.end(a); err != nil {
		return err
	}
	if a.ExitCode() != exit.OK {
		verb := "written"
		if s.file.Exists() {
			verb = "changed"
		}
		s.p.Warnf("%s was not %s: the answer is not complete", s.file.Name, verb)
		return nil
	}
	if len(bytes.TrimSpace(s.text.Bytes())) == 0 {
		return chat.Errorf(chat.CodeNotFound, "%s was not written: the answer has no such text", s.file.Name)
	}
	if err := s.file.Write(s.text.Bytes()); err != nil {
		return err
	}
	s.p.Infof("wrote %s (%s)", s.file.Name, output.Plural(s.text.Len(), "byte"))
	return nil
}

// usagePrinter writes the token usage to stderr after the answer has ended.
type usagePrinter struct {
	Presenter
	p *output.Console
}

func (c *usagePrinter) end(a *answer) error {
	if err := c.Presenter.end(a); err != nil {
		return err
	}
	switch {
	case a.usage != nil:
		c.p.Warnf("%s", output.Tokens(*a.usage))
	case a.ended:
		c.p.Warnf("the provider did not report the number of tokens")
	}
	return nil
}
