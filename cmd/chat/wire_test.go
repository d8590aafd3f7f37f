package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"chat"
	"chat/internal/cli/answer"
	"chat/internal/cli/exit"
	"chat/internal/transcript"
)

// wire is a home of its own, and a provider that plays the bytes it is given: what is
// sent to it and what comes of its answers passes the whole program.
type wire struct {
	t    *testing.T
	env  map[string]string
	mu   sync.Mutex
	play string   // the body of the next answers
	asks []string // the bodies of the requests
}

func newWire(t *testing.T, play ...string) *wire {
	t.Helper()
	w := &wire{t: t}
	w.says(play...)
	server := httptest.NewServer(w)
	t.Cleanup(server.Close)
	home := t.TempDir()
	w.env = map[string]string{
		"HOME": home, "XDG_DATA_HOME": filepath.Join(home, "data"), "XDG_STATE_HOME": filepath.Join(home, "state"), "CHAT_DISCOVER": "off",
		"XDG_CONFIG_HOME": filepath.Join(home, "config"), "CHAT_NO_DAEMON": "1", "OPENAI_BASE_URL": server.URL + "/v1", "OPENAI_API_KEY": "k", "CHAT_MODEL": "m",
	}
	return w
}

// says sets what is answered: events, each of which is data, and [DONE].
func (w *wire) says(events ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.play = ""
	for _, e := range append(events, "[DONE]") {
		w.play += "data: " + e + "\n\n"
	}
}

func (w *wire) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		_, _ = io.WriteString(out, `{"object":"list","data":[{"id":"m"},{"id":"deepseek-r1"}]}`) // the client left
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client left
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asks = append(w.asks, string(body))
	out.Header().Set("Content-Type", "text/event-stream")
	_, _ = io.WriteString(out, w.play) // the client left
}

// asked are the bodies of the requests so far.
func (w *wire) asked() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string(nil), w.asks...)
}

// chat runs chat, whose stdout is a file.
func (w *wire) chat(args ...string) chatRun {
	w.t.Helper()
	out := tempFile(w.t)
	r := w.chatTo(out, args...)
	r.out = contents(w.t, out)
	return r
}

func (w *wire) chatTo(out *os.File, args ...string) chatRun {
	w.t.Helper()
	errs := tempFile(w.t)
	code := run(context.Background(), append([]string{"chat"}, args...), stdio{devNull(w.t), out, errs}, func(name string) (string, bool) {
		v, ok := w.env[name]
		return v, ok
	})
	return chatRun{code: code, stderr: contents(w.t, errs)}
}

// must runs chat, which must succeed.
func (w *wire) must(args ...string) string {
	w.t.Helper()
	r := w.chat(args...)
	if r.code != exit.OK {
		w.t.Fatalf("chat %s: %+v", strings.Join(args, " "), r)
	}
	return r.out
}

// messages are those of the newest conversation.
func (w *wire) messages() []chat.Message {
	w.t.Helper()
	var all struct {
		Conversations []transcript.Transcript `json:"conversations"`
	}
	if err := json.Unmarshal([]byte(w.must("export", "last")), &all); err != nil || len(all.Conversations) != 1 {
		w.t.Fatalf("%+v, %v", all, err)
	}
	return all.Conversations[0].Messages
}

// piece is a chunk with that content, and ends one with that finish reason.
func piece(content string) string {
	quoted, err := json.Marshal(content)
	if err != nil {
		panic(err)
	}
	return `{"choices":[{"index":0,"delta":{"content":` + string(quoted) + `}}]}`
}

func ends(reason string) string {
	return `{"choices":[{"index":0,"delta":{},"finish_reason":"` + reason + `"}]}`
}

func TestReasoningIsKeptApartFromTheAnswer(t *testing.T) {
	for name, events := range map[string][]string{
		"between tags":           {piece("<"), piece("thi"), piece("nk>\n"), piece("Count."), piece("\n</"), piece("think"), piece(">\n\n"), piece("It is 4."), ends("stop")},
		"without an opening tag": {piece("Cou"), piece("nt."), piece("\n</"), piece("think"), piece(">\n\n"), piece("It is"), piece(" 4."), ends("stop")},
		"in parts":               {`{"choices":[{"delta":{"content":[{"type":"thinking","thinking":[{"type":"text","text":"Count."}]}]}}]}`, piece("It is 4."), ends("stop")},
		"in details":             {`{"choices":[{"delta":{"reasoning_details":[{"type":"reasoning.text","text":"Count."}]}}]}`, piece("It is 4."), ends("stop")},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWire(t, events...)
			if got := w.must("send", "2+2?"); got != "It is 4.\n" {
				t.Errorf("written: %q", got)
			}
			var sent answer.Result
			if err := json.Unmarshal([]byte(w.must("attach", "last", "--json")), &sent); err != nil || sent.Message.Content != "It is 4." || sent.Message.Reasoning != "Count." {
				t.Errorf("%+v, %v", sent.Message, err)
			}
			if m := w.messages()[1]; m.Content != "It is 4." || m.Reasoning != "Count." || m.State != chat.TaskDone || m.FinishReason != "stop" {
				t.Errorf("stored: %+v", m)
			}
			if got := w.must("attach", "last", "--reasoning", "only"); got != "Count.\n" {
				t.Errorf("the reasoning is %q", got)
			}
			for _, args := range [][]string{{"show", "last"}, {"export", "last", "-f", "md"}} {
				if got := w.must(args...); strings.Contains(got, "Count.") || strings.Contains(got, "think") || !strings.Contains(got, "It is 4.\n") {
					t.Errorf("%v: %s", args, got)
				}
			}
			w.must("send", "-c", "Sure?")
			var next struct {
				Messages []struct{ Role, Content string }
			}
			if err := json.Unmarshal([]byte(w.asked()[1]), &next); err != nil || len(next.Messages) != 3 || next.Messages[1].Content != "It is 4." {
				t.Errorf("the next request: %+v, %v", next, err)
			}
		})
	}
}

