package providers

import (
	"strings"
	"testing"

	"chat/daemon/model"
	"chat/daemon/model/anthropic"
	"chat/daemon/model/openai"
	"chat/daemon/model/transport"
)

// The requests of one base URL, key and model share their limits, and the name of the bucket does
// not reveal the key.
func TestBucketsOfRateLimits(t *testing.T) {
	t.Parallel()
	network := transport.NewClient(transport.Options{})
	defer network.Close()
	client, messages := openai.New(openai.Options{Network: network}), anthropic.New(network)
	provider := func(kind, base, key string) model.Metered {
		p := named(client, messages, Named{Name: "p", Kind: kind, BaseURL: base, Key: key})
		m, ok := p.(model.Metered)
		if !ok {
			t.Fatalf("a provider of the kind %q has no buckets", kind)
		}
		return m
	}
	const base, key = "https://llm.example.com/v1", "sk-secret"
	first := provider(OpenAI, base, key).Bucket("large")
	if first != provider(OpenAI, base+"/", key).Bucket("large") {
		t.Error("the same provider has two buckets")
	}
	others := map[string]string{
		"another model": provider(OpenAI, base, key).Bucket("small"), "another key": provider(OpenAI, base, key+"2").Bucket("large"),
		"another server": provider(OpenAI, "https://llm.example.org/v1", key).Bucket("large"), "a query": provider(OpenAI, base+"?v=1", key).Bucket("large"),
		"another dialect": provider(Anthropic, "https://llm.example.com", key).Bucket("large"),
	}
	for what, other := range others {
		if other == first {
			t.Errorf("%s has the same bucket", what)
		}
	}
	if len(first) != 24 || strings.Contains(first, "secret") {
		t.Errorf("the bucket is %q", first)
	}
}
