package openai

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"
)

// API is how a server is asked for answers.
type API string

// The APIs. A provider whose Settings have none uses Completions.
const (
	// Completions is Chat Completions, which every server has.
	Completions API = "completions"
	// Responses is the Responses API in background mode: the server stores an answer, and
	// an attempt continues that of another.
	Responses API = "responses"
	// Auto is Responses if the server is another chatd, without background mode and storage:
	// a chatd does not need them. It is Completions for all others.
	Auto API = "auto"
)

const (
	// helloTimeout bounds the question whether a server is a chatd.
	helloTimeout = 3 * time.Second
	// helloPause is how long a server that did not answer it is not asked again.
	helloPause = time.Minute
)

// peering is whether a server is a chatd.
type peering struct {
	is    bool
	until time.Time // zero: for good
}

// attachment returns how c makes its answer, nil for Chat Completions. Parameters that only
// Chat Completions has matter more than to find the answer again.
func (p *Provider) attachment(ctx context.Context, c *call) *attachment {
	switch {
	case p.api == Responses && c.draft.hasResponse(false):
		return newAttachment(c, true)
	case p.api == Auto && c.draft.hasResponse(true) && (strings.HasPrefix(c.upstream, p.to.mark()+" ") || p.to.isPeer(ctx)):
		return newAttachment(c, false)
	}
	return nil
}

// isPeer reports whether e is a chatd.
func (e *endpoint) isPeer(ctx context.Context) bool {
	if known := e.peer.Load(); known != nil && (known.until.IsZero() || time.Now().Before(known.until)) {
		return known.is
	}
	root, versioned := strings.CutSuffix(e.Base, "/v1")
	if !versioned && !e.unversioned || e.isOpenAI() {
		return false
	}
	found := e.hello(ctx, root)
	if found != nil {
		e.peer.Store(found)
	}
	return found != nil && found.is
}

// hello asks whether a chatd answers below root. It sends no key. The result is nil if there
// was no answer because nothing listens: the request for an answer fails, too.
func (e *endpoint) hello(ctx context.Context, root string) *peering {
	limited, cancel := context.WithTimeout(ctx, helloTimeout)
	defer cancel()
	unsure := &peering{until: time.Now().Add(helloPause)} // something between may have answered
	req, err := http.NewRequestWithContext(limited, http.MethodGet, root+"/hello", nil)
	if err != nil {
		return unsure
	}
	resp, err := e.RoundTripper.RoundTrip(req)
	switch {
	case err != nil && (limited.Err() == nil || ctx.Err() != nil):
		return nil
	case err != nil:
		return unsure
	}
	defer func() { _ = resp.Body.Close() }() // the body is all that counts
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound:
		return &peering{}
	default:
		return unsure
	}
	var v struct {
		Instance string `json:"instance"`
		State    string `json:"state"`
		Protocol struct {
			Max int `json:"max"`
		} `json:"protocol"`
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
	if err != nil {
		return unsure
	}
	return &peering{is: json.Unmarshal(body, &v) == nil && v.Instance != "" && v.State != "" && v.Protocol.Max > 0}
}