// What a pipe got cannot be taken back, so it gets no more; where reasoning is to be
// expected, the pipe gets the answer alone.
func TestAPipeGetsNoReasoningForAnAnswer(t *testing.T) {
	for model, want := range map[string]struct {
		code int
		out  string
	}{"m": {exit.Incomplete, "Count."}, "deepseek-r1": {exit.OK, "It is 4.\n"}} {
		w := newWire(t, piece("Count."), piece("\n</think>\n\n"), piece("It is 4."), ends("stop"))
		read, write, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		r := w.chatTo(write, "send", "-m", model, "2+2?")
		_ = write.Close() // what was written is checked
		got, err := io.ReadAll(read)
		_ = read.Close() // nothing is written any more
		// How much of it is written depends on when the tag comes.
		if err != nil || r.code != want.code && string(got) != "It is 4.\n" || !strings.HasPrefix(want.out, string(got)) && string(got) != "It is 4.\n" {
			t.Errorf("%s: %q, %+v, %v", model, got, r, err)
		}
		if r.code == exit.Incomplete && !strings.Contains(r.stderr, "turned out to be the model's reasoning") {
			t.Errorf("%s: %s", model, r.stderr)
		}
	}
}

func TestAnswersThatAreNotCompleteSaySo(t *testing.T) {
	reasoning := `{"choices":[{"delta":{"reasoning":"It is 4."}}]}`
	for _, tc := range []struct {
		name   string
		events []string
		says   string
	}{
		{"length", []string{piece("The har"), ends("length")}, "the answer is incomplete: the model's limit on its length was reached"},
		{"Gemini's length", []string{piece("The har"), ends("MAX_TOKENS")}, "the answer is incomplete: the model's limit on its length was reached"},
		{"filter", []string{piece("The har"), ends("content_filter")}, "the answer is incomplete: the provider's content filter ended it"},
		{"Gemini's filter", []string{piece("The har"), ends("PROHIBITED_CONTENT")}, "the answer is incomplete: the provider's content filter ended it"},
		{"tool", []string{piece("The har"), ends("tool_calls")}, "the answer is incomplete: the model asked for a tool, and chat has none"},
		{"another", []string{piece("The har"), ends("pause_turn")}, "the answer is incomplete: the provider ended it for another reason (pause_turn)"},
		{"reasoning alone", []string{reasoning, ends("stop")}, "there is no answer: the model ended after its reasoning"},
		{"reasoning, and space", []string{reasoning, piece("\n\n"), ends("stop")}, "there is no answer: the model ended after its reasoning"},
		{"a tag that is not closed", []string{piece("<think>\nIt is"), piece(" 4."), ends("stop")}, "there is no answer: the model ended after its reasoning"},
		{"reasoning, cut", []string{reasoning, ends("length")}, "there is no answer, only reasoning: the model's limit on its length was reached"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWire(t, tc.events...)
			kept := filepath.Join(t.TempDir(), "kept.md")
			if err := os.WriteFile(kept, []byte("kept"), 0o600); err != nil {
				t.Fatal(err)
			}
			fresh := filepath.Join(t.TempDir(), "fresh.md")
			for _, args := range [][]string{
				{"send", "hi"},
				{"attach", "last"},
				{"attach", "last", "--jsonl"},
				{"attach", "last", "--json"},
				{"wait", "last"},
				{"attach", "last", "--from", "1-0"},
				{"attach", "last", "-O", fresh},
				{"attach", "last", "-O", kept},
				{"attach", "last", "-x", "-O", fresh},
				{"attach", "last", "--reasoning", "only", "-O", fresh},
				{"retry", "last", "-O", fresh},
			} {
				if r := w.chat(args...); r.code != exit.Incomplete || !strings.Contains(r.stderr, tc.says) {
					t.Errorf("%v: %+v", args, r)
				}
			}
			if b, err := os.ReadFile(kept); err != nil || string(b) != "kept" {
				t.Errorf("an existing file has %q, %v", b, err)
			}
			if _, err := os.Stat(fresh); err == nil {
				t.Error("a file was written")
			}
			for _, args := range [][]string{{"show", "last"}, {"export", "last", "-f", "md"}} {
				if got := w.must(args...); !strings.Contains(got, "["+tc.says) {
					t.Errorf("%v: %s", args, got)
				}
			}
			if m := w.messages()[1]; m.State != chat.TaskDone || !strings.Contains(tc.events[len(tc.events)-1], `"`+m.FinishReason+`"`) {
				t.Errorf("stored: %+v", m)
			}
			if lines := w.chat("attach", "last", "--jsonl").out; !strings.Contains(lines, `"type":"warning"`) || !strings.Contains(lines, tc.says) {
				t.Errorf("lines: %s", lines)
			}
			w.must("fork", "last")
			if got := w.must("show", "last"); !strings.Contains(got, "["+tc.says) {
				t.Errorf("a copy: %s", got)
			}
			if why := chat.EndingOf(w.messages()[1].FinishReason).Why("x"); !strings.Contains(w.must("ps", "--all", "--json"), w.messages()[1].FinishReason) || why != "" && !strings.Contains(w.must("ps", "--all"), why[:20]) {
				t.Errorf("ps: %s", w.must("ps", "--all"))
			}
		})
	}
}

