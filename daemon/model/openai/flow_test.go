package openai_test

import (
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"chat/daemon/model/modeltest"
	"chat/daemon/model/providers"
)

// delayedReads asks for one second before each read, and counts how often it is asked.
type delayedReads struct{ calls atomic.Int64 }

func (d *delayedReads) ReadDelay() time.Duration { d.calls.Add(1); return time.Second }

func TestFlowControlDelaysReads(t *testing.T) {
	const chunk = `data: {"choices":[{"index":0,"delta":{"content":"word"},"finish_reason":null}]}` + "\n\n"
	synctest.Test(t, func(t *testing.T) {
		var flow delayedReads
		r := providers.New(providers.Config{
			BaseURL: "http://canned.test/v1", DefaultModel: "m",
			Flow: &flow,
			Transport: canned{reader: func(io.Reader) io.Reader {
				return io.MultiReader(strings.NewReader(chunk), strings.NewReader(chunk), strings.NewReader("data: [DONE]\n\n"))
			}},
		})
		began := time.Now()
		var at []time.Duration
		for e, err := range r.Stream(t.Context(), modeltest.Ask("hello")) {
			if err != nil {
				t.Fatal(err)
			}
			if e.Chunk.Content != "" {
				at = append(at, time.Since(began))
			}
		}
		if len(at) != 2 || at[0] != 0 || at[1] != time.Second || flow.calls.Load() == 0 {
			t.Errorf("texts came after %v, and ReadDelay was called %d times", at, flow.calls.Load())
		}
	})
}
