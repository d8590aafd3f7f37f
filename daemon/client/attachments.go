package client

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"chat"
)

// uploadTimeout is how long one try of an upload may take: more than the server takes to read a
// PDF.
const uploadTimeout = 200 * time.Second

// Upload stores an image, a PDF or a text file on the server, unless it is there. The result has
// no data.
func (c *Client) Upload(ctx context.Context, data []byte) (chat.Attachment, error) {
	if data == nil {
		data = []byte{} // an empty file
	}
	var out chat.Attachment
	err := c.do(ctx, request{method: http.MethodPost, path: "/attachments", upload: data, again: true, timeout: uploadTimeout, out: &out})
	return out, err
}

// uploadAll uploads the attachments to which parts refer. Its errors name the part.
func (c *Client) uploadAll(ctx context.Context, list []chat.Attachment, parts chat.Parts) error {
	for i := range list {
		_, err := c.Upload(ctx, list[i].Data)
		if chat.IsCode(err, chat.CodeUnsupported) || chat.IsCode(err, chat.CodeTooLarge) {
			for j := range parts {
				if p := &parts[j]; p.Digest == list[i].Digest && p.Name != "" {
					e := *chat.AsError(err)
					e.Message = strings.Join(strings.Fields(p.Name), " ") + " cannot be attached: " + e.Message
					return &e
				}
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Attachment returns an attachment with its data.
func (c *Client) Attachment(ctx context.Context, digest string) (chat.Attachment, error) {
	var data []byte
	if err := c.do(ctx, request{method: http.MethodGet, path: "/attachments/" + url.PathEscape(digest), again: true, download: &data}); err != nil {
		return chat.Attachment{}, err
	}
	a, err := chat.NewAttachment(data)
	if err != nil || a.Digest != digest {
		return chat.Attachment{}, chat.Errorf(chat.CodeIncompatible, "the server returned other data than those of the attachment %s", digest)
	}
	return a, nil
}