func TestAnswersWithoutTextAreNotAskedForAgain(t *testing.T) {
	const image = `{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw0KGgo="}}`
	for _, tc := range []struct{ event, code, says string }{
		{`{"choices":[{"delta":{"content":"","images":[` + image + `]}}]}`, "provider_no_text", "an image and no text"},
		{`{"choices":[{"delta":{"content":[` + image + `,` + image + `]}}]}`, "provider_no_text", "2 images and no text"},
		{`{"choices":[{"delta":{"audio":{"id":"a","data":"UklGRg=="}}}]}`, "provider_no_text", "sound and no text"},
		{`{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"name":"get_weather","arguments":"{}"}}]}}]}`, "", `the tool "get_weather"`},
		{piece(" \n"), "provider_empty", "without any text"},
		{piece(""), "provider_empty", "without any text"},
	} {
		w := newWire(t, tc.event, ends("stop"))
		file := filepath.Join(t.TempDir(), "f.md")
		if err := os.WriteFile(file, []byte("kept"), 0o600); err != nil {
			t.Fatal(err)
		}
		if r := w.chat("send", "-O", file, "hi"); r.code != exit.Incomplete || !strings.Contains(r.stderr, tc.says) || len(w.asked()) != 1 {
			t.Errorf("%s: %d requests, %+v", tc.event, len(w.asked()), r)
		}
		if b, err := os.ReadFile(file); err != nil || string(b) != "kept" {
			t.Errorf("%s: the file has %q, %v", tc.event, b, err)
		}
		want := `"code": "` + tc.code + `"`
		if tc.code == "" {
			want = `"type": "tool_call"`
		}
		if got := w.chat("attach", "last", "--json").out; !strings.Contains(got, want) {
			t.Errorf("%s: %s", tc.event, got)
		}
		w.says(piece("Fine."), ends("stop"))
		if got := w.must("send", "-c", "and now?"); got != "Fine.\n" {
			t.Errorf("%s: the next answer is %q", tc.event, got)
		}
	}
}

func TestAFailureInTheMiddleOfAnAnswerIsOne(t *testing.T) {
	w := newWire(t, piece("Half "), piece("an"), `{"object":"error","message":"the engine is gone","code":400}`)
	r := w.chat("send", "hi")
	if r.code != exit.Incomplete || !strings.Contains(r.stderr, "the engine is gone") || r.out != "Half an\n" {
		t.Errorf("%+v", r)
	}
	if m := w.messages()[1]; m.State != chat.TaskInterrupted || m.Content != "Half an" {
		t.Errorf("stored: %+v", m)
	}
}

// A file is never left empty for want of what was asked for.
func TestNoFileIsWrittenWithNothingInIt(t *testing.T) {
	w := newWire(t, piece("Just words.\n\n```\n```\n"), ends("stop"))
	w.must("send", "hi")
	file := filepath.Join(t.TempDir(), "f")
	for _, args := range [][]string{{"-x"}, {"-x2"}, {"--reasoning", "only"}} {
		if r := w.chat(append([]string{"attach", "last", "-O", file}, args...)...); r.code != exit.NotFound {
			t.Errorf("%v: %+v", args, r)
		}
		if _, err := os.Stat(file); err == nil {
			t.Errorf("%v: a file was written", args)
		}
	}
}
