package client

import (
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"time"

	"chat"
)

// maxProblem limits the body of an error response.
const maxProblem = 64 << 10

// problem reads an error response: a problem document, or a proxy's error page.
func problem(res *http.Response) *chat.Error {
	e := &chat.Error{RetryAfter: retryAfter(res.Header.Get("Retry-After"), time.Now())}
	e.Code, e.Retryable = codeOfStatus(res.StatusCode)
	media, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type")) // without a type it is not JSON
	if media == "application/problem+json" {
		var doc struct {
			Title     string    `json:"title"`
			Code      chat.Code `json:"code"`
			Detail    string    `json:"detail"`
			Retryable bool      `json:"retryable"`
		}
		body, err := io.ReadAll(io.LimitReader(res.Body, maxProblem))
		if err == nil && json.Unmarshal(body, &doc) == nil && doc.Code != "" {
			e.Code, e.Retryable, e.Message = doc.Code, doc.Retryable, doc.Detail
			if e.Message == "" {
				e.Message = doc.Title
			}
		}
	}
	if e.Message == "" {
		e.Message = fmt.Sprintf("the server answered %s", res.Status)
	}
	return e
}

// codeOfStatus returns the code of a response without a problem document.
func codeOfStatus(status int) (code chat.Code, retryable bool) {
	switch status {
	case http.StatusBadRequest:
		return chat.CodeInvalid, false
	case http.StatusUnauthorized:
		return chat.CodeUnauthorized, false
	case http.StatusForbidden:
		return chat.CodeForbidden, false
	case http.StatusNotFound, http.StatusGone:
		return chat.CodeNotFound, false
	case http.StatusConflict:
		return chat.CodeConflict, false
	case http.StatusUnprocessableEntity:
		return chat.CodeKeyReuse, false
	case http.StatusRequestEntityTooLarge:
		return chat.CodeTooLarge, false
	case http.StatusUnsupportedMediaType:
		return chat.CodeUnsupported, false
	case http.StatusTooManyRequests:
		return chat.CodeTooMany, true
	case http.StatusRequestTimeout, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return chat.CodeUnavailable, true
	}
	if status >= 500 {
		return chat.CodeInternal, true
	}
	return chat.CodeIncompatible, false
}

// retryAfter reads Retry-After (RFC 9110, section 10.2.3): seconds or a date. The caller
// limits the result.
func retryAfter(value string, now time.Time) time.Duration {
	if value == "" {
		return 0
	}
	if s, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(s) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil && at.After(now) {
		return at.Sub(now)
	}
	return 0
}
