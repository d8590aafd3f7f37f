package openai

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"chat"
	"chat/daemon/model"
	"chat/daemon/model/answer"
	"chat/daemon/model/apierror"
	"chat/daemon/model/openai/responses"
	"chat/daemon/model/transport"
)

// attachment makes one answer by the Responses API. The server makes the answer whether or
// not a connection reads it, so that after a cut, and in a later attempt, the answer is
// asked for at the position that was reached and not made again.
type attachment struct {
	*call
	stored bool // the server keeps the response, which OpenAI requires

	id     string // of the response, "" if there is none
	void   string // id of the response before, which failed or was lost
	ended  bool   // the response has ended
	events responses.Reader
	answer *answer.Answer
	some   bool      // text was emitted
	polls  bool      // the server does not stream the response any more
	since  time.Time // when the last text came, or the attempt began
	cuts   int       // since the last text
	losses int       // responses that the server did not know any more
}

// maxLosses is how many responses a server may lose in one attempt. Each new one costs as much
// as the one before, and the attempts of a task have a limit.
const maxLosses = 1

// lost precedes the id of a response in model.Event.Upstream that must not be asked for.
const lost = "!"

// upstream is what attempts know of each other: the server, and the id of the response.
func (at *attachment) upstream(id string) string { return at.to.mark() + " " + id }

// mark names the server of a response.
func (e *endpoint) mark() string {
	sum := sha256.Sum256([]byte(e.Base))
	return hex.EncodeToString(sum[:4])
}

// newAttachment returns an attachment to the response of an earlier attempt, if there is one.
func newAttachment(c *call, stored bool) *attachment {
	at := &attachment{call: c, stored: stored, since: time.Now()}
	if id, ours := strings.CutPrefix(c.upstream, at.upstream("")); ours {
		if gone, isLost := strings.CutPrefix(id, lost); isLost {
			at.void = gone
		} else {
			at.id = id
		}
	}
	c.draft.streamed = true
	at.begin()
	return at
}

// begin begins the text.
func (at *attachment) begin() {
	at.answer = answer.New(at.Limits.MaxAnswer, false, func(e model.Event) error {
		at.some = at.some || e.Chunk.Type != ""
		return at.Deliver(e)
	})
	at.answer.SetApart()
}

// restart makes all text so far void.
func (at *attachment) restart() error {
	at.begin()
	if !at.some {
		return nil
	}
	at.some = false
	return at.Deliver(model.Event{Void: true})
}

// make asks for the answer until it is complete, or nothing has come for too long.
func (at *attachment) make(ctx context.Context) error {
	for {
		err := at.attach(ctx)
		if err == nil || ctx.Err() != nil || errors.Is(err, transport.ErrStopped) {
			return err
		}
		wait, again := at.again(err)
		if !again {
			return err
		}
		if wait == 0 {
			if at.losses++; at.losses > maxLosses {
				return at.to.CutError(fmt.Errorf("the response is lost again: %s", err)) //nolint:errorlint // it is no refusal of the request
			}
			if err := at.lose(); err != nil {
				return err
			}
			continue
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		}
	}
}

// errNotYet says that a response that is asked for from time to time has not ended.
var errNotYet = chat.Retryable(chat.Errorf(chat.CodeProviderIdle, "the answer is still being made: send again"))

// again reports whether to ask for the response again after an error, and how long to wait.
// No wait means that the server does not know the response.
func (at *attachment) again(err error) (wait time.Duration, again bool) {
	e, refused := chat.AsError(err), apierror.RefusalIn(err)
	switch {
	case at.id == "":
		return 0, false // the response has failed, or there never was one
	case refused != nil && refused.Status == http.StatusNotFound:
		return 0, true
	case !e.Retryable:
		if at.polls || refused == nil || !refused.OfRequest() || e.Code == chat.CodeProviderAuth {
			return 0, false
		}
		at.polls = true // OpenAI streams a response for some minutes only
		return time.Millisecond, true
	}
	at.cuts++
	wait = max(chat.Backoff(at.cuts, 100*time.Millisecond, 5*time.Second), e.RetryAfter)
	limit := at.patience()
	return wait, limit <= 0 || time.Since(at.since)+wait <= limit
}

