// Package web serves a page for browsers, and what the page needs beside the calls of the
// API: answers and conversations as HTML, and sessions.
//
// The page is embedded, asks no other server for anything, and has one small script. The
// server renders and sanitizes (package render), because the text of a model is hostile.
package web

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"strconv"
	"strings"

	"chat"
	"chat/daemon/api/surface"
)

//go:embed assets
var assets embed.FS

// Options are the settings of an API; zero values mean the defaults.
type Options struct {
	Sessions *Sessions
	// Local reports whether a request came over the unix socket.
	Local func(r *http.Request) bool
	// Listen makes the server listen for browsers, and returns the address host:port. An
	// empty address means this machine only. Nil if the server is not a local daemon.
	Listen func(ctx context.Context, address string) (string, error)
}

// API serves the page.
type API struct {
	backend surface.Backend
	opts    Options
	codes   codes
}

// New returns the API of a server.
func New(b surface.Backend, o Options) *API { return &API{backend: b, opts: o} }

// Routes adds the calls to mux.
func (a *API) Routes(mux *http.ServeMux) {
	handle := surface.Handler(mux, a.backend)
	for pattern, f := range files() {
		mux.Handle("GET "+pattern, f)
	}
	handle("GET /web/stream/{task_id}", a.stream)
	handle("GET /web/conversations/{id}", a.conversation)
	handle("GET /web/session", a.session)
	handle("POST /web/session", a.signIn)
	handle("DELETE /web/session", a.signOut)
	handle("POST /web/open", a.open)
}

// Public reports whether a request needs no session: the page itself, and signing in.
func Public(r *http.Request) bool {
	switch r.URL.Path {
	case "/", "/web/app.js", "/web/style.css":
		return r.Method == http.MethodGet || r.Method == http.MethodHead
	case "/web/session":
		return r.Method == http.MethodPost || r.Method == http.MethodGet
	}
	return false
}

// stream serves GET /web/stream/{task_id}.
func (a *API) stream(w http.ResponseWriter, r *http.Request) error {
	text := r.Header.Get("Last-Event-ID")
	if text == "" {
		text = r.URL.Query().Get("after")
	}
	after := positionOf(text)
	if !after.IsStart() {
		s, err := a.backend.Follow(r, r.PathValue("task_id"), after)
		if err != nil {
			return err
		}
		if s.Complete() {
			w.WriteHeader(http.StatusNoContent)
			return nil
		}
	}
	s, err := a.backend.Follow(r, r.PathValue("task_id"), chat.Start())
	if err != nil {
		return err
	}
	a.backend.Send(w, r, s, newEncoder(after))
	return nil
}

// policy is what the page may do: its own script and style, and images that it has uploaded.
// Its script can make HTML of a text in one place only.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types answers"

// file is a file of the page, compressed in advance.
type file struct {
	contentType string
	data        []byte
	compressed  []byte
	tag         string
}

// files returns the files of the page by the pattern of their path.
func files() map[string]file {
	return map[string]file{
		"/{$}":           load("index.html", "text/html; charset=utf-8"),
		"/web/app.js":    load("script/*.js", "text/javascript; charset=utf-8"),
		"/web/style.css": load("style.css", "text/css; charset=utf-8"),
	}
}

// load reads the embedded files of a pattern, one after the other, in the order of their names.
func load(pattern, contentType string) file {
	names, err := fs.Glob(assets, "assets/"+pattern)
	if err != nil || names == nil { // a defect: the files are embedded
		panic(fmt.Sprintf("web: no files %s: %v", pattern, err))
	}
	var data []byte
	for _, name := range names {
		text, err := assets.ReadFile(name)
		if err != nil { // as above
			panic(err)
		}
		data = append(data, text...)
	}
	var buf bytes.Buffer
	z, err := gzip.NewWriterLevel(&buf, gzip.BestCompression)
	if err != nil { // a defect: the level exists
		panic(err)
	}
	_, _ = z.Write(data) // a buffer takes everything
	_ = z.Close()
	sum := sha256.Sum256(data)
	return file{contentType: contentType, data: data, compressed: buf.Bytes(), tag: strconv.Quote(hex.EncodeToString(sum[:8]))}
}

// ServeHTTP implements http.Handler.
func (f file) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", f.contentType)
	h.Set("Content-Security-Policy", policy)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-cache") // ask whether it has changed
	h.Set("Vary", "Accept-Encoding")
	h.Set("ETag", f.tag)
	if strings.Contains(r.Header.Get("If-None-Match"), f.tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	data := f.data
	if acceptsGzip(r) {
		h.Set("Content-Encoding", "gzip")
		data = f.compressed
	}
	h.Set("Content-Length", strconv.Itoa(len(data)))
	if r.Method != http.MethodHead {
		_, _ = w.Write(data) // the client may be gone
	}
}

// acceptsGzip reports whether a client takes gzip. Browsers send no weights of 0.
func acceptsGzip(r *http.Request) bool {
	for encoding := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, weight, _ := strings.Cut(strings.TrimSpace(encoding), ";")
		if name == "gzip" && strings.TrimSpace(weight) != "q=0" {
			return true
		}
	}
	return false
}

// writeJSON writes a value. It does not escape HTML, which would double the size of it.
func writeJSON(w http.ResponseWriter, value any) error {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		return fmt.Errorf("encode a response: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(buf.Len()))
	_, _ = w.Write(buf.Bytes()) // the client may be gone
	return nil
}
