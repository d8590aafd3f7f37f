package provider

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/sashabaranov/go-openai"

	"chat"
)

// statusError is the error that a response of this status is.
func (e *endpoint) statusError(status int, h http.Header, body []byte, model string) *chat.Error {
	if status < 300 {
		return e.protocolError(fmt.Sprintf("answered with status %d and nothing else", status), nil)
	}
	if status < 400 {
		return e.protocolError("redirects to another address, where a key is never sent", nil)
	}
	said := e.readComplaint(body)
	said.HTTPStatusCode = status
	out := e.refusal(said, model)
	out.RetryAfter = retryAfter(h, time.Now())
	if out.Retryable && out.RetryAfter > 0 {
		out.Message += fmt.Sprintf("; it asks to wait %s", out.RetryAfter.Round(time.Second))
	}
	if (status == http.StatusBadRequest || status == http.StatusUnprocessableEntity) && mentionsStreamOptions(body) {
		out.Cause = errNoStreamOptions
	}
	return out
}

func mentionsStreamOptions(body []byte) bool {
	s := string(body)
	return strings.Contains(s, "stream_options") || strings.Contains(s, "include_usage")
}

// streamError is the error that an error object inside a 200 response is.
func (e *endpoint) streamError(raw []byte, model string) *chat.Error {
	said := e.readEventError(raw)
	if n, ok := said.Code.(int); ok && n >= 400 && n < 600 {
		said.HTTPStatusCode = n
	} else if n := statusIn(raw); n != 0 {
		said.HTTPStatusCode = n
	} else {
		said.HTTPStatusCode = statusOfKind(said)
	}
	return e.refusal(said, model)
}

// readEventError reads the error in an event.
func (e *endpoint) readEventError(raw []byte) *openai.APIError {
	said := e.readComplaint(raw)
	if words := otherWords(raw, said.Message != ""); words != "" {
		said.Message = e.quotable(words)
	}
	return said
}

// statusOfKind is the status that an error would have had as a response.
func statusOfKind(said *openai.APIError) int {
	kind := strings.ToLower(fmt.Sprint(said.Type, " ", said.Code))
	for _, k := range []struct {
		part   string
		status int
	}{
		{"rate_limit", http.StatusTooManyRequests},
		{"authentication", http.StatusUnauthorized},
		{"invalid_api_key", http.StatusUnauthorized},
		{"permission", http.StatusForbidden},
		{"not_found", http.StatusNotFound},
		{"invalid_request", http.StatusBadRequest},
		{"context_length", http.StatusBadRequest},
	} {
		if strings.Contains(kind, k.part) {
			return k.status
		}
	}
	return http.StatusInternalServerError
}

// refusal makes the sentence: what happened, what to do next, and what the
// provider said about it.
func (e *endpoint) refusal(said *openai.APIError, model string) *chat.Error {
	status := said.HTTPStatusCode
	kind := strings.ToLower(fmt.Sprint(said.Type, " ", said.Code))
	fail := func(code chat.Code, format string, args ...any) *chat.Error {
		out := chat.Errorf(code, format, args...)
		if said.Message != "" {
			out.Message += "; it said: " + said.Message
		}
		out.Cause = said
		return out
	}
	switch {
	case strings.Contains(kind, "insufficient_quota") || strings.Contains(kind, "billing") || status == http.StatusPaymentRequired:
		return fail(chat.CodeProviderQuota, "the account at %s has no quota left: add credit there, or use another key or a local model", e.host)
	case status == http.StatusUnauthorized && e.key == "":
		return fail(chat.CodeProviderAuth, "%s asks for a key (401): chat auth login keeps one, or set OPENAI_API_KEY", e.host)
	case status == http.StatusUnauthorized:
		return fail(chat.CodeProviderAuth, "%s does not accept the key (401): chat auth login keeps a valid one, or set OPENAI_API_KEY to it", e.host)
	case status == http.StatusForbidden:
		return fail(chat.CodeProviderAuth, "%s does not allow this (403): see whether the key may use the model %s", e.host, clean(model, maxModelID))
	case status == http.StatusNotFound || status < 500 && strings.Contains(kind, "model_not_found"):
		return e.noSuchModel(model, said.Message, said)
	case status == http.StatusTooManyRequests:
		return chat.Retryable(fail(chat.CodeProviderRateLimit, "%s limits the rate (429): wait a little and send again", e.host))
	case status == http.StatusRequestTimeout || status == http.StatusConflict || status == http.StatusTooEarly || status >= 500:
		return chat.Retryable(fail(chat.CodeProviderServer, "%s failed (%d): send again in a moment", e.host, status))
	case strings.Contains(kind, "context_length") || strings.Contains(strings.ToLower(said.Message), "context length"):
		return fail(chat.CodeProviderRefused, "the conversation is longer than the model takes (%d): start a new one, or choose a model with a larger context", status)
	default:
		return fail(chat.CodeProviderRefused, "%s refused the request (%d): change the message or the model (\"chat models\" lists them)", e.host, status)
	}
}

