package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"chat/daemon/model/modeltest"
)

// ran is the result of a command.
type ran struct {
	out, err string
	code     int
}

// attempt runs chat, which may fail.
func (l *laptop) attempt(t *testing.T, args ...string) ran {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*waitLimit)
	defer cancel()
	cmd := l.command(ctx, args...)
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatalf("chat %v: %v", args, err)
	}
	return ran{out.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// answered runs chat, which must write an answer.
func (l *laptop) answered(t *testing.T, args ...string) ran {
	t.Helper()
	r := l.attempt(t, args...)
	if r.code != 0 || !strings.HasPrefix(r.out, "answer ") {
		t.Fatalf("chat %v: exit %d, %q\n%s", args, r.code, r.out, r.err)
	}
	return r
}

// with is a laptop whose provider is p.
func with(t *testing.T, p *modeltest.Picky) *laptop {
	t.Helper()
	return newLaptop(t, "OPENAI_BASE_URL="+p.URL, "OPENAI_API_KEY=sk-picky", "CHAT_MODEL=picky")
}

func TestAModelThatMustNotStream(t *testing.T) {
	t.Parallel()
	p := modeltest.NewPicky(t, func(a modeltest.Asked) (int, string) {
		if a.Stream {
			return 400, `{"error":{"message":"Your organization must be verified to stream this model.","type":"invalid_request_error","param":"stream","code":"unsupported_value"}}`
		}
		return 0, ""
	})
	l := with(t, p)
	const notice = "picky refused to stream: the answer came whole"
	if r := l.answered(t, "send", "--no-stdin", "one"); strings.Count(r.err, notice) != 1 {
		t.Errorf("stderr %q", r.err)
	}
	if r := l.answered(t, "attach", "last"); strings.Count(r.err, notice) != 1 {
		t.Errorf("attach: stderr %q", r.err)
	}
	if r := l.answered(t, "attach", "-q", "last"); r.err != "" {
		t.Errorf("quiet: stderr %q", r.err)
	}
	if r := l.attempt(t, "attach", "--jsonl", "last"); !strings.Contains(r.out, `"type":"warning"`) || !strings.Contains(r.out, `"text":"`+notice+`"`) || r.err != "" {
		t.Errorf("jsonl: %s\n%s", r.out, r.err)
	}
	var object struct{ Notices []string }
	if r := l.attempt(t, "attach", "--json", "last"); json.Unmarshal([]byte(r.out), &object) != nil || len(object.Notices) != 1 || object.Notices[0] != notice {
		t.Errorf("json: %s", r.out)
	}
	for _, args := range [][]string{{"show", "last"}, {"export", "-f", "md", "last"}} {
		if r := l.attempt(t, args...); !strings.Contains(r.out, "answer 2\n\n> "+notice+"\n") {
			t.Errorf("%v: %s", args, r.out)
		}
	}
	if r := l.answered(t, "send", "--no-stdin", "-c", "two"); r.err != "" {
		t.Errorf("reported twice: %q", r.err)
	}
	if n := len(p.Requests()); n != 3 {
		t.Errorf("%d requests, want 3", n)
	}
	kept := l.run(t, "export", "last")
	l.run(t, "rm", "-y", "last")
	if err := os.WriteFile(filepath.Join(l.home, "kept.json"), []byte(kept), 0o600); err != nil {
		t.Fatal(err)
	}
	l.run(t, "import", "kept.json")
	if again := l.run(t, "show", "last"); strings.Count(again, notice) != 1 {
		t.Errorf("after an import: %s", again)
	}
}

func TestABrokenPictureDoesNotBlockTheConversation(t *testing.T) {
	t.Parallel()
	p := modeltest.NewPicky(t, func(a modeltest.Asked) (int, string) {
		switch fault := a.Disorder(); {
		case a.Images() > 0:
			return 400, `{"error":{"message":"Invalid PNG image.","type":"invalid_request_error"}}`
		case fault != "":
			return 400, fmt.Sprintf(`{"error":{"message":%q}}`, fault)
		}
		return 0, ""
	})
	l := with(t, p)
	broken := append([]byte("\x89PNG\r\n\x1a\n"), make([]byte, 64)...)
	if err := os.WriteFile(filepath.Join(l.home, "broken.png"), broken, 0o600); err != nil {
		t.Fatal(err)
	}
	r := l.attempt(t, "send", "--no-stdin", "-f", "broken.png", "what is this?")
	if r.code == 0 || !strings.Contains(r.err, "broken.png is damaged") || !strings.Contains(r.err, "refused the image broken.png") {
		t.Errorf("exit %d, stderr %q", r.code, r.err)
	}
	for range 2 {
		if r := l.answered(t, "send", "--no-stdin", "-c", "hello"); !strings.Contains(r.err, "the image broken.png was left out") {
			t.Errorf("stderr %q", r.err)
		}
	}
	all := p.Requests()
	if len(all) != 4 || all[2].Last().Text != "what is this?\n\n[image broken.png left out: the model did not accept it]\n\nhello" {
		t.Errorf("%+v", all)
	}
	l.answered(t, "edit", "last", "hello again")
	l.answered(t, "retry", "last")
	l.run(t, "fork", "last")
	l.answered(t, "send", "--no-stdin", "-c", "elsewhere")
	if shown := l.run(t, "show", "last"); !strings.Contains(shown, "[image] broken.png") || !strings.Contains(shown, "> the image broken.png was left out") {
		t.Error(shown)
	}
}

// Whatever the state of earlier messages, the next one is answered, and the
// provider never gets a history that a strict one would reject.
func TestConversationContinuesAfterAnyMessage(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	p := modeltest.NewPicky(t, func(a modeltest.Asked) (int, string) {
		last := a.Last().Text
		word := last[strings.LastIndex(last, "\n")+1:]
		for _, m := range a.Messages {
			if strings.Contains(m.Text, "forbidden") || m.Images > 0 {
				return 400, `{"error":{"message":"Bad request"}}`
			}
		}
		switch word {
		case "reasoning":
			return 200, `{"choices":[{"index":0,"delta":{"reasoning_content":"hm"},"finish_reason":"stop"}]}` + "\n\ndata: [DONE]"
		case "filter":
			return 200, `{"choices":[{"index":0,"delta":{},"finish_reason":"content_filter"}]}` + "\n\ndata: [DONE]"
		case "space":
			return 200, `{"choices":[{"index":0,"delta":{"content":" \n"},"finish_reason":"stop"}]}` + "\n\ndata: [DONE]"
		case "partial":
			return 200, `{"choices":[{"index":0,"delta":{"content":"some of it"}}]}` + "\n\n" + `data: {"error":{"message":"no more","code":400}}`
		case "wait":
			<-release
		case "key":
			return 403, `{"error":{"message":"not yours"}}`
		}
		return 0, ""
	})
	t.Cleanup(func() { close(release) })
	l := with(t, p)
	if err := os.WriteFile(filepath.Join(l.home, "x.png"), []byte("\x89PNG\r\n\x1a\nnot really"), 0o600); err != nil {
		t.Fatal(err)
	}
	odd := `{"format":"chat","version":1,"conversations":[{"id":"0192d3a8-7c1e-7b3a-9f00-%012x","title":"odd","created_at":"2025-01-01T00:00:00Z","updated_at":"2025-01-01T00:00:00Z","messages":[%s]}]}`
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d", seed)
	imports := 0
	steps := map[string]func(){
		"plain":     func() { l.answered(t, "send", "--no-stdin", "-c", "plain") },
		"edit":      func() { l.answered(t, "edit", "last", "edited") },
		"fork":      func() { l.run(t, "fork", "last") },
		"retry":     func() { l.attempt(t, "retry", "last") },
		"reasoning": func() { l.attempt(t, "send", "--no-stdin", "-c", "reasoning") },
		"filter":    func() { l.attempt(t, "send", "--no-stdin", "-c", "filter") },
		"space":     func() { l.attempt(t, "send", "--no-stdin", "-c", "space") },
		"partial":   func() { l.attempt(t, "send", "--no-stdin", "-c", "partial") },
		"key":       func() { l.attempt(t, "send", "--no-stdin", "-c", "key") },
		"forbidden": func() { l.attempt(t, "send", "--no-stdin", "-c", "a forbidden word") },
		"picture":   func() { l.attempt(t, "send", "--no-stdin", "-c", "-f", "x.png", "look") },
		"stop": func() {
			id := strings.TrimSpace(l.run(t, "send", "--no-stdin", "-c", "-d", "wait"))
			l.run(t, "stop", id)
			l.attempt(t, "wait", id)
		},
		"import": func() {
			imports++
			var messages []string
			parent := ""
			for i := range 1 + random.IntN(4) {
				id := fmt.Sprintf("0192d3a8-7c1e-7b3a-9f01-%06x%06x", imports, i)
				messages = append(messages, fmt.Sprintf(`{"id":%q,"parent_id":%q,"role":%q,"content":%q,"created_at":"2025-01-01T00:00:00Z","updated_at":"2025-01-01T00:00:00Z"}`,
					id, parent, []string{"user", "assistant"}[random.IntN(2)], []string{"", "text", " "}[random.IntN(3)]))
				parent = id
			}
			if err := os.WriteFile(filepath.Join(l.home, "odd.json"), fmt.Appendf(nil, odd, imports, strings.Join(messages, ",")), 0o600); err != nil {
				t.Fatal(err)
			}
			l.run(t, "import", "odd.json")
			l.answered(t, "send", "--no-stdin", "-C", fmt.Sprintf("0192d3a8-7c1e-7b3a-9f00-%012x", imports), "plain")
		},
	}
	var names []string
	for name := range steps {
		names = append(names, name)
	}
	slices.Sort(names)
	l.answered(t, "send", "--no-stdin", "one")
	var walked []string
	defer func() { t.Logf("walked: %s", strings.Join(walked, " ")) }()
	for range 24 {
		name := names[random.IntN(len(names))]
		walked = append(walked, name)
		steps[name]()
		if random.IntN(2) == 0 {
			walked = append(walked, "plain")
			steps["plain"]()
		}
	}
	steps["plain"]()
	for i, a := range p.Requests() {
		if fault := a.Disorder(); fault != "" {
			t.Errorf("request %d: %s: %+v", i+1, fault, a)
		}
	}
}

func TestARefusedParameterIsReportedWithEachAnswer(t *testing.T) {
	t.Parallel()
	p := modeltest.NewPicky(t, func(a modeltest.Asked) (int, string) {
		if a.Raw["temperature"] != nil {
			return 400, `{"error":{"message":"Unsupported value: 'temperature' does not support 0.2 with this model. Only the default (1) value is supported.","param":"temperature","code":"unsupported_value"}}`
		}
		return 0, ""
	})
	l := with(t, p)
	const notice = "picky refused the parameter temperature, which was left out"
	if r := l.answered(t, "send", "--no-stdin", "--temperature", "0.2", "--seed", "7", "one"); strings.Count(r.err, notice) != 1 {
		t.Errorf("stderr %q", r.err)
	}
	for _, args := range [][]string{{"send", "--no-stdin", "-c", "two"}, {"retry", "last"}, {"attach", "last"}} {
		if r := l.answered(t, args...); strings.Count(r.err, notice) != 1 {
			t.Errorf("%v: stderr %q", args, r.err)
		}
	}
	for _, args := range [][]string{{"show", "last"}, {"ps", "--all", "-n", "1"}, {"ps", "--all", "--json", "-n", "1"}} {
		if r := l.attempt(t, args...); strings.Count(r.out, "picky refused the parameter temperature") < 1 {
			t.Errorf("%v: %s", args, r.out)
		}
	}
	asked := p.Requests()
	if len(asked) != 4 || slices.ContainsFunc(asked[1:], func(a modeltest.Asked) bool { return a.Raw["temperature"] != nil || string(a.Raw["seed"]) != "7" }) {
		t.Errorf("%+v", asked)
	}
}
