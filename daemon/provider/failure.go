package provider

import (
	"fmt"
	"net/http"
	"strings"
	"time"

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
	said := e.readAPIError(body)
	said.delay = retryDelay(h, said, status == http.StatusTooManyRequests, time.Now())
	out := e.refusal(said, status, model)
	out.Cause = newRefusal(out.Cause, status, body)
	return out
}

// itSaid stands between our words and the provider's.
const itSaid = "; it said: "

// streamError is the error that an error object inside a 200 response is.
func (e *endpoint) streamError(raw []byte, model string) *chat.Error {
	said := e.readAPIError(raw)
	status := said.code
	if status < 400 || status >= 600 {
		status = statusIn(raw)
	}
	if status == 0 {
		status = said.likelyStatus()
	}
	out := e.refusal(said, status, model)
	out.Cause = newRefusal(out.Cause, status, raw)
	return out
}

// likelyStatus is the status that an error would have had as a response.
func (c *apiError) likelyStatus() int {
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
		if strings.Contains(c.kinds, k.part) {
			return k.status
		}
	}
	return http.StatusInternalServerError
}

// refusal makes the sentence: what happened, what to do next, and what the
// provider said about it.
func (e *endpoint) refusal(said *apiError, status int, model string) *chat.Error {
	kind := said.classify(status)
	out := e.sentence(kind, said, status, model)
	switch kind {
	case refusalRate, refusalBusy, refusalLoading, refusalServer:
		if said.delay <= maxRetryAfter {
			out.Retryable, out.RetryAfter = true, said.delay
		}
	default: // asking again would bring the same
	}
	if said.Message != "" {
		out.Message += itSaid + said.Message
	}
	out.Cause = said
	return out
}

// sentence is what happened, and what to do next.
func (e *endpoint) sentence(k refusalKind, said *apiError, status int, model string) *chat.Error {
	switch k {
	case refusalContext:
		return chat.Errorf(chat.CodeProviderContext, "the conversation is longer than the model takes%s: start a new one, or choose a model with a larger context", said.tokens())
	case refusalTooFast:
		return chat.Errorf(chat.CodeProviderRateLimit, "%s takes at most %d tokens a minute, and this conversation needs %d: start a new one, choose another model, or have the limit of the account raised", e.host, said.limit, said.used)
	case refusalPayload:
		return chat.Errorf(chat.CodeProviderRefused, "the request is too large for %s (%d): send fewer or smaller files, or start a new conversation", e.host, status)
	case refusalQuota:
		return chat.Errorf(chat.CodeProviderQuota, "the account at %s has no quota left: add credit there, or use another key or a local model", e.host)
	case refusalAuth:
		return e.badKey(status)
	case refusalForbidden:
		if said.page && strings.HasPrefix(said.whole, "<") {
			return chat.Errorf(chat.CodeProviderAuth, "a web page in place of %s does not allow this (403): a firewall may stand before it, or %s is another address", e.host, e.from.base(e))
		}
		return chat.Errorf(chat.CodeProviderAuth, "%s does not allow this (403): see whether the key (%s) may use the model %s", e.host, e.from.key(), clean(model, maxModelID))
	case refusalModel:
		return e.noSuchModel(model, "", nil)
	case refusalPath:
		return chat.Errorf(chat.CodeProviderProtocol, "%s has nothing at %s (%d): check %s%s", e.host, e.shown(completions), status, e.from.base(e), e.pathAdvice())
	case refusalFilter:
		return chat.Errorf(chat.CodeProviderFilter, "the content filter of %s refused the message: put it differently, or choose another model", e.host)
	case refusalPlainHTTP:
		return chat.Errorf(chat.CodeProviderConnect, "%s takes HTTPS only: write https:// in %s", e.host, e.from.base(e))
	case refusalProxy:
		return e.proxyRefusal(status)
	case refusalBusy:
		return e.pausing(chat.CodeProviderServer, "is overloaded", said, status)
	case refusalLoading:
		return e.pausing(chat.CodeProviderServer, "is still loading the model", said, status)
	case refusalRate:
		return e.pausing(chat.CodeProviderRateLimit, "limits the rate", said, status)
	case refusalServer:
		return e.pausing(chat.CodeProviderServer, "failed", said, status)
	case refusalOther:
	}
	return chat.Errorf(chat.CodeProviderRefused, "%s refused the request (%d): change the message or the model (\"chat models\" lists them)", e.host, status)
}

