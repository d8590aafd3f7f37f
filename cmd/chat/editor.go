package main

import (
	"cmp"
	"context"
	"errors"
	"os"
	"os/exec"

	"chat"
)

// openEditor lets the user edit a file, and returns when the editor has ended.
func (p *program) openEditor(ctx context.Context, path string) error {
	editor := cmp.Or(p.env("VISUAL"), p.env("EDITOR"), "vi")
	// By the shell, as git does it: the variable may hold flags and quotes.
	cmd := exec.CommandContext(ctx, "sh", "-c", editor+` "$@"`, editor, path)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = p.in, p.out, p.err
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return chat.Errorf(chat.CodeInternal, "the editor %q failed: %w", editor, err)
	}
	if err != nil {
		return chat.Errorf(chat.CodeNotConfigured, "cannot start the editor %q (set VISUAL or EDITOR): %w", editor, err)
	}
	return nil
}

// editText is text as it comes back from the editor.
func (p *program) editText(ctx context.Context, text string) (edited string, err error) {
	f, err := os.CreateTemp("", "chat-message-*.md")
	if err != nil {
		return "", chat.Errorf(chat.CodeStorage, "no file for the editor: %w", err)
	}
	defer func() { err = errors.Join(err, os.Remove(f.Name())) }()
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Close()); err != nil {
		return "", chat.Errorf(chat.CodeStorage, "no file for the editor: %w", err)
	}
	if err := p.openEditor(ctx, f.Name()); err != nil {
		return "", err
	}
	data, err := os.ReadFile(f.Name())
	if err != nil {
		return "", chat.Errorf(chat.CodeStorage, "what was edited cannot be read: %w", err)
	}
	return string(data), nil
}
