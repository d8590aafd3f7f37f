package prompt

import (
	"context"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"chat"
	"chat/internal/cli/output"
	"chat/internal/fetch"
	"chat/internal/term/attach"
)

// withFiles builds the message from a text and files. The file - means piped; without -,
// piped is the last file.
func (p *Reader) withFiles(c *cli.Context, text string, files []string, piped []byte) (attach.Message, error) {
	var m attach.Message
	if strings.TrimSpace(text) != "" {
		m.Parts = chat.TextParts(text)
	}
	if len(piped) > 0 && !slices.Contains(files, "-") {
		files = append(slices.Clip(files), "-")
	}
	for _, f := range files {
		name, a, err := p.file(c, f, piped)
		if err != nil {
			return m, err
		}
		m.Add(name, a)
	}
	return m, Check(m.Parts)
}

// file reads one file: at a path, at a web address, or from stdin.
func (p *Reader) file(c *cli.Context, f string, piped []byte) (name string, a chat.Attachment, err error) {
	switch {
	case f == "-":
		a, err = attach.Bytes(attach.Stdin, piped)
		return attach.Stdin, a, err
	case attach.IsURL(f):
		found, err := p.fetcher(c).Get(c.Context, f)
		if err != nil {
			return "", a, err
		}
		a, err = attach.Bytes(found.Shown, found.Data)
		return found.Name, a, err
	}
	a, err = attach.Read(f, f)
	return filepath.Base(f), a, err
}

// AddFiles adds the files of the command line to a message.
func (p *Reader) AddFiles(c *cli.Context, m *attach.Message) error {
	for _, f := range c.StringSlice("file") {
		if f == "-" {
			return chat.Errorf(chat.CodeInvalid, "stdin is the text of the message: give a path or a URL to -f")
		}
		name, a, err := p.file(c, f, nil)
		if err != nil {
			return err
		}
		m.Add(name, a)
	}
	return Check(m.Parts)
}

func (p *Reader) fetcher(c *cli.Context) fetch.Client {
	return fetch.Client{Private: c.Bool(fetch.Flag) || output.Truthy(p.Env(fetch.Variable)), Lookup: p.Lookup}
}

// Fetch returns how the screen gets the files at web addresses.
func (p *Reader) Fetch(c *cli.Context) func(ctx context.Context, url string) (name string, data []byte, err error) {
	client := p.fetcher(c)
	return func(ctx context.Context, url string) (string, []byte, error) {
		f, err := client.Get(ctx, url)
		return f.Name, f.Data, err
	}
}
