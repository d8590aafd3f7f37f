package clients_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"chat/internal/clients"
	"chat/internal/services"
)

// serve starts a program of npm that is a provider, and returns its base URL.
func serve(t *testing.T, args ...string) string {
	t.Helper()
	address, err := services.FreeAddress(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	p, err := services.Command{Path: services.Node(t), Args: args, Env: append(os.Environ(), "HOST="+host, "PORT="+port), Dir: t.TempDir()}.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Stop(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
	})
	err = p.Ready(t.Context(), func(ctx context.Context) error {
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err != nil {
			return err
		}
		return c.Close()
	})
	if err != nil {
		t.Fatal(err)
	}
	return "http://" + address + "/v1"
}

// absolute is the absolute path of a file of this package.
func absolute(t *testing.T, path string) string {
	t.Helper()
	out, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// expect runs chat and checks its exit code and its output, of which each want is a part.
func expect(t *testing.T, s *clients.Stand, code int, args []string, wants ...string) string {
	t.Helper()
	got, out := s.Chat(t, args...)
	if got != code {
		t.Errorf("chat %q exits with %d:\n%s", args, got, out)
	}
	for _, want := range wants {
		if !strings.Contains(out, want) {
			t.Errorf("chat %q has no %q:\n%s", args, want, out)
		}
	}
	return out
}

func TestMockLLMIsAProvider(t *testing.T) {
	t.Parallel()
	url := serve(t, filepath.Join(services.NodeModules(t), "@dwmkerr", "mock-llm", "dist", "main.js"), "--config", absolute(t, "providers/mock-llm.yaml"))
	s := clients.Start(t, "OPENAI_BASE_URL="+url, "CHAT_MODEL=echo")
	expect(t, s, 0, []string{"models"}, "echo", "whole", "8192")
	expect(t, s, 0, []string{"send", "Good morning, world."}, "Good morning, world.")
	out := expect(t, s, 0, []string{"send", "--jsonl", "A text that comes in pieces of eight letters."}, `"type":"task.done"`)
	if n := strings.Count(out, `"text.delta"`); n < 2 { // pieces that wait for the same write are joined
		t.Errorf("%d pieces:\n%s", n, out)
	}
	expect(t, s, 0, []string{"send", "-c", "And once more."}, "And once more.")
	expect(t, s, 0, []string{"send", "-m", "whole", "--usage", "Say it all."}, "All of it.", "refused to stream", "30 tokens: 10 of the prompt (8 cached), 20 of the answer")
	expect(t, s, 4, []string{"send", "error-401"}, "does not accept the key", "Incorrect API key provided.")
	expect(t, s, 0, []string{"send", "This fails once."}, "This fails once.")
	expect(t, s, 5, []string{"send", "-m", "nosuch", "hello"}, "nosuch", "chat models")
	expect(t, s, 0, []string{"usage"}, "CACHED")

	call := complete(t, s, `{"model":"whole","messages":[{"role":"user","content":"look"}],"tools":[{"type":"function","function":{"name":"look","parameters":{"type":"object"}}}]}`)
	if len(call.Choices) != 1 || call.Choices[0].FinishReason != "tool_calls" || len(call.Choices[0].Message.ToolCalls) != 1 {
		t.Fatalf("%+v", call)
	}
	if c := call.Choices[0].Message.ToolCalls[0]; c.ID != "call_abc" || c.Function.Name != "look" || c.Function.Arguments != `{"at":"x"}` {
		t.Errorf("%+v", c)
	}
}

func TestOpenAIAPIMockIsAProvider(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	script, err := os.ReadFile("js/openai-api-mock.mjs")
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "server.mjs"), script, 0o600)
	}
	if err == nil {
		err = os.Symlink(services.NodeModules(t), filepath.Join(dir, "node_modules"))
	}
	if err != nil {
		t.Fatal(err)
	}
	s := clients.Start(t, "OPENAI_BASE_URL="+serve(t, filepath.Join(dir, "server.mjs")), "CHAT_MODEL=gpt-4o")
	// It has no list of models, streams without a finish reason, and reports no usage then.
	out := expect(t, s, 0, []string{"send", "--json", "--usage", "hello"}, `"status": "done"`, "did not report the number of tokens")
	var answer struct{ Message struct{ Content string } }
	if err := json.NewDecoder(strings.NewReader(out)).Decode(&answer); err != nil || answer.Message.Content == "" {
		t.Errorf("%+v, %v", answer, err)
	}
	expect(t, s, 0, []string{"show", "last"}, "gpt-4o-mock", answer.Message.Content)
	expect(t, s, 0, []string{"models"}, "gpt-4o")
	expect(t, s, 6, []string{"send", "no luck"}, "Rate limit exceeded", "limits the rate")
}

// completion is a chat completion, as clients of OpenAI read it.
type completion struct {
	Choices []struct {
		Message struct {
			ToolCalls []struct {
				ID       string
				Function struct{ Name, Arguments string }
			} `json:"tool_calls"`
		}
		FinishReason string `json:"finish_reason"`
	}
}

// complete asks chatd for a chat completion.
func complete(t *testing.T, s *clients.Stand, body string) (out completion) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/v1/chat/completions", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+clients.Token)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }() // it is read to its end
	raw, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s", res.Status)
	}
	if err == nil {
		err = json.Unmarshal(raw, &out)
	}
	if err != nil {
		t.Fatalf("%v: %s", err, raw)
	}
	return out
}
