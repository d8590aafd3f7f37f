// Package editor runs the user's editor on a text and never loses the text: a text
// that cannot be used stays in a file, and the error names the file.
package editor

import (
	"cmp"
	"errors"
	"io"
	"os"
	"os/exec"
	"syscall"

	"chat"
	"chat/internal/term/charset"
)

// Name returns the editor that the environment selects, with its arguments.
func Name(lookup func(string) string) string {
	return cmp.Or(lookup("VISUAL"), lookup("EDITOR"), "vi")
}

// Command returns the command that edits a file. As in git, a shell starts it,
// because the name may contain arguments and quotes.
func Command(name, file string) *exec.Cmd {
	return exec.Command("/bin/sh", "-c", name+` "$@"`, "sh", file) //nolint:noctx // it ends when the user says so
}

// The exit codes with which a shell reports that it could not start a program.
const (
	notExecutable = 126
	notFound      = 127
	bySignal      = 128 // and the signal's number
)

// Failed returns an error if the editor failed.
func Failed(name string, err error) error {
	if err == nil {
		return nil
	}
	exit := (*exec.ExitError)(nil)
	if !errors.As(err, &exit) {
		return chat.Errorf(chat.CodeNotConfigured, "cannot start the editor %q (set VISUAL or EDITOR): %w", name, err)
	}
	code, signal := exit.ExitCode(), syscall.Signal(0)
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		signal = status.Signal()
	} else if code > bySignal {
		signal = syscall.Signal(code - bySignal)
	}
	switch {
	case signal != 0:
		return chat.Errorf(chat.CodeInternal, "the editor %q failed: it was ended by a signal (%s)", name, signal)
	case code == notFound:
		return chat.Errorf(chat.CodeNotConfigured, "cannot start the editor %q: there is no such program (set VISUAL or EDITOR)", name)
	case code == notExecutable:
		return chat.Errorf(chat.CodeNotConfigured, "cannot start the editor %q: it cannot be run (set VISUAL or EDITOR)", name)
	}
	return chat.Errorf(chat.CodeInternal, "the editor %q failed with exit code %d", name, code)
}

// Write writes a text to a file for the editor. pattern is that of os.CreateTemp.
func Write(pattern, text string) (file string, err error) {
	f, err := os.CreateTemp("", pattern)
	if err != nil {
		return "", chat.Errorf(chat.CodeStorage, "cannot create a file for the editor: %w", err)
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Close()); err != nil {
		return "", chat.Errorf(chat.CodeStorage, "cannot create a file for the editor: %w", errors.Join(err, os.Remove(f.Name())))
	}
	return f.Name(), nil
}

// Read returns the edited text, at most limit bytes.
func Read(file string, limit int) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", chat.Errorf(chat.CodeStorage, "cannot read the edited text: %w", err)
	}
	data, err := io.ReadAll(io.LimitReader(f, int64(limit)+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return "", chat.Errorf(chat.CodeStorage, "cannot read the edited text: %w", err)
	}
	if len(data) > limit {
		return "", chat.Errorf(chat.CodeTooLarge, "the edited text is larger than %d KiB, the limit of a message", limit>>10)
	}
	text, err := charset.Decode(data)
	if p := (*charset.DecodeError)(nil); errors.As(err, &p) {
		return "", chat.Errorf(chat.CodeInvalid, "%s", p.Sentence("the edited text", file))
	}
	return text, err
}

// Keep adds the path of the file to err if the text in it must be kept: if it is
// neither empty nor the text that the editor was given. Otherwise it removes the
// file.
func Keep(file, given string, err error) error {
	data, rerr := os.ReadFile(file)
	if rerr == nil && (len(data) == 0 || string(data) == given) {
		return errors.Join(err, os.Remove(file))
	}
	if errors.Is(rerr, os.ErrNotExist) {
		return err
	}
	return chat.Errorf(chat.CodeOf(err), "%w; what you wrote is in %s", err, file)
}
