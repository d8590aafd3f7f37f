package api

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"chat"
	"chat/daemon/api/surface"
)

// reply is the response of a call.
type reply struct {
	status int    // 200 if 0
	body   any    // JSON; nil means no body, or data
	data   []byte // the body as it is, of the type in header
	header map[string]string
}

// limits are the limits of a call: the size of the body in bytes, and the time. A timeout of
// 0 means that the call limits its time itself.
type limits struct {
	body    int64
	timeout time.Duration
}

// handle adapts a call to a handler, and writes its errors as problem documents.
func (s *Server) handle(fn func(*http.Request, principal) (reply, error), l limits) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if l.timeout > 0 {
			ctx, cancel := context.WithTimeout(r.Context(), l.timeout)
			defer cancel()
			r = r.WithContext(ctx)
		}
		r.Body = http.MaxBytesReader(w, r.Body, l.body)
		rep, err := fn(r, principalOf(r))
		if err != nil {
			s.fail(w, r, err)
			return
		}
		for k, v := range rep.header {
			w.Header().Set(k, v)
		}
		if rep.status == 0 {
			rep.status = http.StatusOK
		}
		if rep.body == nil {
			w.WriteHeader(rep.status)
			_, _ = w.Write(rep.data) // the client may be gone
			return
		}
		writeJSON(w, rep.status, "application/json", rep.body)
	})
}

// fail logs an error if it is the server's, and writes it.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	s.logFailure(r, err)
	writeProblem(w, err)
}

func (s *Server) logFailure(r *http.Request, err error) {
	if statusOf(chat.CodeOf(err)) < 500 || r.Context().Err() != nil {
		return
	}
	cause := err
	if e := chat.AsError(err); e.Cause != nil {
		cause = e.Cause
	}
	s.opts.Logger.Error("api: a call failed", "method", r.Method, "path", r.URL.Path, "request", exchangeOf(r).id, "err", err, "cause", cause)
}

func writeJSON(w http.ResponseWriter, status int, contentType string, body any) {
	data, err := json.Marshal(body)
	if err != nil { // a defect: all types passed here can be encoded
		panic(err)
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(data)+1))
	w.WriteHeader(status)
	_, _ = w.Write(append(data, '\n')) // the client may be gone
}

// problem is an RFC 9457 problem document.
type problem struct {
	Type      string    `json:"type"`
	Title     string    `json:"title"`
	Status    int       `json:"status"`
	Code      chat.Code `json:"code"`
	Detail    string    `json:"detail"`
	Retryable bool      `json:"retryable"`
}

func writeProblem(w http.ResponseWriter, err error) {
	writeProblemAs(w, statusOf(chat.CodeOf(err)), err)
}

func writeProblemAs(w http.ResponseWriter, status int, err error) {
	if d, ok := w.(*deadlineWriter); ok && d.writeError != nil {
		d.writeError(w, err, status)
		return
	}
	e := surface.Shown(err)
	p := problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Code: e.Code, Detail: e.Message, Retryable: e.Retryable}
	if status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests {
		after := max(e.RetryAfter, time.Second)
		w.Header().Set("Retry-After", strconv.Itoa(int(after.Round(time.Second)/time.Second)))
		p.Retryable = true
	}
	writeJSON(w, status, "application/problem+json", p)
}

// statusOf returns the HTTP status of an error code.
func statusOf(c chat.Code) int {
	switch c {
	case chat.CodeInvalid, chat.CodeAmbiguous, chat.CodeNotConfigured, chat.CodeProviderModel:
		return http.StatusBadRequest
	case chat.CodeUnauthorized:
		return http.StatusUnauthorized
	case chat.CodeForbidden:
		return http.StatusForbidden
	case chat.CodeNotFound:
		return http.StatusNotFound
	case chat.CodeConflict, chat.CodeBusy:
		return http.StatusConflict
	case chat.CodeKeyReuse:
		return http.StatusUnprocessableEntity
	case chat.CodeTooLarge:
		return http.StatusRequestEntityTooLarge
	case chat.CodeUnsupported:
		return http.StatusUnsupportedMediaType
	case chat.CodeTooMany:
		return http.StatusTooManyRequests
	case chat.CodeUnavailable, chat.CodeDraining, chat.CodeStorage:
		return http.StatusServiceUnavailable
	case chat.CodeProviderAuth, chat.CodeProviderContext, chat.CodeProviderRefused, chat.CodeProviderQuota,
		chat.CodeProviderRateLimit, chat.CodeProviderServer, chat.CodeProviderConnect, chat.CodeProviderHeaders,
		chat.CodeProviderFirstToken, chat.CodeProviderIdle, chat.CodeProviderCut, chat.CodeProviderProtocol,
		chat.CodeProviderFilter, chat.CodeProviderEmpty, chat.CodeProviderNoText:
		return http.StatusBadGateway // of `GET /models`
	case chat.CodeInternal, chat.CodeDaemon, chat.CodeIncompatible, chat.CodeCancelled, chat.CodeDeadline,
		chat.CodeAttemptsSpent, chat.CodeClientTimeout, chat.CodeAnswerTooLarge, chat.CodeAnswerRestarted, chat.CodeFormatMismatch:
		return http.StatusInternalServerError // errors of tasks and of clients, not of calls
	}
	return http.StatusInternalServerError
}

// limitParam reads ?limit=.
func limitParam(r *http.Request) (int, error) {
	v := r.URL.Query().Get("limit")
	if v == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 || n > 200 {
		return 0, chat.Errorf(chat.CodeInvalid, "limit must be a number from 1 to 200")
	}
	return n, nil
}
