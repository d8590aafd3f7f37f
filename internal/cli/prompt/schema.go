package prompt

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"chat"
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
	file, err := os.Open(value)
	isPath := !strings.ContainsAny(value, " ,\n") && strings.ContainsAny(value, "/.")
	switch {
	case err != nil && !isPath:
		return value, nil
	case err != nil:
		if inner := (*fs.PathError)(nil); errors.As(err, &inner) {
			err = inner.Err
		}
		return "", chat.Errorf(chat.CodeInvalid, "cannot read the schema %s: %w", value, err)
	}
	defer func() { _ = file.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(file, maxSchemaFile))
	if err != nil {
		return "", chat.Errorf(chat.CodeInvalid, "cannot read the schema %s: %w", value, err)
	}
	return string(text), nil
}
