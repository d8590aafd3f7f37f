package api

import (
	"context"
	"io"
	"mime"
	"net/http"
	"strconv"
	"time"

	"chat"
	"chat/daemon/api/body"
)

// uploadTimeout bounds an upload, with the reading of a PDF.
const uploadTimeout = 3 * time.Minute

// keep stores data as an attachment of owner. A PDF is read unless it was before.
func (s *Server) keep(ctx context.Context, owner string, data []byte) (a chat.Attachment, created bool, err error) {
	a, err = chat.NewAttachment(data)
	if err == nil && a.MediaType == chat.PDFType {
		known, missing := s.store.Attachment(ctx, owner, a.Digest)
		switch {
		case missing == nil:
			a = known
		case !chat.IsCode(missing, chat.CodeNotFound):
			err = missing
		default:
			a, err = s.opts.Documents.Read(ctx, a)
		}
	}
	if err == nil {
		created, err = s.store.PutAttachment(ctx, owner, a)
	}
	return a, created, err
}

// upload stores the body as an attachment. Its type is detected: a name or a declared type
// can be wrong.
func (s *Server) upload(r *http.Request, p principal) (reply, error) {
	switch ct, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); ct {
	case "application/x-www-form-urlencoded", "multipart/form-data":
		return reply{}, chat.Errorf(chat.CodeUnsupported, "the body must be the file itself and not a form: Content-Type: application/octet-stream (curl: --data-binary @FILE)")
	}
	data, err := io.ReadAll(r.Body)
	if err != nil {
		return reply{}, body.Error(err)
	}
	a, created, err := s.keep(r.Context(), p.owner, data)
	rep := reply{body: a, header: map[string]string{"Location": "/attachments/" + a.Digest}}
	if created {
		rep.status = http.StatusCreated
	}
	return rep, err
}

// download returns the data of an attachment, for programs: a browser saves it, and never
// shows it as a page of this server.
func (s *Server) download(r *http.Request, p principal) (reply, error) {
	a, err := s.store.Attachment(r.Context(), p.owner, r.PathValue("digest"))
	if err != nil {
		return reply{}, err
	}
	contentType := a.MediaType
	if contentType == chat.TextType {
		contentType += "; charset=utf-8"
	}
	return reply{data: a.Data, header: map[string]string{
		"Content-Type": contentType, "Content-Disposition": "attachment", "ETag": strconv.Quote(a.Digest),
		"Content-Length": strconv.Itoa(len(a.Data)),
	}}, nil
}
