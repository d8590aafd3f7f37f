package prompt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"chat"
	"chat/internal/cli/output"
	"chat/internal/schema"
	"chat/internal/schema/shorthand"
)

// maxSchemaFile bounds a file with a schema, in bytes.
const maxSchemaFile = 1 << 20

// Format returns the format that --schema asks for, nil without the flag. It is checked before
// anything is sent.
func (p *Reader) Format(c *cli.Context) (*chat.Format, error) {
	value := c.String("schema")
	switch {
	case !c.IsSet("schema"):
		return nil, nil
	case c.IsSet("extract"):
		return nil, chat.Errorf(chat.CodeInvalid, "--schema and --extract exclude each other: the answer is JSON and has no code blocks")
	case value == "-" && (!c.Args().Present() || c.Args().First() == "-"):
		return nil, chat.Errorf(chat.CodeInvalid, "--schema - reads the schema from stdin: give the prompt as an argument")
	}
	text, err := p.schemaText(c.Context, value)
	if err != nil {
		return nil, err
	}
	raw := []byte(text)
	if !strings.HasPrefix(strings.TrimSpace(text), "{") {
		if raw, err = shorthand.Parse(text); err != nil {
			return nil, err
		}
	}
	if _, err := schema.Compile(raw); err != nil {
		return nil, err
	}
	return &chat.Format{Schema: raw, Repair: true}, nil
}

// schemaText returns the schema that the value of --schema means: what stands on stdin or in a
// file, or the value itself.
func (p *Reader) schemaText(ctx context.Context, value string) (string, error) {
	if value == "-" {
		piped, err := p.ReadStdin(ctx, false)
		return string(piped), err
	}
	if strings.HasPrefix(strings.TrimSpace(value), "{") {
		return value, nil
	}
	if name, named := strings.CutPrefix(value, "@"); named {
		return p.namedSchema(name)
	}
	isPath := !strings.ContainsAny(value, " ,\n") && strings.ContainsAny(value, "/.")
	text, err := readSchema(value)
	if errors.Is(err, errNotOpened) && !isPath {
		return value, nil
	}
	return text, err
}

// namedSchema reads a schema that has a name: the file NAME.json or NAME.txt of the directory of
// schemas.
func (p *Reader) namedSchema(name string) (string, error) {
	dir, err := p.schemas()
	if err != nil {
		return "", err
	}
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", output.CannotRead(dir, err)
	}
	var names []string
	for _, e := range entries {
		ext := filepath.Ext(e.Name())
		if ext != ".json" && ext != ".txt" {
			continue
		}
		found := strings.TrimSuffix(e.Name(), ext)
		if found == name {
			return readSchema(filepath.Join(dir, e.Name()))
		}
		names = append(names, "@"+found)
	}
	if len(names) == 0 {
		return "", chat.Errorf(chat.CodeInvalid, "there is no schema @%s: store it as NAME.json in %s", name, dir)
	}
	return "", chat.Errorf(chat.CodeInvalid, "there is no schema @%s in %s, which has %s", name, dir, strings.Join(names, ", "))
}

// errNotOpened says that there is no such file, or that it cannot be read.
var errNotOpened = errors.New("not opened")

// readSchema reads a file with a schema.
func readSchema(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		if inner := (*fs.PathError)(nil); errors.As(err, &inner) {
			err = inner.Err
		}
		return "", &chat.Error{Code: chat.CodeInvalid, Message: fmt.Sprintf("cannot read the schema %s: %s", path, err), Cause: errNotOpened}
	}
	defer func() { _ = file.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(file, maxSchemaFile+1))
	switch {
	case err != nil:
		return "", chat.Errorf(chat.CodeInvalid, "cannot read the schema %s: %w", path, err)
	case len(text) > maxSchemaFile:
		return "", chat.Errorf(chat.CodeInvalid, "the schema %s has more than %d KiB", path, maxSchemaFile>>10)
	}
	return string(text), nil
}
