package draft

import (
	"context"
	"fmt"
	"net/http"

	"chat"
	"chat/daemon/model"
	"chat/daemon/model/apierror"
	"chat/daemon/model/thread"
)

// documents is how the PDFs of a request are sent.
type documents struct {
	// asText says that models get the text of PDFs, because the server does not accept PDFs or the
	// model refused them.
	asText bool
	// refused says that the model accepts no PDFs, rather than not these.
	refused bool
	empty   map[string]bool // digests of those that have no text
}

// SendText sends the text of PDFs, because the server is not known to accept PDFs.
func (d *Draft[F]) SendText() { d.documents.asText = true }

// Load returns an attachment as it is to be sent. A PDF whose text is sent becomes a text file.
func (d *Draft[F]) Load(ctx context.Context, p *chat.Part) (thread.File, error) {
	a, err := d.Request.Attachment(ctx, p.Digest)
	if err != nil || a.MediaType != chat.PDFType || !d.documents.asText {
		return thread.File{Attachment: a, Reference: d.reference(ctx, p, &a, err)}, err
	}
	text := a.Text
	if text == "" {
		if d.documents.empty == nil {
			d.documents.empty = map[string]bool{}
		}
		d.documents.empty[p.Digest] = true
		text = fmt.Sprintf("(%d pages without text, which are probably scanned: they could not be sent)", a.Pages)
	}
	return thread.File{Attachment: chat.Attachment{Digest: a.Digest, MediaType: chat.TextType, Data: []byte(text)}}, nil
}

// ofDocuments reports whether a refusal may be about PDFs.
func ofDocuments(r *apierror.RefusalError) bool {
	return r.OfDocuments() || r.Status == http.StatusRequestEntityTooLarge
}

// sendDocumentsAsText sends the text of PDFs after a refusal.
func (d *Draft[F]) sendDocumentsAsText() bool {
	if d.documents.asText || !d.hasDocuments(d.Request.Messages) {
		return false
	}
	d.documents.asText, d.documents.refused = true, d.refused.OfAllDocuments()
	return true
}

func (*Draft[F]) hasDocuments(list []chat.Message) bool {
	for i := range list {
		for j := range list[i].Parts {
			if list[i].Parts[j].IsDocument() {
				return true
			}
		}
	}
	return false
}

// documentNotices say which PDFs of the newest message were sent as text.
func (d *Draft[F]) documentNotices() []string {
	n := len(d.Request.Messages) - 1
	if n < 0 || !d.documents.asText {
		return nil
	}
	var out []string
	for i := range d.Request.Messages[n].Parts {
		p := &d.Request.Messages[n].Parts[i]
		name := model.OneLine(p.Name, chat.MaxPartName)
		switch {
		case !p.IsDocument():
		case d.documents.empty[p.Digest]:
			out = append(out, fmt.Sprintf("%s has no text, probably because it was scanned, and %s does not accept PDF files: the model saw nothing of it", name, d.Name()))
		default:
			out = append(out, fmt.Sprintf("%s was sent as text, without its pictures and layout: %s does not accept the PDF file", name, d.Name()))
		}
	}
	return out
}
