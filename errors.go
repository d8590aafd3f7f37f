package chat

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Code is the stable name of an error. SQL, the HTTP API, the JSON output and the table of
// exit codes use the same names.
type Code string

// Errors of requests.
const (
	CodeInvalid         Code = "invalid"            // the input is wrong; the message says how
	CodeNotFound        Code = "not_found"          // no such object, or another user's
	CodeAmbiguous       Code = "ambiguous"          // an id prefix that fits several objects
	CodeConflict        Code = "conflict"           // the object is in another state
	CodeBusy            Code = "conversation_busy"  // an answer of the conversation is still running
	CodeKeyReuse        Code = "idempotency_reuse"  // same Idempotency-Key, other body
	CodeUnauthorized    Code = "unauthorized"       // no or wrong bearer token
	CodeForbidden       Code = "forbidden"          // Host, Origin or peer not allowed
	CodeTooLarge        Code = "too_large"          // a body or text over its limit
	CodeUnsupported     Code = "unsupported_media"  // a body that is not JSON
	CodeTooMany         Code = "too_many"           // a limit on streams or tasks is reached
	CodeUnavailable     Code = "unavailable"        // the database or the server is not available
	CodeDraining        Code = "draining"           // the server is shutting down
	CodeInternal        Code = "internal"           // a defect of this program
	CodeNotConfigured   Code = "not_configured"     // a setting or a key is missing
	CodeDaemon          Code = "daemon_unreachable" // the daemon cannot be reached or started
	CodeIncompatible    Code = "incompatible"       // client and daemon share no protocol version
	CodeStorage         Code = "storage"            // the database file is damaged, locked, newer, or the disk is full
	CodeCancelled       Code = "cancelled"          // a user stopped the task
	CodeDeadline        Code = "task_deadline"      // the deadline of the task passed
	CodeAttemptsSpent   Code = "attempts_exhausted" // every attempt lost its worker
	CodeClientTimeout   Code = "client_timeout"     // the time of --timeout is over
	CodeAnswerTooLarge  Code = "answer_too_large"   // the answer exceeded the limit on its size
	CodeAnswerRestarted Code = "answer_restarted"   // the text already printed is not the beginning of the answer
	CodeFormatMismatch  Code = "format_mismatch"    // the answer is complete, and not in the Format that was asked for
)

// Errors of the provider. Every timeout has its own name.
const (
	CodeProviderAuth       Code = "provider_auth"                // 401, 403
	CodeProviderRefused    Code = "provider_refused"             // 400, 422 and other refusals
	CodeProviderContext    Code = "provider_context"             // the conversation exceeds the model's context
	CodeProviderModel      Code = "provider_model"               // 404: no such model
	CodeProviderQuota      Code = "provider_quota"               // insufficient quota
	CodeProviderRateLimit  Code = "provider_rate_limit"          // 429
	CodeProviderServer     Code = "provider_server"              // 408, 409, 5xx, or an error inside the stream
	CodeProviderConnect    Code = "provider_connect"             // refused, DNS, TLS
	CodeProviderHeaders    Code = "provider_timeout_headers"     // no response headers in time
	CodeProviderFirstToken Code = "provider_timeout_first_token" // no first token in time
	CodeProviderIdle       Code = "provider_timeout_idle"        // no further token in time
	CodeProviderCut        Code = "provider_cut"                 // the stream broke off
	CodeProviderProtocol   Code = "provider_protocol"            // the response is not in the expected format
	CodeProviderFilter     Code = "provider_filter"              // the content filter refused the message, or stopped the answer before any text
	CodeProviderEmpty      Code = "provider_empty"               // the answer has no text, reasoning, images, sound or tool calls
	CodeProviderNoText     Code = "provider_no_text"             // the answer has only images, sound or a tool call
)

// Error is the only error type that crosses package borders. Message is a sentence for a
// person: what happened and, after a colon, what to do. Retryable says whether another
// attempt can succeed. Neither secrets nor the text of messages occur in it.
type Error struct {
	Code      Code   `json:"code"`
	Message   string `json:"message"`
	Retryable bool   `json:"retryable"`
	// RetryAfter is the delay that the other side asked for; 0 if it did not.
	RetryAfter time.Duration `json:"-"`
	// Cause is the error underneath, for logs; it is not shown to users.
	Cause error `json:"-"`
}

func (e *Error) Error() string { return e.Message }

// Summary returns the message up to its first colon: what happened, without the advice.
func (e *Error) Summary() string {
	summary, _, _ := strings.Cut(e.Message, ": ")
	return summary
}

// Unwrap returns the error underneath.
func (e *Error) Unwrap() error { return e.Cause }

// Is reports whether target is an *Error with the same code, so that
// errors.Is(err, &Error{Code: CodeNotFound}) works.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// Errorf returns an Error that is not retryable. An argument wrapped with %w becomes its
// Cause.
func Errorf(code Code, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Code: code, Message: err.Error(), Cause: errors.Unwrap(err)}
}

// Retryable marks e as retryable and returns it.
func Retryable(e *Error) *Error { e.Retryable = true; return e }

// CodeOf returns the code of the first *Error in err's chain, CodeInternal without one,
// and "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return CodeInternal
}

// IsCode reports whether err carries code.
func IsCode(err error, code Code) bool { return err != nil && CodeOf(err) == code }

// AsError returns the first *Error in err's chain, or err as CodeInternal.
func AsError(err error) *Error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return &Error{Code: CodeInternal, Message: err.Error(), Cause: err}
}
