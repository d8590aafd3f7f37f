// Package copies sends large attachments once. Some providers keep files: an attachment is uploaded
// there, and requests have the id of that copy in place of the data. The copy is deleted when the
// attachment is. Nothing depends on copies: without one, the data are sent.
package copies

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strconv"
	"sync"
	"time"

	"chat"
	"chat/daemon/model"
	"chat/daemon/model/transport"
)

const (
	// minSize is the size from which a copy saves more than its two requests cost, in bytes.
	minSize = 1 << 20
	// timeout bounds an upload, and all deletions of one Tidy.
	timeout = 2 * time.Minute
	// pause is how long nothing is uploaded after the provider refused it.
	pause = time.Hour
	// maxResponse is how much of a response is read, in bytes.
	maxResponse = 64 << 10
)

// Keeper uploads to one server with one key. It is safe for concurrent use.
type Keeper struct {
	To *transport.Server
	// Send sends a request with the headers of the dialect.
	Send func(*http.Request) (*http.Response, error)
	Path string      // of the files, below the base URL
	Form [][2]string // fields of an upload beside the file

	mu      sync.Mutex
	refused time.Time // when the provider last refused an upload
}

// Account names the server and the key, without revealing the key.
func (k *Keeper) Account() string {
	sum := sha256.Sum256([]byte(k.To.Base + "\x00" + k.To.Key))
	return hex.EncodeToString(sum[:16])
}

// Reference returns the id of the provider's copy of an attachment. It makes the copy if there is
// none. The result is "" if the data are to be sent.
func (k *Keeper) Reference(ctx context.Context, store model.Copies, name string, a *chat.Attachment) string {
	if store == nil || a.Size < minSize {
		return ""
	}
	if k.pausing() {
		return ""
	}
	if id, err := store.Copy(ctx, k.Account(), a.Digest); err != nil || id != "" {
		return id
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	id, err := k.upload(ctx, name, a)
	if err != nil {
		return "" // the data are sent; if the provider is down, that fails, too
	}
	kept, err := store.PutCopy(ctx, k.Account(), a.Digest, id)
	if err != nil || kept != id { // nothing would delete it, or another attempt was faster
		k.remove(context.WithoutCancel(ctx), id)
	}
	if err != nil {
		return ""
	}
	return kept
}

// Pause makes no copies and refers to none for an hour, because the provider refused that.
func (k *Keeper) Pause() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.refused = time.Now()
}

func (k *Keeper) pausing() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return !k.refused.IsZero() && time.Since(k.refused) < pause
}

// upload makes a copy and returns its id.
func (k *Keeper) upload(ctx context.Context, name string, a *chat.Attachment) (string, error) {
	body, contentType, err := form(k.Form, name, a)
	if err != nil {
		return "", err
	}
	req, err := k.To.NewRequest(ctx, http.MethodPost, k.Path, body, false)
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", contentType)
	resp, err := k.Send(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }() // it is read
	if resp.StatusCode >= 400 && resp.StatusCode < 500 {
		k.Pause()
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return "", fmt.Errorf("the upload was answered %d", resp.StatusCode)
	}
	var out struct {
		ID string `json:"id"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxResponse)).Decode(&out); err != nil {
		return "", fmt.Errorf("the response to the upload: %w", err)
	}
	if !isID(out.ID) {
		return "", fmt.Errorf("the response to the upload has no id")
	}
	return out.ID, nil
}

// isID reports whether an id can stand in a path.
func isID(id string) bool {
	if id == "" || len(id) > 200 {
		return false
	}
	for _, r := range id {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' {
			return false
		}
	}
	return true
}

// form returns the body of an upload and its type.
func form(fields [][2]string, name string, a *chat.Attachment) ([]byte, string, error) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, f := range fields {
		if err := w.WriteField(f[0], f[1]); err != nil {
			return nil, "", err
		}
	}
	part, err := w.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {`form-data; name="file"; filename=` + strconv.QuoteToASCII(name)}, "Content-Type": {a.MediaType},
	})
	if err == nil {
		_, err = part.Write(a.Data)
	}
	if err == nil {
		err = w.Close()
	}
	return b.Bytes(), w.FormDataContentType(), err
}

// remove deletes a copy, and reports whether it is gone.
func (k *Keeper) remove(ctx context.Context, id string) bool {
	req, err := k.To.NewRequest(ctx, http.MethodDelete, k.Path+"/"+id, nil, false)
	if err != nil {
		return false
	}
	resp, err := k.Send(req)
	if err != nil {
		return false
	}
	_ = resp.Body.Close() // the status says it all
	return resp.StatusCode >= 200 && resp.StatusCode <= 299 || resp.StatusCode == http.StatusNotFound
}

// Tidy deletes the copies of attachments that were deleted.
func (k *Keeper) Tidy(ctx context.Context, store model.Copies) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	ids, err := store.UnusedCopies(ctx, k.Account())
	if err != nil {
		return err
	}
	for _, id := range ids {
		if !k.remove(ctx, id) {
			return nil // the next Tidy tries again
		}
		if err := store.DropCopy(ctx, k.Account(), id); err != nil {
			return err
		}
	}
	return nil
}
