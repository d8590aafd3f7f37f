package transport

import (
	"fmt"
	"net/http"
	"time"

	"chat"
	"chat/daemon/model"
	"chat/daemon/model/apierror"
	"chat/daemon/model/completion"
)

// StatusError returns the error of a response with this status.
func (s *Server) StatusError(status int, h http.Header, body []byte, modelID string) *chat.Error {
	if status < 300 {
		return s.ProtocolError(fmt.Sprintf("answered with status %d and nothing else", status), nil)
	}
	if status < 400 {
		return s.ProtocolError("redirects to another address, where a key is never sent", nil)
	}
	said := apierror.Read(body, s.Key)
	said.Delay = apierror.RetryDelay(h, said, status == http.StatusTooManyRequests, time.Now())
	out := s.refusal(said, status, modelID)
	out.Cause = apierror.NewRefusal(out.Cause, status, body)
	return out
}

// StreamError returns the error of an error object in a response with status 200.
func (s *Server) StreamError(raw []byte, modelID string) *chat.Error {
	said := apierror.Read(raw, s.Key)
	status := said.Code
	if status < 400 || status >= 600 {
		status = completion.StatusIn(raw)
	}
	if status == 0 {
		status = said.LikelyStatus()
	}
	out := s.refusal(said, status, modelID)
	out.Cause = apierror.NewRefusal(out.Cause, status, raw)
	return out
}

