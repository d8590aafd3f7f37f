package modeltest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
)

// Files is the network to a provider that keeps files. It serves the calls for files, and passes all
// others to a server, unless they refer to a file that is not there.
type Files struct {
	Next string // the base URL of the server, without a path
	// Refuse is the status of uploads, 0 to accept them; RefuseReferences refuses all references.
	Refuse           int
	RefuseReferences bool

	mu      sync.Mutex
	n       int
	kept    map[string]Upload
	uploads []Upload
	bodies  []string
}

// Upload is one file, with the fields and the headers that came with it.
type Upload struct {
	ID, Name, Type string
	Size           int
	Fields         url.Values
	Header         http.Header
}

// Uploads are all there were.
func (f *Files) Uploads() []Upload {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]Upload(nil), f.uploads...)
}

// Kept is how many files there are.
func (f *Files) Kept() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.kept)
}

// Lose forgets all files.
func (f *Files) Lose() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.kept = nil
}

// Bodies are the bodies of all other requests, also of the refused ones.
func (f *Files) Bodies() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.bodies...)
}

var fileID = regexp.MustCompile(`"file_id":"([^"]*)"`)

// RoundTrip implements http.RoundTripper.
func (f *Files) RoundTrip(req *http.Request) (*http.Response, error) {
	if strings.Contains(req.URL.Path, "/files") {
		w := httptest.NewRecorder()
		f.serve(w, req)
		resp := w.Result()
		resp.Request = req
		return resp, nil
	}
	var body []byte
	if req.Body != nil {
		var err error
		if body, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
	}
	f.mu.Lock()
	f.bodies = append(f.bodies, string(body))
	missing := ""
	for _, m := range fileID.FindAllStringSubmatch(string(body), -1) {
		if _, ok := f.kept[m[1]]; !ok || f.RefuseReferences {
			missing = m[1]
		}
	}
	f.mu.Unlock()
	if missing != "" {
		w := httptest.NewRecorder()
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusNotFound)
		_, _ = fmt.Fprintf(w, `{"type":"error","error":{"type":"not_found_error","message":"File not found: %s"}}`, missing) // to memory
		resp := w.Result()
		resp.Request = req
		return resp, nil
	}
	next, err := url.Parse(f.Next)
	if err != nil {
		return nil, err
	}
	out := req.Clone(req.Context())
	out.Body = io.NopCloser(bytes.NewReader(body))
	out.URL.Scheme, out.URL.Host = next.Scheme, next.Host
	return http.DefaultTransport.RoundTrip(out)
}

func (f *Files) serve(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r.Method == http.MethodDelete {
		id := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
		if _, ok := f.kept[id]; !ok {
			http.Error(w, "no such file", http.StatusNotFound)
			return
		}
		delete(f.kept, id)
		return
	}
	if f.Refuse != 0 {
		http.Error(w, "no files here", f.Refuse)
		return
	}
	if err := r.ParseMultipartForm(64 << 20); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	_, file, err := r.FormFile("file")
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	f.n++
	up := Upload{
		ID: fmt.Sprintf("file-%d", f.n), Name: file.Filename, Type: file.Header.Get("Content-Type"), Size: int(file.Size),
		Fields: r.MultipartForm.Value, Header: r.Header.Clone(),
	}
	if f.kept == nil {
		f.kept = map[string]Upload{}
	}
	f.kept[up.ID] = up
	f.uploads = append(f.uploads, up)
	_, _ = fmt.Fprintf(w, `{"id":%q,"object":"file"}`, up.ID) // to memory
}

// Copies is a model.Copies in memory, for one owner. Unused are what UnusedCopies returns.
type Copies struct {
	Unused []string

	mu  sync.Mutex
	ids map[string]string // by account and digest
}

// Copy implements model.Copies.
func (c *Copies) Copy(_ context.Context, account, digest string) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ids[account+digest], nil
}

// PutCopy implements model.Copies.
func (c *Copies) PutCopy(_ context.Context, account, digest, id string) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ids == nil {
		c.ids = map[string]string{}
	}
	if kept, ok := c.ids[account+digest]; ok {
		return kept, nil
	}
	c.ids[account+digest] = id
	return id, nil
}

// DropCopy implements model.Copies.
func (c *Copies) DropCopy(_ context.Context, account, id string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key, kept := range c.ids {
		if kept == id && strings.HasPrefix(key, account) {
			delete(c.ids, key)
		}
	}
	return nil
}

// UnusedCopies implements model.Copies.
func (c *Copies) UnusedCopies(context.Context, string) ([]string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ids := c.Unused
	c.Unused = nil
	return ids, nil
}
