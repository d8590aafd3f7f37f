package api

import (
	"net/http"
	"path"

	"chat"
)

// notFound serves the routes of mux, and answers other requests with problem documents: 405
// if the path exists, otherwise 404.
func notFound(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, pattern := mux.Handler(r)
		if pattern != "" && path.Clean(r.URL.Path) == r.URL.Path { // a path that is not clean would be a redirect
			exchangeOf(r).route = pattern
			mux.ServeHTTP(w, r)
			return
		}
		refuse(w, r, h)
	})
}

// refuse answers a request without a route; the status of h tells 404 from 405.
func refuse(w http.ResponseWriter, r *http.Request, h http.Handler) {
	probe := &headWriter{header: http.Header{}}
	h.ServeHTTP(probe, r)
	if probe.status != http.StatusMethodNotAllowed {
		writeProblem(w, chat.Errorf(chat.CodeNotFound, "there is no such call: docs/protocol.md lists them"))
		return
	}
	allow := probe.header.Get("Allow")
	w.Header().Set("Allow", allow)
	writeProblemAs(w, http.StatusMethodNotAllowed, chat.Errorf(chat.CodeInvalid, "this path does not take %s: use %s", r.Method, allow))
}

// headWriter keeps the head of a response and discards the body.
type headWriter struct {
	header http.Header
	status int
}

func (h *headWriter) Header() http.Header         { return h.header }
func (h *headWriter) WriteHeader(status int)      { h.status = status }
func (h *headWriter) Write(b []byte) (int, error) { return len(b), nil }
