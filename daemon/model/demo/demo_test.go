package demo

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"
)

func TestTokensAreTheText(t *testing.T) {
	for _, s := range []string{"", "a", "  ", "Donaudampfschifffahrt und 北京市の天気 \n\n```go\nx\n```\n", tryThis, tour, setup, "\xff\xfe"} {
		parts := tokens(s)
		if got := strings.Join(parts, ""); got != s {
			t.Errorf("%q became %q", s, got)
		}
		for _, p := range parts {
			if p == "" || utf8.RuneCountInString(p) > 12 {
				t.Errorf("token %q of %q", p, s)
			}
		}
	}
}

func TestQuotesAreOneHarmlessLine(t *testing.T) {
	for in, want := range map[string]string{
		"": "(nothing)", " \n ": "(nothing)", "a\n\n# b": `a \# b`, "\x1b[2J\u202ehi`": "\\[2Jhi\\`",
		strings.Repeat("ä", 100): strings.Repeat("ä", 79) + "…",
	} {
		if got := quote(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestThePaceDoesNotDrift(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := httptest.NewRecorder()
		s := stream{w: w, opts: Options{TokensPerSecond: 50}, start: time.Now()}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil)
		for range 501 {
			s.send(r, delta{Content: "x"})
		}
		if d := time.Since(s.start); s.err != nil || d != 10*time.Second {
			t.Errorf("500 tokens after the first took %s at 50 a second, %v", d, s.err)
		}
	})
}

func TestRequestsThatAreNoneAreRefused(t *testing.T) {
	h := New(Options{TokensPerSecond: -1})
	for target, want := range map[string]int{"/v1/chat/completions": http.StatusBadRequest, "/v1/other": http.StatusNotFound} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, target, strings.NewReader("{")))
		if w.Code != want {
			t.Errorf("%s: %d", target, w.Code)
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/models", nil))
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"id":"demo"`) {
		t.Errorf("models: %d %s", w.Code, w.Body)
	}
}
