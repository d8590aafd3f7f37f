package openai

import (
	"fmt"
	"net/http"
	"time"

	"chat"
	"chat/daemon/model"
	"chat/daemon/model/openai/apierror"
	"chat/daemon/model/openai/completion"
)

// statusError returns the error of a response with this status.
func (e *endpoint) statusError(status int, h http.Header, body []byte, modelID string) *chat.Error {
	if status < 300 {
		return e.protocolError(fmt.Sprintf("answered with status %d and nothing else", status), nil)
	}
	if status < 400 {
		return e.protocolError("redirects to another address, where a key is never sent", nil)
	}
	said := apierror.Read(body, e.key)
	said.Delay = apierror.RetryDelay(h, said, status == http.StatusTooManyRequests, time.Now())
	out := e.refusal(said, status, modelID)
	out.Cause = apierror.NewRefusal(out.Cause, status, body)
	return out
}

// streamError returns the error of an error object in a response with status 200.
func (e *endpoint) streamError(raw []byte, modelID string) *chat.Error {
	said := apierror.Read(raw, e.key)
	status := said.Code
	if status < 400 || status >= 600 {
		status = completion.StatusIn(raw)
	}
	if status == 0 {
		status = said.LikelyStatus()
	}
	out := e.refusal(said, status, modelID)
	out.Cause = apierror.NewRefusal(out.Cause, status, raw)
	return out
}

// refusal returns the error for a refused request: what happened, what to do next, and
// what the provider said.
func (e *endpoint) refusal(said *apierror.Error, status int, modelID string) *chat.Error {
	kind := said.Classify(status)
	out := e.sentence(kind, said, status, modelID)
	switch kind {
	case apierror.KindRate, apierror.KindBusy, apierror.KindLoading, apierror.KindServer:
		if said.Delay <= apierror.MaxRetryAfter {
			out.Retryable, out.RetryAfter = true, said.Delay
		}
	default: // another request would fail in the same way
	}
	if said.Message != "" {
		out.Message += apierror.ItSaid + said.Message
	}
	out.Cause = said
	return out
}

// sentence is what happened, and what to do next.
func (e *endpoint) sentence(k apierror.Kind, said *apierror.Error, status int, modelID string) *chat.Error {
	switch k {
	case apierror.KindContext:
		return chat.Errorf(chat.CodeProviderContext, "the conversation is longer than the model takes%s: start a new one, or choose a model with a larger context", said.Tokens())
	case apierror.KindTooFast:
		return chat.Errorf(chat.CodeProviderRateLimit, "%s takes at most %d tokens a minute, and this conversation needs %d: start a new one, choose another model, or have the limit of the account raised", e.host, said.Limit, said.Used)
	case apierror.KindPayload:
		return chat.Errorf(chat.CodeProviderRefused, "the request is too large for %s (%d): send fewer or smaller files, or start a new conversation", e.host, status)
	case apierror.KindQuota:
		return chat.Errorf(chat.CodeProviderQuota, "the account at %s has no quota left: add credit there, or use another key or a local model", e.host)
	case apierror.KindAuth:
		return e.badKey(status)
	case apierror.KindForbidden:
		if said.FromWebPage() {
			return chat.Errorf(chat.CodeProviderAuth, "a web page in place of %s does not allow this (403): a firewall may stand before it, or %s is another address", e.host, e.from.base(e))
		}
		return chat.Errorf(chat.CodeProviderAuth, "%s does not allow this (403): see whether the key (%s) may use the model %s", e.host, e.from.key(), model.OneLine(modelID, model.MaxID))
	case apierror.KindModel:
		return e.noSuchModel(modelID, "", nil)
	case apierror.KindPath:
		return chat.Errorf(chat.CodeProviderProtocol, "%s has nothing at %s (%d): check %s%s", e.host, e.shown(completions), status, e.from.base(e), e.pathAdvice())
	case apierror.KindFilter:
		return chat.Errorf(chat.CodeProviderFilter, "the content filter of %s refused the message: put it differently, or choose another model", e.host)
	case apierror.KindPlainHTTP:
		return chat.Errorf(chat.CodeProviderConnect, "%s takes HTTPS only: write https:// in %s", e.host, e.from.base(e))
	case apierror.KindProxy:
		return e.proxyRefusal(status)
	case apierror.KindBusy:
		return e.pausing(chat.CodeProviderServer, "is overloaded", said, status)
	case apierror.KindLoading:
		return e.pausing(chat.CodeProviderServer, "is still loading the model", said, status)
	case apierror.KindRate:
		return e.pausing(chat.CodeProviderRateLimit, "limits the rate", said, status)
	case apierror.KindServer:
		return e.pausing(chat.CodeProviderServer, "failed", said, status)
	case apierror.KindOther:
	}
	return chat.Errorf(chat.CodeProviderRefused, "%s refused the request (%d): change the message or the model (\"chat models\" lists them)", e.host, status)
}