// refusal returns the error for a refused request: what happened, what to do next, and
// what the provider said.
func (s *Server) refusal(said *apierror.Error, status int, modelID string) *chat.Error {
	kind := said.Classify(status)
	out := s.sentence(kind, said, status, modelID)
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
func (s *Server) sentence(k apierror.Kind, said *apierror.Error, status int, modelID string) *chat.Error {
	switch k {
	case apierror.KindContext:
		return chat.Errorf(chat.CodeProviderContext, "the conversation is longer than the model takes%s: summarize its beginning (chat compact), start a new one, or choose a model with a larger context", said.Tokens())
	case apierror.KindTooFast:
		return chat.Errorf(chat.CodeProviderRateLimit, "%s takes at most %d tokens a minute, and this conversation needs %d: start a new one, choose another model, or have the limit of the account raised", s.Host, said.Limit, said.Used)
	case apierror.KindPayload:
		return chat.Errorf(chat.CodeProviderRefused, "the request is too large for %s (%d): send fewer or smaller files, or start a new conversation", s.Host, status)
	case apierror.KindQuota:
		return chat.Errorf(chat.CodeProviderQuota, "the account at %s has no quota left: add credit there, or use another key or a local model", s.Host)
	case apierror.KindAuth:
		return s.badKey(status)
	case apierror.KindForbidden:
		if said.FromWebPage() {
			return chat.Errorf(chat.CodeProviderAuth, "a web page in place of %s does not allow this (403): a firewall may stand before it, or %s is another address", s.Host, s.BaseSetting())
		}
		return chat.Errorf(chat.CodeProviderAuth, "%s does not allow this (403): see whether the key (%s) may use the model %s", s.Host, s.keySetting(), model.OneLine(modelID, model.MaxID))
	case apierror.KindModel:
		return s.noSuchModel(modelID, "", nil)
	case apierror.KindPath:
		at, advice := s.dialect.Missing()
		return chat.Errorf(chat.CodeProviderProtocol, "%s has nothing at %s (%d): check %s%s", s.Host, at, status, s.BaseSetting(), advice)
	case apierror.KindFilter:
		return chat.Errorf(chat.CodeProviderFilter, "the content filter of %s refused the message: put it differently, or choose another model", s.Host)
	case apierror.KindPlainHTTP:
		return chat.Errorf(chat.CodeProviderConnect, "%s takes HTTPS only: write https:// in %s", s.Host, s.BaseSetting())
	case apierror.KindProxy:
		return s.proxyRefusal(status)
	case apierror.KindBusy:
		return s.pausing(chat.CodeProviderServer, "is overloaded", said, status)
	case apierror.KindLoading:
		return s.pausing(chat.CodeProviderServer, "is still loading the model", said, status)
	case apierror.KindRate:
		return s.pausing(chat.CodeProviderRateLimit, "limits the rate", said, status)
	case apierror.KindServer:
		return s.pausing(chat.CodeProviderServer, "failed", said, status)
	case apierror.KindOther:
	}
	return chat.Errorf(chat.CodeProviderRefused, "%s refused the request (%d): change the message or the model (\"chat models\" lists them)", s.Host, status)
}

// pausing returns the error of a temporary failure.
func (s *Server) pausing(code chat.Code, what string, said *apierror.Error, status int) *chat.Error {
	if said.Delay > 0 {
		return chat.Errorf(code, "%s %s (%d) and asks to wait %s: send again then", s.Host, what, status, apierror.FormatDelay(said.Delay))
	}
	return chat.Errorf(code, "%s %s (%d): wait a little and send again", s.Host, what, status)
}

func (s *Server) badKey(status int) *chat.Error {
	if s.Key == "" {
		return chat.Errorf(chat.CodeProviderAuth, "%s asks for a key (%d): keep one with chat auth login%s, or set %s", s.Host, status, s.dialect.Login, s.dialect.KeyVariable)
	}
	return chat.Errorf(chat.CodeProviderAuth, "%s does not accept the key of %s (%d): set it to a valid one, or keep one with chat auth login%s", s.Host, s.keySetting(), status, s.dialect.Login)
}

func (s *Server) noSuchModel(modelID, said string, cause error) *chat.Error {
	out := chat.Errorf(chat.CodeProviderModel,
		"%s has no model %q, or its base URL is another: \"chat models\" lists the models there are", s.Host, model.OneLine(modelID, model.MaxID))
	if said != "" {
		out.Message += apierror.ItSaid + said
	}
	out.Cause = cause
	return out
}

// CutError returns the error of a stream that stopped without a proper end.
func (s *Server) CutError(err error) *chat.Error {
	out := chat.Retryable(chat.Errorf(chat.CodeProviderCut, "the connection to %s ended in the middle of the answer: send again", s.Host))
	out.Cause = apierror.Redact(err, s.Key)
	return out
}

// NotUnderstood returns the error of an answer that ended after an unknown event.
func (s *Server) NotUnderstood(event []byte, some bool) *chat.Error {
	if !some {
		out := s.ProtocolError("sent events that are not "+s.dialect.Events, nil)
		out.Message += "; one of them: " + apierror.Quote(string(event), s.Key)
		return out
	}
	return chat.Retryable(chat.Errorf(chat.CodeProviderCut,
		"%s ended its answer after an event that chat does not know: send again; it said: %s", s.Host, apierror.Quote(string(event), s.Key)))
}

// Afterwards returns the notice about a failure after the end of an answer.
func (s *Server) Afterwards(said []byte) string {
	words := apierror.Read(said, s.Key).Message
	if words == "" {
		words = apierror.Quote(string(said), s.Key)
	}
	return fmt.Sprintf("the answer is complete; after it %s reported a failure: %s", s.Host, words)
}

// ProtocolError returns the error of a server that does not speak the dialect.
func (s *Server) ProtocolError(what string, cause error) *chat.Error {
	out := chat.Errorf(chat.CodeProviderProtocol,
		"%s %s: see whether %s is %s", s.Host, what, s.BaseSetting(), s.dialect.API)
	if cause != nil {
		out.Cause = apierror.Redact(cause, s.Key)
	}
	return out
}

func (s *Server) webPage(page []byte) *chat.Error {
	out := s.ProtocolError("answered with a web page", nil)
	if title := apierror.PageTitle(page); title != "" {
		out.Message += "; its title: " + apierror.Quote(title, s.Key)
	}
	return out
}

func (s *Server) answerTooLarge(limit int) *chat.Error {
	return chat.Errorf(chat.CodeAnswerTooLarge, "the answer of %s passed the limit of %d bytes: ask for a shorter one", s.Host, limit)
}

func (s *Server) eventTooLarge(limit int) *chat.Error {
	return chat.Errorf(chat.CodeAnswerTooLarge, "%s sent an event of more than %d bytes: ask for a shorter answer, or choose another model", s.Host, limit)
}
