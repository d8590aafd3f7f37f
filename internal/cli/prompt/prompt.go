// Package prompt builds a message from the command line, files, stdin and the user's
// editor.
package prompt

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"slices"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"

	"github.com/charmbracelet/x/term"
	"github.com/urfave/cli/v2"

	"chat"
	"chat/internal/cli/output"
	"chat/internal/term/attach"
	"chat/internal/term/charset"
)

// StdinNotice is how long stdin may be silent before a notice is printed.
const StdinNotice = time.Second

// Reader reads messages from the command line, files and stdin.
type Reader struct {
	*output.Console
	schemas func() (dir string, err error)
}

// NewReader returns a reader for one run. schemas returns the directory of the schemas that
// have a name.
func NewReader(con *output.Console, schemas func() (dir string, err error)) *Reader {
	return &Reader{con, schemas}
}

// Read builds the message from the words of the command line, the files and stdin.
// Without words, stdin is the prompt; otherwise it is attached.
func (p *Reader) Read(c *cli.Context) (attach.Message, error) {
	words := c.Args().Slice()
	files := c.StringSlice("file")
	asPrompt := len(words) == 1 && words[0] == "-"
	asFile := slices.Contains(files, "-")
	switch {
	case asPrompt && asFile:
		return attach.Message{}, chat.Errorf(chat.CodeInvalid, "stdin cannot be both the prompt and a file")
	case asFile && c.String("schema") == "-":
		return attach.Message{}, chat.Errorf(chat.CodeInvalid, "stdin cannot be both the schema and a file")
	case (asPrompt || asFile) && c.Bool("no-stdin"):
		return attach.Message{}, chat.Errorf(chat.CodeInvalid, "- reads stdin, but --no-stdin forbids it")
	}
	text := strings.Join(words, " ")
	var piped []byte
	if asPrompt || asFile || (!c.Bool("no-stdin") && c.String("schema") != "-" && p.StdinIsGiven()) {
		var err error
		if piped, err = p.ReadStdin(c.Context, strings.TrimSpace(text) != "" && !asPrompt && !asFile); err != nil {
			return attach.Message{}, err
		}
	}
	if (asPrompt || strings.TrimSpace(text) == "" && !asFile) && chat.ImageType(piped) == "" && !chat.IsPDF(piped) {
		var err error
		if text, err = attach.Text(attach.Stdin, piped); err != nil {
			return attach.Message{}, err
		}
		piped = nil
	}
	if asPrompt && len(piped) > 0 {
		text = ""
	}
	return p.withFiles(c, strings.TrimRight(text, "\n"), files, piped)
}

// Check refuses a message that cannot be sent.
func Check(parts chat.Parts) error {
	text := parts.Text()
	if strings.TrimSpace(text) == "" && len(parts.Digests()) == 0 {
		return chat.Errorf(chat.CodeInvalid, "there is nothing to send: give a prompt, as in chat send \"Why is the sky blue?\", or pipe one in")
	}
	if err := CheckUTF8("the prompt", text); err != nil {
		return err
	}
	return parts.CheckSize()
}

// CheckUTF8 refuses a text of the command line that is not UTF-8, because it would be
// stored incorrectly.
func CheckUTF8(what, text string) error {
	if utf8.ValidString(text) && !strings.Contains(text, "\x00") {
		return nil
	}
	_, err := charset.Decode([]byte(text))
	if p := (*charset.DecodeError)(nil); errors.As(err, &p) {
		return chat.Errorf(chat.CodeInvalid, "%s", p.Sentence(what, ""))
	}
	return chat.Errorf(chat.CodeInvalid, "%s is not a text in UTF-8", what)
}

// StdinIsGiven reports whether stdin may hold something: a pipe, a socket or a
// file, but not a terminal, /dev/null, or a descriptor that is closed.
func (p *Reader) StdinIsGiven() bool {
	if p.In == nil || term.IsTerminal(p.In.Fd()) {
		return false
	}
	i, err := p.In.Stat()
	return err == nil && i.Mode()&fs.ModeCharDevice == 0 && !i.IsDir()
}

type readResult struct {
	data []byte
	err  error
}

// ReadStdin reads all of stdin. It prints a notice if a pipe stays silent, because the
// pipe may never be closed.
func (p *Reader) ReadStdin(ctx context.Context, optional bool) ([]byte, error) {
	read := make(chan readResult, 1)
	first := make(chan struct{})
	// A read of a terminal or a pipe cannot be cancelled, so this goroutine may outlive
	// the call. It ends with stdin or with the process.
	go func() {
		b, err := io.ReadAll(io.LimitReader(&firstByteReader{r: p.In, first: first}, chat.MaxDocument+1))
		read <- readResult{b, err}
	}()
	notice := time.NewTimer(StdinNotice)
	defer notice.Stop()
	if term.IsTerminal(p.In.Fd()) {
		p.Infof("type the prompt; Ctrl+D ends it")
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
			// Even with --quiet, because the program seems to hang.
			hint := ""
			if optional {
				hint = " (--no-stdin to skip)"
			}
			p.Warnf("waiting for stdin%s", hint)
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// firstByteReader closes first when the first byte is read.
type firstByteReader struct {
	r     io.Reader
	first chan struct{}
	seen  bool
}

func (n *firstByteReader) Read(b []byte) (int, error) {
	k, err := n.r.Read(b)
	if k > 0 && !n.seen {
		n.seen = true
		close(n.first)
	}
	return k, err
}
