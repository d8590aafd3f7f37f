package transcript

import (
	"strings"
	"testing"
	"time"
)

func TestTokensAreEstimated(t *testing.T) {
	for text, want := range map[string]string{
		"": "~0 tokens", "word": "~1 tokens", "日本語文": "~2 tokens",
		strings.Repeat("abcd", 1500): "~1.5 k tokens", strings.Repeat("abcd", 25_000): "~25 k tokens",
	} {
		if got := about(tokens(text)); got != want {
			t.Errorf("%.10q: %s, want %s", text, got, want)
		}
	}
}

func TestPaceIgnoresFirstFrame(t *testing.T) {
	var p pace
	now := time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)
	p.add(strings.Repeat("replayed ", 10_000), now)
	p.add(strings.Repeat("in the same frame ", 100), now)
	if p.label(now.Add(time.Hour)) != "" {
		t.Error("a pace of what was replayed")
	}
	for i := range 10 {
		p.add(strings.Repeat("abcd", 40), now.Add(time.Duration(i+1)*time.Second))
	}
	if got := p.label(now.Add(10 * time.Second)); got != "~40 tok/s" {
		t.Errorf("%q", got)
	}
	if got := p.label(now.Add(time.Second)); got != "" {
		t.Errorf("after a second %q", got)
	}
}
