package openai

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"chat"
	"chat/daemon/api/surface"
)

// apiError is the body of an error: https://platform.openai.com/docs/guides/error-codes.
type apiError struct {
	Error errorBody `json:"error"`
}

type errorBody struct {
	Message string  `json:"message"`
	Type    string  `json:"type"`
	Param   *string `json:"param"`
	Code    string  `json:"code"`
}

// Errors for which OpenAI's API has codes that the domain does not have.
var (
	errNoPrevious = errors.New("the response to continue is not available")
	errSocketLife = errors.New("a WebSocket has reached its age")
)

func invalid(format string, args ...any) error { return chat.Errorf(chat.CodeInvalid, format, args...) }

// noPrevious is the error of a previous_response_id.
func noPrevious(id string) error {
	return &chat.Error{
		Code: chat.CodeInvalid, Cause: errNoPrevious,
		Message: fmt.Sprintf("previous_response_id: the response %q is not available here: send the whole conversation as input, without previous_response_id", id),
	}
}

func bodyOf(e *chat.Error, status int) errorBody {
	b := errorBody{Message: surface.Shown(e).Message, Type: "invalid_request_error", Code: string(e.Code)}
	switch {
	case errors.Is(e.Cause, errNoPrevious):
		param := "previous_response_id"
		b.Code, b.Param = "previous_response_not_found", &param
	case errors.Is(e.Cause, errSocketLife):
		b.Code = "websocket_connection_limit_reached"
	}
	switch {
	case status == http.StatusUnauthorized:
		b.Type = "authentication_error"
	case status == http.StatusForbidden:
		b.Type = "permission_error"
	case status == http.StatusNotFound:
		b.Type = "not_found_error"
	case status == http.StatusTooManyRequests:
		b.Type = "rate_limit_error"
	case status >= http.StatusInternalServerError:
		b.Type = "server_error"
	}
	return b
}

// shouldRetry tells the official clients whether to repeat a request. They repeat a POST
// after 408, 409, 429 and 5xx, which would pay for a second answer.
const shouldRetry = "X-Should-Retry"

// WriteError writes an error as OpenAI's API does.
func WriteError(w http.ResponseWriter, err error, status int) {
	e := chat.AsError(err)
	h := w.Header()
	accepted := h.Get(taskHeader) != ""
	switch {
	case !accepted && (status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests):
		h.Set("Retry-After", strconv.Itoa(int(max(e.RetryAfter, time.Second).Round(time.Second)/time.Second)))
		h.Set(shouldRetry, "true")
	default:
		h.Set(shouldRetry, "false")
	}
	writeJSON(w, status, apiError{bodyOf(e, status)})
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	data, err := json.Marshal(body)
	if err != nil { // a defect: all types passed here can be encoded
		panic(err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	w.WriteHeader(status)
	_, _ = w.Write(data) // the client may be gone
}
