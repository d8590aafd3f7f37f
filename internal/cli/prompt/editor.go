package prompt

import (
	"os"

	"chat"
	"chat/internal/cli/output"
	"chat/internal/cli/signals"
	"chat/internal/term/editor"
)

// Editor runs the user's editor.
type Editor struct {
	*output.Console
	signals *signals.Signals
}

// NewEditor returns an editor that receives Ctrl+C instead of chat.
func NewEditor(con *output.Console, sig *signals.Signals) *Editor { return &Editor{con, sig} }

// OpenFile runs the editor on a file and waits for it. Meanwhile chat ignores Ctrl+C,
// which is for the editor.
func (p *Editor) OpenFile(path string) error {
	var ignore func()
	ignore = func() { p.signals.OnInterrupt(ignore) }
	p.signals.OnInterrupt(ignore)
	defer p.signals.OnInterrupt(nil)
	name := editor.Name(p.Env)
	cmd := editor.Command(name, path)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = p.In, p.Out, p.Err
	return editor.Failed(name, cmd.Run())
}

// Draft is an edited text that is not sent yet.
type Draft struct{ file, given string }

// Edit lets the user edit text. The caller must call Sent on the draft.
func (p *Editor) Edit(text string) (edited string, d Draft, err error) {
	d.given = text
	if d.file, err = editor.Write("chat-message-*.md", text); err != nil {
		return "", d, err
	}
	err = p.OpenFile(d.file)
	if err == nil {
		edited, err = editor.Read(d.file, 2*chat.MaxText)
	}
	if err != nil {
		return "", d, editor.Keep(d.file, text, err)
	}
	return edited, d, nil
}

// Sent removes the draft's file if err is nil. Otherwise it adds the file's path to err.
func (d Draft) Sent(err error) error {
	switch {
	case d.file == "":
		return err
	case err != nil:
		return editor.Keep(d.file, d.given, err)
	}
	return os.Remove(d.file)
}
