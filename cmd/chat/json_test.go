package main

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/urfave/cli/v2"

	"chat"
	"chat/daemon"
	"chat/internal/report"
	"chat/internal/term/sanitize/hostile"
	"chat/internal/transcript"
	"chat/sse"
)

const (
	idOne   = "01999999-9999-7999-8999-999999999901"
	idTwo   = "01999999-9999-7999-8999-999999999902"
	idThree = "01999999-9999-7999-8999-999999999903"
	idFour  = "01999999-9999-7999-8999-999999999904"
)

// hostileText has every text that would do harm to a terminal, as valid UTF-8, and
// every character that one may act on.
func hostileText() string {
	var b strings.Builder
	for _, p := range hostile.Payloads() {
		b.WriteString(p.Text)
	}
	for r := rune(1); r <= 0xA0; r++ {
		b.WriteRune(r)
	}
	b.WriteString("\u061c\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
	return chat.NormalizeText(b.String())
}

// hostileServer puts a text into every answer, wherever a text can stand.
type hostileServer struct{ text string }

func (h hostileServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	problem := &chat.Error{Code: chat.CodeProviderServer, Message: h.text}
	conv := chat.Conversation{ID: idOne, Title: h.text, Model: h.text, System: h.text, CreatedAt: at, UpdatedAt: at}
	message := chat.Message{
		ID: idThree, ConversationID: idOne, Role: chat.RoleAssistant, Content: h.text, Reasoning: h.text, Model: h.text,
		TaskID: idTwo, State: chat.TaskFailed, FinishReason: h.text, Error: problem, CreatedAt: time.Now(), UpdatedAt: at, Usage: &chat.Usage{TotalTokens: 1},
	}
	task := chat.Task{ID: idTwo, ConversationID: idOne, MessageID: idThree, State: chat.TaskFailed, Model: h.text, Worker: h.text, Error: problem, FinishReason: h.text}
	var body any
	switch path := r.URL.Path; {
	case strings.HasPrefix(path, "/stream/"):
		w.Header().Set("Content-Type", sse.ContentType)
		var b []byte
		for _, c := range []chat.Chunk{
			{Attempt: 1, Index: 0, Type: chat.ChunkReasoning, Content: h.text},
			{Attempt: 1, Index: 1, Type: chat.ChunkContent, Content: h.text},
			{Attempt: 1, Index: 2, Type: chat.ChunkError, State: chat.TaskFailed, Code: chat.CodeProviderServer, Content: h.text},
		} {
			b, _ = sse.AppendChunk(b, c)
		}
		_, _ = w.Write(b)
		return
	case r.Method == http.MethodPost && strings.HasSuffix(path, "/messages"):
		w.WriteHeader(http.StatusAccepted)
		body = chat.Accepted{TaskID: idTwo, MessageID: idThree, ConversationID: idOne, Status: chat.StatusProcessing}
	case strings.HasSuffix(path, "/import"):
		body = transcript.Imported{ConversationID: idOne, Status: transcript.ImportCreated}
	case r.Method == http.MethodPost:
		w.WriteHeader(http.StatusCreated)
		body = conv
	case path == "/conversations":
		body = map[string]any{"conversations": []chat.Conversation{conv}}
	case strings.HasSuffix(path, "/messages"):
		body = map[string]any{"messages": []chat.Message{{ID: idFour, Role: chat.RoleUser, Content: h.text}, message}}
	case strings.HasPrefix(path, "/conversations/"):
		body = conv
	case path == "/tasks" && r.URL.Query().Get("state") == "active" && r.URL.Query().Get("conversation_id") != "":
		body = map[string]any{"tasks": []chat.Task{}}
	case path == "/tasks":
		body = map[string]any{"tasks": []chat.Task{task}}
	case strings.HasPrefix(path, "/tasks/"):
		body = task
	case path == "/models":
		body = map[string]any{"models": []chat.Model{{ID: h.text, Provider: h.text, Default: true}}}
	case path == "/hello":
		body = map[string]any{"instance": h.text, "version": h.text, "protocol": map[string]int{"min": daemon.ProtocolMin, "max": daemon.ProtocolMax}, "state": "ready"}
	case path == "/search":
		body = map[string]any{"matches": []chat.Match{{Conversation: conv, MessageID: idThree, Snippet: h.text}}}
	case path == "/usage":
		body = map[string]any{"models": []chat.ModelUsage{{Model: h.text, Answers: 1}}}
	case path == "/stats":
		body = report.Stats{Failures: []report.FailedAnswer{{TaskID: idTwo, Title: h.text, Model: h.text, Error: problem}}, WorkerList: []chat.Worker{{ID: h.text, Host: h.text}}, Engine: h.text}
	default:
		w.WriteHeader(http.StatusNotFound)
		return
	}
	_ = json.NewEncoder(w).Encode(body) // a client that has gone is no concern of this test
}

// TestJSONSteersNoTerminal runs every command that writes JSON.
func TestJSONSteersNoTerminal(t *testing.T) {
	text := hostileText()
	dir := t.TempDir()
	file := filepath.Join(dir, "import.json")
	conversation, err := json.Marshal(map[string]any{"id": idFour, "title": text, "messages": []any{map[string]any{"id": idOne, "role": "tool", "content": text}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, conversation, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "config", "chat"), 0o700); err != nil {
		t.Fatal(err)
	}
	role, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	toml := "[roles.x]\nsystem = " + strings.ReplaceAll(string(role), "\x7f", `\u007f`) + "\n"
	if err := os.WriteFile(filepath.Join(dir, "config", "chat", "config.toml"), []byte(toml), 0o600); err != nil {
		t.Fatal(err)
	}
	lines := map[string][]string{
		"send": {"--json x", "--jsonl x", "--json --detach x", "--jsonl --detach x"}, "attach": {"--json last", "--jsonl last"},
		"retry": {"--json last", "--jsonl last"}, "continue": {"--json last", "--jsonl last"}, "edit": {"--json last other", "--jsonl last other"},
		"ps": {"--json", "--json --all"}, "wait": {"--json last"}, "top": {"--json"}, "ls": {"--json"}, "search": {"--json x"},
		"show": {"--json last"}, "compact": {"--json last", "--jsonl last"}, "fork": {"--json last"}, "import": {"--json " + file, "--json --dry-run " + file}, "models": {"--json"},
		"roles": {"--json", "--json x"}, "usage": {"--json"}, "doctor": {"--json"}, "version": {"--json"}, "export": {"last", "--all"},
		"daemon status": {"--json"}, "(chat)": nil, // chat alone sends as send does
	}
	p := noProgram()
	var walk func(parent []string, list []*cli.Command)
	walk = func(parent []string, list []*cli.Command) {
		for _, c := range list {
			path := append(slices.Clone(parent), c.Name)
			walk(path, c.Subcommands)
			writes := c.Name == "export"
			for _, f := range c.Flags {
				writes = writes || f.Names()[0] == "json"
			}
			all, listed := lines[strings.Join(path, " ")]
			if writes && !listed {
				t.Errorf("%s writes JSON, and is not tested", path)
			}
			for _, line := range all {
				jsonOf(t, hostileServer{text}, dir, append(slices.Clone(path), strings.Fields(line)...))
			}
		}
	}
	walk(nil, p.app().Commands)
}

// jsonOf runs chat and checks that it writes JSON, and nothing that steers a terminal.
func jsonOf(t *testing.T, h http.Handler, dir string, args []string) {
	t.Helper()
	got := startIn(t, h, devNull(t), map[string]string{"XDG_CONFIG_HOME": filepath.Join(dir, "config"), "XDG_DATA_HOME": dir, "XDG_STATE_HOME": dir, "HOME": dir}, args...)
	line := strings.Join(args, " ")
	if i := strings.IndexFunc(got.out, func(r rune) bool {
		return r < ' ' && r != '\n' || r >= 0x7F && r <= 0x9F || strings.ContainsRune("\u061c\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069", r)
	}); i >= 0 {
		t.Errorf("chat %s writes %q", line, got.out[i:min(i+8, len(got.out))])
	}
	d, n := json.NewDecoder(strings.NewReader(got.out)), 0
	for {
		var v any
		err := d.Decode(&v)
		if err == io.EOF { // Decode returns it bare
			break
		}
		if err != nil {
			t.Errorf("chat %s: %v in %.200s", line, err, got.out)
			break
		}
		n++
	}
	if n == 0 {
		t.Errorf("chat %s writes nothing: %d, %.300s", line, got.code, got.stderr)
	}
}
