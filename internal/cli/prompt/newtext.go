package prompt

import (
	"context"
	"strings"

	"github.com/charmbracelet/x/term"

	"chat"
	"chat/internal/term/attach"
)

// NewText returns the text from the command line or stdin. Given is false if the user
// has to edit the text.
func (p *Reader) NewText(ctx context.Context, words []string) (text string, given bool, err error) {
	asked := len(words) == 1 && words[0] == "-"
	if len(words) > 0 && !asked {
		text = strings.Join(words, " ")
		return text, true, Check(chat.TextParts(text))
	}
	editor := p.Env("VISUAL") != "" || p.Env("EDITOR") != ""
	if asked || !editor && p.StdinIsGiven() {
		data, err := p.ReadStdin(ctx, false)
		if err == nil {
			text, err = attach.Text(attach.Stdin, data)
		}
		if err != nil || asked || strings.TrimSpace(text) != "" {
			if err == nil {
				err = Check(chat.TextParts(text))
			}
			return text, true, err
		}
	}
	if !editor && !term.IsTerminal(p.In.Fd()) {
		return "", false, chat.Errorf(chat.CodeInvalid, "stdin is not a terminal: pass the new text after the conversation id, or pipe it in")
	}
	return "", false, nil
}
