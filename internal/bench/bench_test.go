package bench

import (
	"encoding/json"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"chat/internal/services"
)

func TestScriptIsSentInPrompt(t *testing.T) {
	for _, want := range []Script{
		{Tokens: 5}, {Tokens: 7, Pace: 50 * time.Millisecond, Start: time.Unix(1, 5)}, {Tokens: 9, Words: true},
	} {
		body, err := json.Marshal(map[string]string{"content": want.Prompt()})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := parseScript(body); err != nil || got != want {
			t.Errorf("%+v, %v, want %+v", got, err, want)
		}
	}
	for _, body := range []string{"", `{"content":"bench: many"}`, `{"content":"bench: 1 fast 0 false"}`} {
		if got, err := parseScript([]byte(body)); err == nil {
			t.Errorf("%q is a script: %+v", body, got)
		}
	}
}

func TestTokensAreFoundInAnyEncoding(t *testing.T) {
	text := string(appendToken(appendToken([]byte("a < b "), 7, time.Unix(0, 70)), 8, time.Unix(0, 80)))
	escaped, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{text, string(escaped)} {
		var got []int64
		tokens([]byte(line), func(n int, emitted int64) { got = append(got, int64(n), emitted) })
		if !slices.Equal(got, []int64{7, 70, 8, 80}) {
			t.Errorf("%s has %v", line, got)
		}
	}
}

func TestReadingFindsGapsAndRepeats(t *testing.T) {
	line := func(numbers ...int) []byte {
		b := []byte("data: ")
		for _, n := range numbers {
			b = appendToken(b, n, time.Now())
		}
		return b
	}
	for name, tc := range map[string]struct {
		lines         [][]byte
		gaps, repeats int
	}{
		"all":       {[][]byte{line(0, 1), line(2)}, 0, 0},
		"a gap":     {[][]byte{line(0), line(3)}, 2, 0},
		"one twice": {[][]byte{line(0, 1), line(1, 2)}, 0, 1},
	} {
		var r Reading
		for _, l := range tc.lines {
			r.take(l)
		}
		if r.Gaps != tc.gaps || r.Repeats != tc.repeats {
			t.Errorf("%s: %d gaps, %d repeats", name, r.Gaps, r.Repeats)
		}
	}
}

func TestFloorsServeTheAnswer(t *testing.T) {
	provider := httptest.NewServer(Provider())
	defer provider.Close()
	for name, batch := range map[string]bool{"one by one": false, "shared": true} {
		rdb := redis.NewClient(services.Redis(t))
		server := httptest.NewServer(NewFloor(t.Context(), rdb, provider.URL+"/v1", batch))
		s := &Site{base: server.URL, client: server.Client()}
		l := load{streams: 3, followers: 2, drop: 20 * time.Millisecond, script: Script{Tokens: 50, Pace: 2 * time.Millisecond}}
		o, err := l.run(t.Context(), s)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if o.faults() != 0 || len(o.readings) != 6 || len(o.latencies()) != 300 {
			t.Errorf("%s: %d faults in %d readings of %d tokens", name, o.faults(), len(o.readings), len(o.latencies()))
		}
		server.Close()
		if err := rdb.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestResultsAreMediansAndRatiosToFloorBatch(t *testing.T) {
	var rs Results
	for _, v := range []float64{5, 1, 3} {
		rs.add("burst", FloorBatchName, []Figure{{"p50", "ms", v}})
		rs.add("burst", "chatd", []Figure{{"p50", "ms", 2 * v}})
	}
	rs.settle()
	var b strings.Builder
	if err := rs.Write(&b); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "| p50, ms | 3.00 | 6.00 (2.00 ×) |") {
		t.Error(b.String())
	}
}

func TestScreenBenchmarksAreParsedAndJudged(t *testing.T) {
	rs, err := parseScreen(strings.NewReader(`goos: linux
BenchmarkScreen/stream-cjk/chat-2       1  116432316 ns/op  12.5 busy-%  0.075 frame,_p50-ms  0.45 frame,_p99-ms
BenchmarkScreen/stream-cjk/baseline-2   1  1960797085 ns/op  50 busy-%  1.339 frame,_p50-ms  7.96 frame,_p99-ms
PASS
ok  	chat/tui	2.1s
`))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := rs.Write(&b); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "| busy, % | 12.5 (0.25 ×) of at most 10.0 | 50.0 |") || !strings.Contains(b.String(), "| frame, p99, ms | 0.450 (0.057 ×) of at most 16.0 | 7.96 |") {
		t.Error(b.String())
	}
	if err := rs.broken(); err == nil || err.Error() != "stream-cjk: busy is 12.5 %, and may be 10.0" {
		t.Errorf("broken: %v", err)
	}
	if _, err := parseScreen(strings.NewReader("BenchmarkScreen/one/two/three-2 1 2 ns/op\n")); err == nil {
		t.Error("a name of another form is taken")
	}
}