// patience is how long no text may come.
func (at *attachment) patience() time.Duration {
	switch {
	case at.polls:
		return at.Limits.Whole()
	case at.some:
		return at.Limits.Idle
	}
	return at.Limits.FirstToken
}

// lose forgets the response.
func (at *attachment) lose() error {
	if err := at.forget(); err != nil {
		return err
	}
	at.events, at.polls = responses.Reader{}, false
	return at.restart()
}

// forget stores that the response must not be asked for again.
func (at *attachment) forget() error {
	at.void, at.id = at.id, ""
	return at.Emit(model.Event{Upstream: at.upstream(lost + at.void)})
}

// attach makes one request, and reads the response to its end or to a cut.
func (at *attachment) attach(parent context.Context) error {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	x := at.exchange(cancel)
	x.ReadsFailures, x.IsAnswer = true, responses.IsResponse
	x.Limits.MaxEvent += 2 * x.Limits.MaxAnswer // the last event has the whole answer
	defer x.Watch.Disarm()
	if err := at.open(ctx, x); err != nil {
		return at.explain(at.Classify(parent, err))
	}
	defer func() { _ = x.Body.Close() }() // nothing follows from a failing close
	return at.read(parent, x)
}

// explain returns a more helpful error if the server does not have the API at all.
func (at *attachment) explain(err error) error {
	if refused := apierror.RefusalIn(err); at.id != "" || refused == nil || refused.Status != http.StatusNotFound || !chat.IsCode(err, chat.CodeProviderProtocol) {
		return err
	}
	return chat.Errorf(chat.CodeProviderProtocol, "%s has nothing at %s (404), so it lacks the Responses API: set provider_api (CHATD_PROVIDER_API) to completions, or check %s",
		at.to.Host, at.to.shown(responsesPath), at.to.BaseSetting())
}

// open asks for the response or, if there is none, for a new one.
func (at *attachment) open(ctx context.Context, x *exchange) error {
	req, err := at.request(ctx)
	if err != nil {
		return err
	}
	defer x.Watch.Disarm()
	x.Watch.Arm(at.Limits.Headers, x.Phases.Headers)
	return x.Send(req)
}

func (at *attachment) request(ctx context.Context) (*http.Request, error) {
	if at.id != "" {
		return at.retrieval(ctx)
	}
	response, err := at.draft.response(ctx)
	if err != nil {
		return nil, err
	}
	response.Stream, response.Background, response.Store = true, at.stored, at.stored
	body, err := json.Marshal(response)
	if err != nil {
		return nil, fmt.Errorf("encode the request: %w", err)
	}
	req, err := at.to.NewRequest(ctx, http.MethodPost, responsesPath, body, true)
	if err == nil && at.key != "" {
		sum := sha256.Sum256(append([]byte(at.key+"\x00"+at.void+"\x00"), body...))
		req.Header.Set("Idempotency-Key", "chat-"+hex.EncodeToString(sum[:16]))
	}
	return req, err
}

// responsesPath is the path of the Responses API.
const responsesPath = "/responses"

// retrieval asks for the rest of the response.
func (at *attachment) retrieval(ctx context.Context) (*http.Request, error) {
	last, known := at.events.Last()
	if !known && !at.polls { // the stream comes from its beginning
		at.events = responses.Reader{}
		if err := at.restart(); err != nil {
			return nil, err
		}
	}
	req, err := at.to.NewRequest(ctx, http.MethodGet, responsesPath+"/"+url.PathEscape(at.id), nil, !at.polls)
	if err != nil || at.polls {
		return req, err
	}
	query := url.Values{"stream": {"true"}}
	if known {
		query.Set("starting_after", strconv.Itoa(last))
	}
	req.URL.RawQuery = query.Encode()
	return req, nil
}

