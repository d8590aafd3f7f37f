package openai_test

import (
	"context"
	"io"
	"log/slog"
	"net/http/httptest"
	"testing"

	"chat"
	"chat/daemon/model/modeltest"
	"chat/daemon/model/providers"
	"chat/daemon/model/transport"
)

// Over HTTP/2, as big providers speak it, ends, cuts and cancels mean the same.
func TestOverHTTP2(t *testing.T) {
	server := modeltest.NewServer()
	h := httptest.NewUnstartedServer(server)
	h.EnableHTTP2 = true
	h.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError) // aborted handlers are what is tested
	h.StartTLS()
	t.Cleanup(func() { server.Close(); h.CloseClientConnections(); h.Close() })
	r := newRegistry(t, providers.Config{BaseURL: h.URL + "/v1", DefaultModel: "m", Transport: h.Client().Transport})

	if g := modeltest.Collect(t.Context(), t, r, modeltest.Ask("lie: chunks=50 reasoning=2")); g.Err != nil || g.Content != modeltest.Answer(1, 50) {
		t.Fatalf("%+v", g)
	}
	for _, lie := range []string{"cut=3", "abort=3", "rst=3"} {
		modeltest.WantCode(t, modeltest.Collect(t.Context(), t, r, modeltest.Ask("lie: "+lie)).Err, chat.CodeProviderCut, true)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	var last error
	for _, err := range r.Stream(ctx, modeltest.Ask("lie: endless pace=1ms")) {
		last = err
		cancel(errStop)
	}
	if last != errStop { //nolint:errorlint // the contract is the cause itself
		t.Errorf("the error is %v", last)
	}
	wait, done := context.WithTimeout(t.Context(), modeltest.Timeout)
	defer done()
	if err := server.Wait(wait, func(c []modeltest.Call) bool { return c[len(c)-1].Gone() }); err != nil {
		t.Error("the provider never saw the client leave")
	}
}

// BenchmarkChunk is what one chunk costs from the wire to the Event.
func BenchmarkChunk(b *testing.B) {
	const chunk = `data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m","system_fingerprint":"fp","choices":[{"index":0,"delta":{"content":" word"},"logprobs":null,"finish_reason":null}]}` + "\n\n"
	r := providers.New(providers.Config{BaseURL: "http://canned.test/v1", DefaultModel: "m", Transport: canned{reader: func(io.Reader) io.Reader {
		return &repeated{text: chunk, n: b.N, end: "data: [DONE]\n\n"}
	}}, Limits: transport.Limits{MaxAnswer: 1 << 40}})
	b.ReportAllocs()
	for _, err := range r.Stream(b.Context(), modeltest.Ask("hello")) {
		if err != nil {
			b.Fatal(err)
		}
	}
}

// repeated reads as text, n times, then end.
type repeated struct {
	text, end string
	n         int
}

func (r *repeated) Read(p []byte) (int, error) {
	switch {
	case r.n > 0:
		r.n--
		return copy(p, r.text), nil
	case r.end != "":
		n := copy(p, r.end)
		r.end = ""
		return n, nil
	}
	return 0, io.EOF
}
