package input

import (
	"context"
	"net/url"
	"strings"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"

	"chat"
	"chat/internal/term/attach"
	"chat/internal/term/sanitize"
)

type (
	// AttachedMsg is a draft with the files that it mentions.
	AttachedMsg struct {
		Session int
		draft   string
		Message string
		missing []string
		err     error
		upload  error // what kept the files from reaching the server
	}
	// PathMsg says whether a pasted text is the path of a file.
	PathMsg struct {
		Session    int
		text, path string
		isFile     bool
	}
)

// Mentions reports whether a draft mentions files, which Attach reads.
func Mentions(draft string) bool { return len(attach.Mentions(draft)) > 0 }

// Attaching reports whether files are being read for a message.
func (in *Input) Attaching() bool { return in.attaching }

// Attach reads the files that a draft mentions and uploads them, one draft at a time.
func (in *Input) Attach(draft string, session int) tea.Cmd {
	if in.attaching {
		return nil
	}
	in.attaching = true
	dirs, server := in.dirs, in.server
	return in.jobs.Command(func(ctx context.Context) tea.Msg {
		message, missing, err := dirs.Message(ctx, draft)
		done := AttachedMsg{Session: session, draft: draft, Message: attach.Draft(message.Parts), missing: missing, err: err}
		for _, a := range message.Attachments {
			if _, err := server.Upload(ctx, a.Data); err != nil {
				done.upload = err
				break
			}
		}
		return done
	})
}

// Attached reports whether the message is to be sent: the draft is still the same,
// and no file failed. problem says why it is not. If asText is set, attaching the same
// draft again sends it without the files that cannot be read.
func (in *Input) Attached(msg AttachedMsg, session int) (send bool, problem string, asText bool) {
	in.attaching = false
	switch {
	case msg.Session != session:
		return false, "", false
	case msg.draft != in.Value():
		return false, "not sent: the text changed while its files were uploaded", false
	case msg.upload != nil:
		return false, "not sent: " + sanitize.Line(chat.AsError(msg.upload).Message), false
	case in.confirmedMissing == msg.draft:
	case msg.err != nil:
		problem = sanitize.Line(chat.AsError(msg.err).Message)
	case len(msg.missing) > 0:
		problem = "there is no file " + shortened(strings.Join(msg.missing, ", "))
	}
	if problem != "" {
		in.confirmedMissing = msg.draft
		return false, problem, true
	}
	in.confirmedMissing = ""
	return true, "", false
}

// shortened is a text as one row that leaves room for a sentence about it.
func shortened(text string) string {
	const longest = 40
	return ansi.Truncate(sanitize.Line(text), longest, "…")
}

// PasteText inserts a pasted text. The path of a file becomes a mention of it, as
// soon as it is known to be one. It reports whether there was room.
func (in *Input) PasteText(text string, session int) (tea.Cmd, bool) {
	path, ok := pathIn(text)
	from := in.Caret()
	if !ok {
		return nil, in.Paste(text)
	}
	fits := in.Insert(text)
	dirs, inserted := in.dirs, in.Text()[from:in.Caret()]
	return in.jobs.Command(func(context.Context) tea.Msg {
		return PathMsg{session, inserted, path, dirs.IsFile(path)}
	}), fits
}

// PathKnown replaces a pasted path by a mention of the file.
func (in *Input) PathKnown(msg PathMsg, session int) {
	if msg.isFile && msg.Session == session {
		in.Swap(msg.text, attach.Write(msg.path)+" ")
	}
}

// pathIn is the absolute path that a paste consists of, as file managers and
// terminals write one when a file is dropped on them.
func pathIn(text string) (string, bool) {
	text = strings.TrimSpace(text)
	if strings.ContainsAny(text, "\r\n") || len(text) > 4096 {
		return "", false
	}
	if u, err := url.Parse(text); err == nil && u.Scheme == "file" {
		return u.Path, u.Path != ""
	}
	if n := len(text); n > 1 && (text[0] == '\'' || text[0] == '"') && text[n-1] == text[0] {
		text = text[1 : n-1]
	} else {
		text = strings.ReplaceAll(text, `\ `, " ")
	}
	return text, strings.HasPrefix(text, "/") && text != "/" || strings.HasPrefix(text, "~/")
}

// Fill replaces the text by a draft, its references to attachments as labels. It
// reports whether there was room.
func (in *Input) Fill(draft string) bool {
	in.Set("")
	fits := true
	for _, piece := range attach.Pieces(draft) {
		if piece.IsReference() {
			in.Fold(piece.Source, attach.Label(&piece.Part))
			continue
		}
		fits = in.Restore(piece.Source) && fits
	}
	return fits
}

// Words are a draft without its attachments.
func Words(draft string) string { return strings.TrimSpace(attach.ParseDraft(draft).Text()) }