func (e *endpoint) noSuchModel(model, said string, cause error) *chat.Error {
	out := chat.Errorf(chat.CodeProviderModel,
		"%s has no model %q, or its base URL is another: \"chat models\" lists the models there are", e.host, clean(model, maxModelID))
	if said != "" {
		out.Message += "; it said: " + said
	}
	out.Cause = cause
	return out
}

// connectError is a failure before there was a response.
func (e *endpoint) connectError(err error) *chat.Error {
	if own, ok := errors.AsType[*chat.Error](err); ok {
		return own // the dialer's refusal of an address
	}
	out := &chat.Error{Code: chat.CodeProviderConnect, Retryable: true, Cause: e.redacted(err)}
	_, noTLS := errors.AsType[tls.RecordHeaderError](err)
	_, badCert := errors.AsType[*tls.CertificateVerificationError](err)
	_, badName := errors.AsType[x509.HostnameError](err)
	dns, noName := errors.AsType[*net.DNSError](err)
	switch {
	case noTLS || strings.Contains(err.Error(), "HTTP response to HTTPS client"):
		out.Retryable = false
		out.Message = fmt.Sprintf("%s does not speak TLS: use http:// in OPENAI_BASE_URL", e.host)
	case badCert || badName:
		out.Retryable = false
		out.Message = fmt.Sprintf("the certificate of %s is not valid: check OPENAI_BASE_URL and the machine's certificates", e.host)
	case noName:
		out.Message = fmt.Sprintf("cannot find the host %s: check the network and OPENAI_BASE_URL", clean(dns.Name, maxModelID))
	case e.local:
		out.Message = fmt.Sprintf("%s at %s does not answer any more: start it again", e.name, e.host)
	default:
		out.Message = fmt.Sprintf("cannot connect to %s: check the network and OPENAI_BASE_URL", e.host)
	}
	return out
}

// cutError is a stream that stopped without a proper end.
func (e *endpoint) cutError(err error) *chat.Error {
	out := chat.Retryable(chat.Errorf(chat.CodeProviderCut, "the connection to %s ended in the middle of the answer: send again", e.host))
	out.Cause = e.redacted(err)
	return out
}

// notUnderstood is an answer that ended behind an event that may have been anything.
func (e *endpoint) notUnderstood(event []byte, some bool) *chat.Error {
	if !some {
		out := e.protocolError("sent events that are not chat completion chunks", nil)
		out.Message += "; one of them: " + e.quotable(string(event))
		return out
	}
	return chat.Retryable(chat.Errorf(chat.CodeProviderCut,
		"%s ended its answer after an event that chat does not know: send again; it said: %s", e.host, e.quotable(string(event))))
}

// afterwards is the notice of a failure behind the end of an answer.
func (e *endpoint) afterwards(said []byte) string {
	words := e.readEventError(said).Message
	if words == "" {
		words = e.quotable(string(said))
	}
	return fmt.Sprintf("the answer is complete; after it %s reported a failure: %s", e.host, words)
}

// protocolError says that e is not an OpenAI-compatible server.
func (e *endpoint) protocolError(what string, cause error) *chat.Error {
	out := chat.Errorf(chat.CodeProviderProtocol,
		"%s %s: see whether OPENAI_BASE_URL is an OpenAI-compatible API (it often ends in /v1)", e.host, what)
	if cause != nil {
		out.Cause = e.redacted(cause)
	}
	return out
}

func (e *endpoint) webPage(page []byte) *chat.Error {
	out := e.protocolError("answered with a web page", nil)
	if title := pageTitle(page); title != "" {
		out.Message += "; its title: " + e.quotable(title)
	}
	return out
}

func (e *endpoint) answerTooLarge(limit int) *chat.Error {
	return chat.Errorf(chat.CodeAnswerTooLarge, "the answer of %s passed the limit of %d bytes: ask for a shorter one", e.host, limit)
}

func (e *endpoint) eventTooLarge(limit int) *chat.Error {
	return chat.Errorf(chat.CodeAnswerTooLarge, "%s sent an event of more than %d bytes: ask for a shorter answer, or choose another model", e.host, limit)
}
