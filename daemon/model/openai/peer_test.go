package openai_test

import (
	"net/http"
	"strings"
	"syscall"
	"testing"

	"chat"
	"chat/daemon/model/modeltest"
	"chat/daemon/model/openai"
	"chat/daemon/model/providers"
)

// A chatd is found by its hello, once, and is asked for temporary answers.
func TestAChatdIsFound(t *testing.T) {
	t.Parallel()
	for _, api := range []openai.API{openai.Auto, openai.Responses} {
		server, r := background(t, modeltest.Reply{Content: tokens(2)}, func(c *providers.Config) { c.API = api })
		server.Peer = true
		for range 2 {
			if got := modeltest.Collect(t.Context(), t, r, modeltest.Ask("hello")); got.Err != nil {
				t.Fatal(got.Err)
			}
		}
		asked := server.Asked()[0]
		if stored := api == openai.Responses; asked["stream"] != true || asked["store"] != stored || (asked["background"] == true) != stored {
			t.Errorf("%s: asked %v", api, asked)
		}
		if want := map[openai.API]int{openai.Auto: 1}[api]; server.Hellos() != want {
			t.Errorf("%s: %d hellos", api, server.Hellos())
		}
	}
}

// A chatd that is started after the one before it is found.
func TestAChatdThatStartsLateIsFound(t *testing.T) {
	t.Parallel()
	server := modeltest.NewBackground(t, modeltest.Reply{Content: tokens(2)})
	server.Peer = true
	network := &http.Transport{}
	t.Cleanup(network.CloseIdleConnections)
	down := true
	r := newRegistry(t, providers.Config{BaseURL: server.URL, DefaultModel: "m", API: openai.Auto, Transport: roundTrip(func(req *http.Request) (*http.Response, error) {
		if down {
			return nil, syscall.ECONNREFUSED
		}
		return network.RoundTrip(req)
	})})
	modeltest.WantCode(t, modeltest.Collect(t.Context(), t, r, askAs("task")).Err, chat.CodeProviderConnect, true)
	down = false
	if got := modeltest.Collect(t.Context(), t, r, askAs("task")); got.Err != nil || got.Upstream == "" {
		t.Errorf("%v, upstream %q", got.Err, got.Upstream)
	}
}

func TestAServerThatIsNoChatdIsAskedForCompletions(t *testing.T) {
	t.Parallel()
	server, r := newFake(t, func(c *providers.Config) { c.API = openai.Auto })
	for n := 1; n <= 2; n++ {
		if got := modeltest.Collect(t.Context(), t, r, askAs("task")); got.Err != nil || len(server.Calls()) != n {
			t.Errorf("%v, %d calls", got.Err, len(server.Calls()))
		}
	}
}

// The Responses API has no counterparts of some parameters.
func TestParametersThatOnlyChatCompletionsHas(t *testing.T) {
	t.Parallel()
	seed, penalty := int64(7), 0.5
	for name, p := range map[string]chat.Parameters{"stop": {Stop: []string{"END"}}, "seed": {Seed: &seed}, "penalty": {PresencePenalty: &penalty}} {
		server, r := newFake(t, func(c *providers.Config) { c.API = openai.Responses })
		req := askAs("task")
		req.Parameters = p
		if got := modeltest.Collect(t.Context(), t, r, req); got.Err != nil || len(server.Calls()) != 1 {
			t.Errorf("%s: %v, %d calls of Chat Completions", name, got.Err, len(server.Calls()))
		}
	}
}

func TestAServerWithoutTheResponsesAPIIsNamed(t *testing.T) {
	t.Parallel()
	_, r := newFake(t, func(c *providers.Config) { c.API = openai.Responses })
	got := modeltest.Collect(t.Context(), t, r, askAs("task"))
	e := modeltest.ErrorOf(t, got.Err, chat.CodeProviderProtocol, false)
	if !strings.Contains(e.Message, "/v1/responses") || !strings.Contains(e.Message, "CHATD_PROVIDER_API") {
		t.Error(e.Message)
	}
}
