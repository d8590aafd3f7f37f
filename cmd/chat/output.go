package main

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/uuid"
	"github.com/urfave/cli/v2"

	"chat"
)

// target is a file that an answer goes to, whole or not at all.
type target struct {
	name string      // as it was given
	path string      // of the file itself, whatever links lead to it
	mode fs.FileMode // of the file that is there, 0 if there is none
	// direct says that it is a device or a pipe: written to, never replaced.
	direct bool
}

// findTarget finds out whether a file can be written, before an answer is asked for.
func findTarget(name string) (*target, error) {
	t := &target{name: name, path: name}
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, err := os.Lstat(name); err == nil {
			return nil, chat.Errorf(chat.CodeInvalid, "cannot write %s: it is a link to a file that does not exist", name)
		}
	case err != nil:
		return nil, t.failed(err)
	case info.IsDir():
		return nil, chat.Errorf(chat.CodeInvalid, "cannot write %s: it is a directory; name a file in it", name)
	case !info.Mode().IsRegular():
		t.direct = true
		return t, nil
	default:
		t.mode = info.Mode().Perm()
		if t.path, err = filepath.EvalSymlinks(name); err != nil {
			return nil, t.failed(err)
		}
	}
	probe, err := t.create()
	if err != nil {
		return nil, t.failed(err)
	}
	if err := errors.Join(probe.Close(), os.Remove(probe.Name())); err != nil {
		return nil, t.failed(err)
	}
	return t, nil
}

func (t *target) failed(err error) error {
	if inner := (*fs.PathError)(nil); errors.As(err, &inner) {
		err = inner.Err
	}
	return chat.Errorf(chat.CodeInvalid, "cannot write %s: %w", t.name, err)
}

// create makes the file that will take the other one's place, with the
// permissions that a new file has here.
func (t *target) create() (*os.File, error) {
	dir, base := filepath.Split(t.path)
	return os.OpenFile(filepath.Join(dir, "."+base+".chat-"+uuid.NewString()[:8]), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666) //nolint:gosec // less the umask, as for any file that a user names
}

// write puts data in the file's place, in one step.
func (t *target) write(data []byte) error {
	if t.direct {
		f, err := os.OpenFile(t.path, os.O_WRONLY, 0)
		if err != nil {
			return t.failed(err)
		}
		_, err = f.Write(data)
		return errors.Join(err, f.Close())
	}
	f, err := t.create()
	if err != nil {
		return t.failed(err)
	}
	if t.mode != 0 {
		err = f.Chmod(t.mode)
	}
	if err == nil {
		_, err = f.Write(data)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), t.path)
	}
	if err != nil {
		return t.failed(errors.Join(err, os.Remove(f.Name())))
	}
	return nil
}

// filePrinter writes what another presenter would write to stdout into a file, once the
// answer is complete.
type filePrinter struct {
	presenter
	p    *program
	text *bytes.Buffer
	file *target
}

func (s *filePrinter) end(a *answer) error {
	if err := s.presenter.end(a); err != nil {
		return err
	}
	if a.code() != exitOK {
		left := "was not written"
		if s.file.mode != 0 {
			left = "is as it was"
		}
		s.p.warnf("%s %s: it takes complete answers only", s.file.name, left)
		return nil
	}
	if len(bytes.TrimSpace(s.text.Bytes())) == 0 {
		return chat.Errorf(chat.CodeNotFound, "%s was not written: there is nothing of that kind in the answer", s.file.name)
	}
	if err := s.file.write(s.text.Bytes()); err != nil {
		return err
	}
	s.p.infof("wrote %s (%s)", s.file.name, plural(s.text.Len(), "byte"))
	return nil
}

// usagePrinter writes the token usage to stderr after the answer has ended.
type usagePrinter struct {
	presenter
	p *program
}

func (c *usagePrinter) end(a *answer) error {
	if err := c.presenter.end(a); err != nil {
		return err
	}
	switch {
	case a.usage != nil:
		c.p.warnf("%d tokens: %d of the prompt, %d of the answer", a.usage.TotalTokens, a.usage.PromptTokens, a.usage.CompletionTokens)
	case a.ended:
		c.p.warnf("the provider has not told how many tokens it was")
	}
	return nil
}

// buffered is the very text and a newline, as exact is, in memory.
func buffered(b *bytes.Buffer) *replaySafeSink {
	return &replaySafeSink{w: b, rewind: func() error { b.Reset(); return nil }}
}

// sendOnly are the flags that mean nothing to the screen.
func sendOnly() []string {
	return []string{"output", "usage", "raw", "no-stream", "reasoning", "timeout", "idempotency-key"}
}

// rootOrSend is chat alone. For those who say how the answer is to be written, or
// how long it may take, it is chat send.
func (p *program) rootOrSend(c *cli.Context) error {
	for _, name := range sendOnly() {
		switch {
		case !c.IsSet(name):
		case c.IsSet("resume"):
			return chat.Errorf(chat.CodeInvalid, "-r opens the screen, to which --%s means nothing: chat send -C ID continues a conversation", name)
		case c.Bool("plain-ui"):
			return chat.Errorf(chat.CodeInvalid, "--plain-ui opens a conversation, to which --%s means nothing: leave one of them out", name)
		default:
			return p.send(c)
		}
	}
	return p.root(c)
}
