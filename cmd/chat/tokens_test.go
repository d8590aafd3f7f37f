package main

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"chat"
	"chat/internal/cli/exit"
)

// Tokens of the cache and of reasoning are shown where tokens are, and have their price.
func TestTokensOfTheCacheAndOfReasoningAreShown(t *testing.T) {
	w, _ := newLiar(t)
	usage := url.QueryEscape(`{"prompt_tokens":10000,"completion_tokens":500,"total_tokens":10500,"prompt_tokens_details":{"cached_tokens":6000,"cache_write_tokens":1000},"completion_tokens_details":{"reasoning_tokens":400}}`)
	const sentence = "10500 tokens: 10000 of the prompt (6000 cached, 1000 written to the cache), 500 of the answer (400 reasoning)"
	r := w.chat("send", "--usage", "lie: chunks=1 usage="+usage)
	if r.code != exit.OK || !strings.Contains(r.stderr, sentence) {
		t.Fatalf("send: %+v", r)
	}
	if r := w.chat("show", "last", "--usage"); r.code != exit.OK || !strings.Contains(r.out, "\n> "+sentence+"\n") {
		t.Errorf("show: %+v", r)
	}
	if r := w.chat("show", "last"); strings.Contains(r.out, "tokens: ") {
		t.Errorf("show without --usage: %+v", r)
	}
	if r := w.chat("usage"); !strings.Contains(r.out, "CACHED") || strings.Contains(r.out, "COST") {
		t.Errorf("usage: %+v", r)
	}
	dir := filepath.Join(w.env["XDG_CONFIG_HOME"], "chat")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	write := func(prices string) {
		if err := os.WriteFile(filepath.Join(dir, "config.toml"), []byte("[models.lying]\n"+prices), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for prices, want := range map[string]string{
		"input_price = 3\noutput_price = 15\n":                                                     "$0.0375",
		"input_price = 3\noutput_price = 15\ncached_input_price = 0.3\n":                           "$0.0213",
		"input_price = 3\noutput_price = 15\ncached_input_price = 0.3\ncache_write_price = 3.75\n": "$0.0221",
	} {
		write(prices)
		r := w.chat("usage")
		if fields := strings.Fields(r.out); r.code != exit.OK ||
			strings.Join(fields[:8], " ") != "MODEL ANSWERS PROMPT CACHED WRITTEN COMPLETION REASONING TOKENS" ||
			strings.Join(fields[9:18], " ") != "lying 1 10000 6000 1000 500 400 10500 "+want {
			t.Errorf("%s: %+v", prices, r)
		}
	}
	var got struct {
		Total chat.Usage
	}
	if r := w.chat("usage", "--json"); json.Unmarshal([]byte(r.out), &got) != nil || got.Total != (chat.Usage{
		PromptTokens: 10000, CompletionTokens: 500, TotalTokens: 10500, CachedTokens: 6000, CacheWriteTokens: 1000, ReasoningTokens: 400,
	}) {
		t.Errorf("%+v", r)
	}
	write("input_price = 3\ncached_input_price = 0\n")
	if r := w.chat("config", "check"); r.code == exit.OK || !strings.Contains(r.stderr, "models.lying.cached_input_price: it must be dollars per million tokens, more than 0") {
		t.Errorf("%+v", r)
	}
}
