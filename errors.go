package chat

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Code is the stable name of an error, the same in SQL, on the wire, in JSON
// output and in the table of exit codes.
type Code string

// Errors of requests.
const (
	CodeInvalid         Code = "invalid"            // the input is wrong; the message says how
	CodeNotFound        Code = "not_found"          // no such object, or not yours
	CodeAmbiguous       Code = "ambiguous"          // an id prefix that fits several objects
	CodeConflict        Code = "conflict"           // the object is in another state
	CodeBusy            Code = "conversation_busy"  // an answer of the conversation has not ended yet
	CodeKeyReuse        Code = "idempotency_reuse"  // same Idempotency-Key, other body
	CodeUnauthorized    Code = "unauthorized"       // no or wrong bearer token
	CodeForbidden       Code = "forbidden"          // Host, Origin or peer not allowed
	CodeTooLarge        Code = "too_large"          // a body or text over its limit
	CodeUnsupported     Code = "unsupported_media"  // a body that is not JSON
	CodeTooMany         Code = "too_many"           // a limit on streams or tasks is reached
	CodeUnavailable     Code = "unavailable"        // the database or the server cannot serve now
	CodeDraining        Code = "draining"           // the server is shutting down
	CodeInternal        Code = "internal"           // a defect of ours
	CodeNotConfigured   Code = "not_configured"     // a setting or a key is missing
	CodeDaemon          Code = "daemon_unreachable" // the daemon cannot be reached or started
	CodeIncompatible    Code = "incompatible"       // client and daemon share no protocol version
	CodeStorage         Code = "storage"            // the database file is damaged, locked, newer, or the disk is full
	CodeCancelled       Code = "cancelled"          // someone stopped the task
	CodeDeadline        Code = "task_deadline"      // the task's own deadline passed
	CodeAttemptsSpent   Code = "attempts_exhausted" // every attempt lost its worker
	CodeClientTimeout   Code = "client_timeout"     // --timeout passed while waiting
	CodeAnswerTooLarge  Code = "answer_too_large"   // the answer passed the limit on its size
	CodeAnswerRestarted Code = "answer_restarted"   // what a pipe got already is not the answer's beginning
)

// Errors of the provider. Every timeout has its own name.
const (
	CodeProviderAuth       Code = "provider_auth"                // 401, 403
	CodeProviderRefused    Code = "provider_refused"             // 400, 422 and other refusals
	CodeProviderContext    Code = "provider_context"             // the conversation is longer than the model takes
	CodeProviderModel      Code = "provider_model"               // 404: no such model
	CodeProviderQuota      Code = "provider_quota"               // insufficient quota
	CodeProviderRateLimit  Code = "provider_rate_limit"          // 429
	CodeProviderServer     Code = "provider_server"              // 408, 409, 5xx, or an error inside the stream
	CodeProviderConnect    Code = "provider_connect"             // refused, DNS, TLS
	CodeProviderHeaders    Code = "provider_timeout_headers"     // no response headers in time
	CodeProviderFirstToken Code = "provider_timeout_first_token" // no first token in time
	CodeProviderIdle       Code = "provider_timeout_idle"        // a gap between two tokens
	CodeProviderCut        Code = "provider_cut"                 // the stream ended without a proper end
	CodeProviderProtocol   Code = "provider_protocol"            // not an OpenAI-compatible answer
	CodeProviderFilter     Code = "provider_filter"              // the content filter stopped it
	CodeProviderEmpty      Code = "provider_empty"               // a proper end without anything
	CodeProviderNoText     Code = "provider_no_text"             // an answer of pictures, sound or tool calls alone
)

// Error is the one error type that crosses package borders: a code, a sentence
// for a person that says what happened and what to do next, and whether trying
// again can help. It never carries a secret or a message's text.
type Error struct {
	Code      Code   `json:"code"`
	Message   string `json:"message"`
	Retryable bool   `json:"retryable"`
	// RetryAfter is how long the other side asked us to wait; 0 if it did not.
	RetryAfter time.Duration `json:"-"`
	// Cause is the error underneath, for logs; it is not shown to users.
	Cause error `json:"-"`
}

func (e *Error) Error() string { return e.Message }

// Fact is the message without its advice, which stands behind a colon: what has
// happened, for those who need not do anything.
func (e *Error) Fact() string {
	fact, _, _ := strings.Cut(e.Message, ": ")
	return fact
}

// Unwrap returns the error underneath.
func (e *Error) Unwrap() error { return e.Cause }

// Is reports whether target is an *Error with the same code, so that
// errors.Is(err, &Error{Code: CodeNotFound}) works.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// Errorf makes an Error that is not retryable. An argument wrapped with %w
// becomes its Cause.
func Errorf(code Code, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Code: code, Message: err.Error(), Cause: errors.Unwrap(err)}
}

// Retryable marks e as worth trying again and returns it.
func Retryable(e *Error) *Error { e.Retryable = true; return e }

// CodeOf is the code of the first *Error in err's chain, CodeInternal if there
// is none, and "" for nil.
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

// AsError returns err as an *Error; one without a code becomes CodeInternal.
func AsError(err error) *Error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return &Error{Code: CodeInternal, Message: err.Error(), Cause: err}
}
