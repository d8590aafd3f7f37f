// Package editor runs the user's editor on a text, and loses none of it: what could
// not be taken stays in a file, whose path is said.
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

// Name is the editor of an environment, with its arguments.
func Name(lookup func(string) string) string {
	return cmp.Or(lookup("VISUAL"), lookup("EDITOR"), "vi")
}

// Command is the editor on a file. A shell starts it, as git does it: the name may
// hold arguments and quotes.
func Command(name, file string) *exec.Cmd {
	return exec.Command("/bin/sh", "-c", name+` "$@"`, "sh", file) //nolint:noctx // it ends when the user says so
}

// The exit codes by which a shell says that it could not start a program.
const (
	notExecutable = 126
	notFound      = 127
	bySignal      = 128 // and the signal's number
)

// Failed is the error of an editor that did not end well, nil if it did.
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

// Write puts a text into a file for the editor. pattern is that of os.CreateTemp.
func Write(pattern, text string) (file string, err error) {
	f, err := os.CreateTemp("", pattern)
	if err != nil {
		return "", chat.Errorf(chat.CodeStorage, "no file for the editor: %w", err)
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Close()); err != nil {
		return "", chat.Errorf(chat.CodeStorage, "no file for the editor: %w", errors.Join(err, os.Remove(f.Name())))
	}
	return f.Name(), nil
}

// Read is the text that the editor has left, of at most limit bytes.
func Read(file string, limit int) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", chat.Errorf(chat.CodeStorage, "what was edited cannot be read: %w", err)
	}
	data, err := io.ReadAll(io.LimitReader(f, int64(limit)+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return "", chat.Errorf(chat.CodeStorage, "what was edited cannot be read: %w", err)
	}
	if len(data) > limit {
		return "", chat.Errorf(chat.CodeTooLarge, "what was edited is larger than %d KiB, the limit of a message", limit>>10)
	}
	text, err := charset.Decode(data)
	if p := (*charset.DecodeError)(nil); errors.As(err, &p) {
		return "", chat.Errorf(chat.CodeInvalid, "%s", p.Sentence("what was edited", file))
	}
	return text, err
}

// Keep is err with the place of the text, if there is one to be kept: one that is
// neither empty nor what the editor was given. Otherwise the file is removed.
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