// read reads events to the end of the response.
func (at *attachment) read(parent context.Context, x *exchange) error {
	if at.some {
		x.Watch.Arm(at.Limits.Idle, x.Phases.Idle)
	} else {
		x.Watch.Arm(at.Limits.FirstToken, x.Phases.FirstToken)
	}
	for {
		raw, err := x.Body.Next()
		switch {
		case err == io.EOF && at.polls: //nolint:errorlint // [DONE] is io.EOF itself
			return errNotYet
		case err == io.EOF: //nolint:errorlint // as above
			return at.to.CutError(io.ErrUnexpectedEOF)
		case err == nil:
			err = at.take(x, raw)
		}
		if err != nil || at.ended {
			if err != nil {
				err = at.Classify(parent, err)
			}
			return err
		}
	}
}

// take adds what an event says to the answer.
func (at *attachment) take(x *exchange, raw []byte) error {
	said, err := at.events.Read(raw)
	if err != nil {
		return at.to.ProtocolError("sent an event that is not one of the Responses API", err)
	}
	x.BytesSinceText = 0
	if said.ID != "" && at.id == "" {
		at.id = said.ID
		x.Watch.Disarm()
		if err := at.Deliver(model.Event{Upstream: at.upstream(at.id)}); err != nil {
			return err
		}
		x.Watch.Arm(at.Limits.FirstToken, x.Phases.FirstToken)
	}
	if said.Void {
		if err := at.restart(); err != nil {
			return err
		}
	}
	grew, err := at.answer.Add(&said.Frame)
	if err != nil {
		return err
	}
	if grew {
		at.since, at.cuts = time.Now(), 0
		x.Watch.Arm(at.Limits.Idle, x.Phases.Idle)
	}
	if !said.Ended {
		return nil
	}
	x.Watch.Disarm()
	return at.end(&said)
}

// end ends the answer as the response has ended. A response without an answer is forgotten,
// so that another attempt asks for a new one.
func (at *attachment) end(said *responses.Said) error {
	if at.ended = said.Failure == nil && !said.Stopped; at.ended {
		return at.answer.End(at.to.Host)
	}
	if err := at.forget(); err != nil {
		return err
	}
	if said.Stopped {
		return chat.Errorf(chat.CodeProviderServer, "the answer was stopped at %s: send again", at.to.Host)
	}
	code, retryable := responses.CodeOf(said.Failure)
	if code == "" {
		return at.to.StreamError(said.Failure, at.draft.Model)
	}
	out := chat.Errorf(code, "%s failed to make the answer: send again%s%s", at.to.Host, apierror.ItSaid, apierror.Read(said.Failure, at.to.Secrets()...).Message)
	out.Retryable = retryable
	return out
}

// cancelLimit bounds how long the cancel of a response may take. Nothing depends on it.
const cancelLimit = 3 * time.Second

// abandon cancels the response if no attempt will ask for it again: a user has cancelled the
// answer, or err cannot be repaired by another attempt.
func (at *attachment) abandon(ctx context.Context, err error) {
	if at.id == "" || at.ended {
		return
	}
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	if e, ok := errors.AsType[*chat.Error](err); !errors.Is(err, model.ErrCancelled) && (!ok || e.Retryable) {
		return
	}
	at.to.cancelResponse(context.WithoutCancel(ctx), at.id)
}

// cancelResponse cancels a response. If that fails, the response ends later.
func (e *endpoint) cancelResponse(ctx context.Context, id string) {
	ctx, cancel := context.WithTimeout(ctx, cancelLimit)
	defer cancel()
	req, err := e.NewRequest(ctx, http.MethodPost, responsesPath+"/"+url.PathEscape(id)+"/cancel", nil, false)
	if err != nil {
		return
	}
	if resp, err := e.roundTrip(req); err == nil {
		_ = resp.Body.Close() // best effort
	}
}

// Abandon implements model.Abandoner.
func (p *Provider) Abandon(ctx context.Context, upstream string) {
	if id, ours := strings.CutPrefix(upstream, p.to.mark()+" "); ours && !strings.HasPrefix(id, lost) {
		p.to.cancelResponse(ctx, id)
	}
}
