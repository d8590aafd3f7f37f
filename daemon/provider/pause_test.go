package provider_test

import (
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"chat/daemon/provider"
)

func TestAnAnswerIsReadMoreSlowlyOnRequest(t *testing.T) {
	const chunk = `data: {"choices":[{"index":0,"delta":{"content":"word"},"finish_reason":null}]}` + "\n\n"
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int64
		r := provider.New(provider.Config{
			BaseURL: "http://canned.test/v1", DefaultModel: "m",
			Pause: func() time.Duration { asked.Add(1); return time.Second },
			Transport: canned{reader: func(io.Reader) io.Reader {
				return io.MultiReader(strings.NewReader(chunk), strings.NewReader(chunk), strings.NewReader("data: [DONE]\n\n"))
			}},
		})
		began := time.Now()
		var at []time.Duration
		for e, err := range r.Stream(t.Context(), ask("hello")) {
			if err != nil {
				t.Fatal(err)
			}
			if e.Chunk.Content != "" {
				at = append(at, time.Since(began))
			}
		}
		if len(at) != 2 || at[0] != 0 || at[1] != time.Second || asked.Load() == 0 {
			t.Errorf("texts came after %v, and the pause was asked for %d times", at, asked.Load())
		}
	})
}
