// Package transfer exports conversations and imports them from files, archives and folders.
package transfer

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"time"

	"chat"
	"chat/daemon/client"
	"chat/internal/cli/foreign"
	"chat/internal/cli/ids"
	"chat/internal/cli/output"
	"chat/internal/cli/printing"
	"chat/internal/term/sanitize"
	"chat/internal/transcript"
)

// ExportAll writes all conversations, newest first.
func ExportAll(ctx context.Context, con *output.Console, cl *client.Client, out Exporter) error {
	cursor := ""
	for {
		list, next, err := cl.Conversations(ctx, chat.ConversationQuery{Cursor: cursor, Limit: ids.MaxListed})
		if err != nil {
			return err
		}
		if err := ExportList(ctx, con, cl, out, list); err != nil || next == "" {
			return err
		}
		cursor = next
	}
}

// ExportList writes these conversations. It warns about attachments that the server does not
// have.
func ExportList(ctx context.Context, con *output.Console, cl *client.Client, out Exporter, list []chat.Conversation) error {
	for _, conv := range list {
		messages, err := cl.Messages(ctx, conv.ID)
		if err != nil {
			return err
		}
		attachments, err := download(ctx, con, cl, messages, out.Needs)
		if err != nil {
			return err
		}
		if err := out.Conversation(conv, messages, attachments); err != nil {
			return err
		}
	}
	return nil
}

// download returns the attachments that are needed of those to which messages refer, each
// once.
func download(ctx context.Context, con *output.Console, cl *client.Client, messages []chat.Message, needed func(chat.Part) bool) ([]chat.Attachment, error) {
	list := []chat.Attachment{}
	seen := map[string]bool{}
	for i := range messages {
		for _, p := range messages[i].Parts {
			if p.Digest == "" || seen[p.Digest] || !needed(p) {
				continue
			}
			seen[p.Digest] = true
			a, err := cl.Attachment(ctx, p.Digest)
			if chat.IsCode(err, chat.CodeNotFound) {
				con.Warnf("the server does not have the attachment %s of message %s: the export lacks it", sanitize.Line(p.Name), ids.Short(messages[i].ID))
				continue
			}
			if err != nil {
				return nil, err
			}
			list = append(list, a)
		}
	}
	return list, nil
}

// Exporter writes conversations one by one. End must be called last, even without any.
type Exporter interface {
	Conversation(conv chat.Conversation, messages []chat.Message, attachments []chat.Attachment) error
	// Needs reports whether Conversation needs the data of an image or a file.
	Needs(p chat.Part) bool
	End() error
}

// NewExporter returns the exporter for the value of --format.
func NewExporter(format string, con *output.Console) (Exporter, error) {
	switch format {
	case "json":
		return &jsonExport{w: con.Out, warn: con.Warnf, importable: maxRaw}, nil
	case "md":
		return &markdownExport{p: con}, nil
	}
	return nil, chat.Errorf(chat.CodeInvalid, "--format must be json or md, not %q", format)
}

// exportFormat and exportVersion identify the JSON format. Fields are only added to it.
const (
	exportFormat  = "chat"
	exportVersion = 1
)

// jsonExport writes one object, a conversation at a time.
type jsonExport struct {
	w          io.Writer
	warn       func(format string, args ...any)
	importable int // the bytes of a conversation that import reads
	begun      bool
}

func (j *jsonExport) Conversation(conv chat.Conversation, messages []chat.Message, attachments []chat.Attachment) error {
	lead := ",\n    "
	if !j.begun {
		if err := j.begin(); err != nil {
			return err
		}
		lead = "\n    "
	}
	if messages == nil {
		messages = []chat.Message{}
	}
	whole := foreign.Exported{Transcript: transcript.Transcript{Conversation: conv, Messages: messages}, Attachments: []foreign.ExportedAttachment{}}
	for _, a := range attachments {
		whole.Attachments = append(whole.Attachments, foreign.ExportedAttachment{Digest: a.Digest, MediaType: a.MediaType, Data: a.Data})
	}
	b, err := output.EncodeJSON(whole, "    ", "  ")
	if err != nil {
		return err
	}
	if len(b) > j.importable {
		j.warn("%s: with its attachments it is larger than %d MiB: chat import cannot read it", ids.Short(conv.ID), j.importable>>20)
	}
	_, err = io.WriteString(j.w, lead+string(bytes.TrimSuffix(b, []byte("\n"))))
	return err
}

// Needs is true for all.
func (j *jsonExport) Needs(chat.Part) bool { return true }

func (j *jsonExport) begin() error {
	j.begun = true
	_, err := fmt.Fprintf(j.w, "{\n  \"format\": %q,\n  \"version\": %d,\n  \"exported_at\": %q,\n  \"conversations\": [",
		exportFormat, exportVersion, time.Now().UTC().Format(time.RFC3339))
	return err
}

func (j *jsonExport) End() error {
	last := "\n  ]\n}\n"
	if !j.begun {
		if err := j.begin(); err != nil {
			return err
		}
		last = "]\n}\n"
	}
	_, err := io.WriteString(j.w, last)
	return err
}

// markdownExport writes conversations for people to read.
type markdownExport struct {
	p     *output.Console
	begun bool
}

func (m *markdownExport) Conversation(conv chat.Conversation, messages []chat.Message, attachments []chat.Attachment) error {
	if m.begun {
		if _, err := io.WriteString(m.p.Out, "\n---\n\n"); err != nil {
			return err
		}
	}
	m.begun = true
	left, err := printing.Conversation(m.p, conv, messages, printing.Options{Raw: true, Part: true, Attachments: attachments})
	if left > 0 {
		m.p.Infof("%s: %s on other branches not exported; -f json includes them", ids.Short(conv.ID), output.Plural(left, "message"))
	}
	return err
}

// Needs is true for text files, which are shown.
func (m *markdownExport) Needs(p chat.Part) bool {
	return p.Type == chat.PartFile && !p.IsDocument()
}

func (m *markdownExport) End() error { return nil }
