package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"

	"github.com/charmbracelet/x/term"
	"github.com/urfave/cli/v2"

	"chat"
	"chat/internal/term/attach"
	"chat/internal/term/charset"
)

// stdinNotice is how long stdin may be silent before we say that we wait for it.
const stdinNotice = time.Second

// prompt puts the message together: the words of the command line, the files,
// and stdin, which is the prompt if there are no words, and attached otherwise.
func (p *program) prompt(c *cli.Context) (string, error) {
	words := c.Args().Slice()
	files := c.StringSlice("file")
	asPrompt := len(words) == 1 && words[0] == "-"
	asFile := false
	for _, f := range files {
		asFile = asFile || f == "-"
	}
	switch {
	case asPrompt && asFile:
		return "", chat.Errorf(chat.CodeInvalid, "stdin cannot be both the prompt and a file")
	case (asPrompt || asFile) && c.Bool("no-stdin"):
		return "", chat.Errorf(chat.CodeInvalid, "- means stdin, which --no-stdin forbids")
	}
	text := strings.Join(words, " ")
	var piped []byte
	if asPrompt || asFile || (!c.Bool("no-stdin") && p.stdinIsGiven()) {
		var err error
		if piped, err = p.readStdin(c.Context, strings.TrimSpace(text) != "" && !asPrompt && !asFile); err != nil {
			return "", err
		}
	}
	if (asPrompt || strings.TrimSpace(text) == "" && !asFile) && chat.ImageType(piped) == "" {
		var err error
		if text, err = attach.Text(attach.Stdin, piped); err != nil {
			return "", err
		}
		piped = nil
	}
	if asPrompt && len(piped) > 0 {
		text = ""
	}
	parts := []string{strings.TrimRight(text, "\n")}
	for _, f := range files {
		var block string
		var err error
		if f == "-" {
			block, err = attach.Bytes(attach.Stdin, attach.Stdin, piped)
			piped = nil
		} else {
			block, err = attach.Read(f, f)
		}
		if err != nil {
			return "", err
		}
		parts = append(parts, block)
	}
	if len(piped) > 0 {
		block, err := attach.Bytes(attach.Stdin, attach.Stdin, piped)
		if err != nil {
			return "", err
		}
		parts = append(parts, block)
	}
	if strings.TrimSpace(parts[0]) == "" {
		parts = parts[1:]
	}
	return checkPrompt(strings.Join(parts, "\n\n"))
}

func checkPrompt(text string) (string, error) {
	if strings.TrimSpace(text) == "" {
		return "", chat.Errorf(chat.CodeInvalid, "there is nothing to send: give a prompt, as in chat send \"Why is the sky blue?\", or pipe one in")
	}
	if n := len(chat.WithoutImages(text)); n > attach.MaxMessage {
		return "", chat.Errorf(chat.CodeTooLarge, "the prompt has %d KiB, and a message at most %d", n>>10, attach.MaxMessage>>10)
	}
	if err := checkUTF8("the prompt", text); err != nil {
		return "", err
	}
	return text, chat.CheckImages(text)
}

// checkUTF8 refuses a text of the command line that is in another encoding: what is
// stored would not be what was written.
func checkUTF8(what, text string) error {
	if utf8.ValidString(text) && !strings.Contains(text, "\x00") {
		return nil
	}
	_, err := charset.Decode([]byte(text))
	if p := (*charset.DecodeError)(nil); errors.As(err, &p) {
		return chat.Errorf(chat.CodeInvalid, "%s", p.Sentence(what, ""))
	}
	return chat.Errorf(chat.CodeInvalid, "%s is not a text in UTF-8", what)
}

// The marks around the files of a message; see package attach.
const (
	attachmentOpen  = "<file name="
	attachmentClose = "</file>"
)

func fileError(path string, err error) error {
	if inner := (*fs.PathError)(nil); errors.As(err, &inner) {
		err = inner.Err
	}
	return chat.Errorf(chat.CodeInvalid, "cannot read %s: %w", path, err)
}

// stdinIsGiven reports whether stdin may hold something: a pipe, a socket or a
// file, but not a terminal, /dev/null, or a descriptor that is closed.
func (p *program) stdinIsGiven() bool {
	if p.in == nil || term.IsTerminal(p.in.Fd()) {
		return false
	}
	i, err := p.in.Stat()
	return err == nil && i.Mode()&fs.ModeCharDevice == 0 && !i.IsDir()
}

type readResult struct {
	data []byte
	err  error
}

// readStdin reads all of stdin. A pipe that stays silent is announced, because it
// may be one that nobody will ever close.
func (p *program) readStdin(ctx context.Context, optional bool) ([]byte, error) {
	read := make(chan readResult, 1)
	first := make(chan struct{})
	// A read of a terminal or a foreign pipe cannot be called back, so this
	// goroutine may outlast us; it ends with stdin or with the process.
	go func() {
		b, err := io.ReadAll(io.LimitReader(&noticing{r: p.in, first: first}, chat.MaxImage+1))
		read <- readResult{b, err}
	}()
	notice := time.NewTimer(stdinNotice)
	defer notice.Stop()
	if term.IsTerminal(p.in.Fd()) {
		p.infof("type the prompt; Ctrl+D ends it")
		notice.Stop()
	}
	for {
		select {
		case r := <-read:
			if errors.Is(r.err, syscall.EBADF) {
				r.err = nil // there is no stdin
			}
			if r.err != nil {
				return nil, chat.Errorf(chat.CodeInvalid, "cannot read stdin: %w", r.err)
			}
			return r.data, nil
		case <-first:
			notice.Stop()
			first = nil
		case <-notice.C:
			// Even with --quiet: a program that hangs without a word is worse.
			hint := ""
			if optional {
				hint = " (--no-stdin to skip)"
			}
			p.warnf("waiting for stdin%s", hint)
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// noticing closes first at the first byte.
type noticing struct {
	r     io.Reader
	first chan struct{}
	seen  bool
}

func (n *noticing) Read(b []byte) (int, error) {
	k, err := n.r.Read(b)
	if k > 0 && !n.seen {
		n.seen = true
		close(n.first)
	}
	return k, err
}