// pausing is the sentence of a failure that passes.
func (e *endpoint) pausing(code chat.Code, what string, said *apiError, status int) *chat.Error {
	if said.delay > 0 {
		return chat.Errorf(code, "%s %s (%d) and asks to wait %s: send again then", e.host, what, status, inWords(said.delay))
	}
	return chat.Errorf(code, "%s %s (%d): wait a little and send again", e.host, what, status)
}

// tokens is how long the conversation is and may be, as far as the provider says.
func (c *apiError) tokens() string {
	switch {
	case c.used > 0 && c.limit > 0:
		return fmt.Sprintf(" (%d tokens, and it takes %d)", c.used, c.limit)
	case c.limit > 0:
		return fmt.Sprintf(" (it takes %d tokens)", c.limit)
	}
	return ""
}

func (e *endpoint) badKey(status int) *chat.Error {
	if e.key == "" {
		return chat.Errorf(chat.CodeProviderAuth, "%s asks for a key (%d): keep one with chat auth login, or set OPENAI_API_KEY", e.host, status)
	}
	return chat.Errorf(chat.CodeProviderAuth, "%s does not accept the key of %s (%d): set it to a valid one, or keep one with chat auth login", e.host, e.from.key(), status)
}

// pathAdvice is what is commonly wrong with a base URL whose paths do not exist.
func (e *endpoint) pathAdvice() string {
	switch {
	case e.azure && e.query.Get("api-version") == "":
		return ", which needs ?api-version=2024-10-21 or later at its end"
	case e.azure:
		return ": the deployment, or the api-version, may be another"
	case e.unversioned:
		return "; the API was not found under /v1 either"
	}
	return ": the path of the API may be another"
}

func (e *endpoint) noSuchModel(model, said string, cause error) *chat.Error {
	out := chat.Errorf(chat.CodeProviderModel,
		"%s has no model %q, or its base URL is another: \"chat models\" lists the models there are", e.host, clean(model, maxModelID))
	if said != "" {
		out.Message += itSaid + said
	}
	out.Cause = cause
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
		out.Message += "; one of them: " + e.sanitize(string(event))
		return out
	}
	return chat.Retryable(chat.Errorf(chat.CodeProviderCut,
		"%s ended its answer after an event that chat does not know: send again; it said: %s", e.host, e.sanitize(string(event))))
}

// afterwards is the notice of a failure behind the end of an answer.
func (e *endpoint) afterwards(said []byte) string {
	words := e.readAPIError(said).Message
	if words == "" {
		words = e.sanitize(string(said))
	}
	return fmt.Sprintf("the answer is complete; after it %s reported a failure: %s", e.host, words)
}

// protocolError says that e is not an OpenAI-compatible server.
func (e *endpoint) protocolError(what string, cause error) *chat.Error {
	out := chat.Errorf(chat.CodeProviderProtocol,
		"%s %s: see whether %s is an OpenAI-compatible API (it often ends in /v1)", e.host, what, e.from.base(e))
	if cause != nil {
		out.Cause = e.redacted(cause)
	}
	return out
}

func (e *endpoint) webPage(page []byte) *chat.Error {
	out := e.protocolError("answered with a web page", nil)
	if title := pageTitle(page); title != "" {
		out.Message += "; its title: " + e.sanitize(title)
	}
	return out
}

func (e *endpoint) answerTooLarge(limit int) *chat.Error {
	return chat.Errorf(chat.CodeAnswerTooLarge, "the answer of %s passed the limit of %d bytes: ask for a shorter one", e.host, limit)
}

func (e *endpoint) eventTooLarge(limit int) *chat.Error {
	return chat.Errorf(chat.CodeAnswerTooLarge, "%s sent an event of more than %d bytes: ask for a shorter answer, or choose another model", e.host, limit)
}
