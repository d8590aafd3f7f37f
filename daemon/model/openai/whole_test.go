package openai_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"chat"
	"chat/daemon/model/modeltest"
	"chat/daemon/model/providers"
)

// roundTrip is a network.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A model that does not stream sends nothing until its answer is complete, which may take
// longer than the first word of a stream, but not for ever.
func TestAModelThatDoesNotStreamHasMoreTime(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		takes time.Duration
		want  string
	}{
		"nine minutes": {9 * time.Minute, ""},
		"an hour":      {time.Hour, "picky.example sent no answer within 12m0s, and does not stream"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				network := roundTrip(func(req *http.Request) (*http.Response, error) {
					body, err := io.ReadAll(req.Body)
					if err != nil {
						return nil, err
					}
					reply := func(status int, text string) (*http.Response, error) {
						return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(text))}, nil
					}
					if strings.Contains(string(body), `"stream":true`) {
						return reply(400, `{"error":{"message":"stream is not supported"}}`)
					}
					timer := time.NewTimer(tc.takes)
					defer timer.Stop()
					select {
					case <-timer.C:
						return reply(200, `{"choices":[{"message":{"content":"at last"},"finish_reason":"length"}]}`)
					case <-req.Context().Done():
						return nil, context.Cause(req.Context())
					}
				})
				r := providers.New(providers.Config{BaseURL: "http://picky.example/v1", DefaultModel: "picky", Transport: network})
				defer r.Close()
				var text string
				var failure error
				for e, err := range r.Stream(t.Context(), modeltest.Ask("x")) {
					text += e.Chunk.Content
					failure = err
				}
				if tc.want == "" && (failure != nil || text != "at last") {
					t.Errorf("%q, %v", text, failure)
				}
				if tc.want != "" && (!chat.IsCode(failure, chat.CodeProviderFirstToken) || !strings.Contains(failure.Error(), tc.want)) {
					t.Errorf("%v", failure)
				}
			})
		})
	}
}

// What is remembered of models is bounded: their names come from whoever sends a message.
func TestWhatModelsRefuseIsForgottenInTheEnd(t *testing.T) {
	t.Parallel()
	asked := 0
	network := roundTrip(func(req *http.Request) (*http.Response, error) {
		asked++
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		status, reply := 200, `{"choices":[{"message":{"content":"yes"}}]}`
		if strings.Contains(string(body), "stream_options") {
			status, reply = 400, `{"error":"unknown field stream_options"}`
		}
		return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(reply))}, nil
	})
	r := providers.New(providers.Config{BaseURL: "http://picky.example/v1", Transport: network})
	defer r.Close()
	requests := func(model string) int {
		before := asked
		req := modeltest.Ask("x")
		req.Model = model
		if g := modeltest.Collect(t.Context(), t, r, req); g.Err != nil {
			t.Fatal(g.Err)
		}
		return asked - before
	}
	if first, second := requests("first"), requests("first"); first != 2 || second != 1 {
		t.Errorf("%d requests, then %d", first, second)
	}
	for n := range 1024 {
		requests(fmt.Sprint("model ", n))
	}
	if again := requests("first"); again != 2 {
		t.Errorf("%d requests: the first model is still known after a thousand others", again)
	}
}