// pausing returns the error of a temporary failure.
func (e *endpoint) pausing(code chat.Code, what string, said *apierror.Error, status int) *chat.Error {
	if said.Delay > 0 {
		return chat.Errorf(code, "%s %s (%d) and asks to wait %s: send again then", e.host, what, status, apierror.FormatDelay(said.Delay))
	}
	return chat.Errorf(code, "%s %s (%d): wait a little and send again", e.host, what, status)
}

func (e *endpoint) badKey(status int) *chat.Error {
	if e.key == "" {
		return chat.Errorf(chat.CodeProviderAuth, "%s asks for a key (%d): keep one with chat auth login, or set OPENAI_API_KEY", e.host, status)
	}
	return chat.Errorf(chat.CodeProviderAuth, "%s does not accept the key of %s (%d): set it to a valid one, or keep one with chat auth login", e.host, e.from.key(), status)
}

// pathAdvice names the common mistake in a base URL whose paths do not exist.
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

func (e *endpoint) noSuchModel(modelID, said string, cause error) *chat.Error {
	out := chat.Errorf(chat.CodeProviderModel,
		"%s has no model %q, or its base URL is another: \"chat models\" lists the models there are", e.host, model.OneLine(modelID, model.MaxID))
	if said != "" {
		out.Message += apierror.ItSaid + said
	}
	out.Cause = cause
	return out
}

// cutError returns the error of a stream that stopped without a proper end.
func (e *endpoint) cutError(err error) *chat.Error {
	out := chat.Retryable(chat.Errorf(chat.CodeProviderCut, "the connection to %s ended in the middle of the answer: send again", e.host))
	out.Cause = apierror.Redact(err, e.key)
	return out
}

// notUnderstood returns the error of an answer that ended after an unknown event.
func (e *endpoint) notUnderstood(event []byte, some bool) *chat.Error {
	if !some {
		out := e.protocolError("sent events that are not chat completion chunks", nil)
		out.Message += "; one of them: " + apierror.Quote(string(event), e.key)
		return out
	}
	return chat.Retryable(chat.Errorf(chat.CodeProviderCut,
		"%s ended its answer after an event that chat does not know: send again; it said: %s", e.host, apierror.Quote(string(event), e.key)))
}

// afterwards returns the notice about a failure after the end of an answer.
func (e *endpoint) afterwards(said []byte) string {
	words := apierror.Read(said, e.key).Message
	if words == "" {
		words = apierror.Quote(string(said), e.key)
	}
	return fmt.Sprintf("the answer is complete; after it %s reported a failure: %s", e.host, words)
}

// protocolError returns the error of a server that is not OpenAI-compatible.
func (e *endpoint) protocolError(what string, cause error) *chat.Error {
	out := chat.Errorf(chat.CodeProviderProtocol,
		"%s %s: see whether %s is an OpenAI-compatible API (it often ends in /v1)", e.host, what, e.from.base(e))
	if cause != nil {
		out.Cause = apierror.Redact(cause, e.key)
	}
	return out
}

func (e *endpoint) webPage(page []byte) *chat.Error {
	out := e.protocolError("answered with a web page", nil)
	if title := apierror.PageTitle(page); title != "" {
		out.Message += "; its title: " + apierror.Quote(title, e.key)
	}
	return out
}

func (e *endpoint) answerTooLarge(limit int) *chat.Error {
	return chat.Errorf(chat.CodeAnswerTooLarge, "the answer of %s passed the limit of %d bytes: ask for a shorter one", e.host, limit)
}

func (e *endpoint) eventTooLarge(limit int) *chat.Error {
	return chat.Errorf(chat.CodeAnswerTooLarge, "%s sent an event of more than %d bytes: ask for a shorter answer, or choose another model", e.host, limit)
}
