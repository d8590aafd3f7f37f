package main

import (
	"os"

	"chat"
	"chat/internal/term/attach"
	"chat/internal/term/editor"
)

// openEditor lets the user edit a file, and returns when the editor has ended. A
// Ctrl+C means the editor, and not us.
func (p *program) openEditor(path string) error {
	var ignore func()
	ignore = func() { p.signals.onInterrupt(ignore) }
	p.signals.onInterrupt(ignore)
	defer p.signals.onInterrupt(nil)
	name := editor.Name(p.env)
	cmd := editor.Command(name, path)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = p.in, p.out, p.err
	return editor.Failed(name, cmd.Run())
}

// draft is a text on its way from the editor to the server.
type draft struct{ file, given string }

// editText is text as it comes back from the editor. Whoever calls it says what has
// become of the draft.
func (p *program) editText(text string) (edited string, d draft, err error) {
	d.given = text
	if d.file, err = editor.Write("chat-message-*.md", text); err != nil {
		return "", d, err
	}
	err = p.openEditor(d.file)
	if err == nil {
		edited, err = editor.Read(d.file, attach.MaxMessage+chat.MaxAllImages*2)
	}
	if err != nil {
		return "", d, editor.Keep(d.file, text, err)
	}
	return edited, d, nil
}

// sent removes the draft's file if its text has arrived; otherwise it says where it is.
func (d draft) sent(err error) error {
	switch {
	case d.file == "":
		return err
	case err != nil:
		return editor.Keep(d.file, d.given, err)
	}
	return os.Remove(d.file)
}
