package e2e

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"chat"
	"chat/internal/services"
)

// previous is a directory of data that the previous version wrote; see its README.
const previous = "testdata/previous"

func TestUpgrade(t *testing.T) {
	t.Parallel()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		l := newLaptop(t)
		data, err := os.ReadFile(filepath.Join(previous, "chat.db"))
		if err != nil {
			t.Fatal(err)
		}
		dir := filepath.Join(l.home, ".local/share/chat")
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "chat.db"), data, 0o600); err != nil {
			t.Fatal(err)
		}
		mustKeep(t, "sqlite.json", l.run(t, "export", "--all"))
		l.mustWork(t)
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		dump, err := os.ReadFile(filepath.Join(previous, "postgres.sql"))
		if err != nil {
			t.Fatal(err)
		}
		url := services.Postgres(t)
		services.Execute(t, url, string(dump))
		addr := freePort(t)
		startProcess(t, program(t, "chatd"), []string{"--listen", "tcp://" + addr},
			[]string{"DATABASE_URL=" + url, "CHATD_TOKEN=" + token, "CHAT_DISCOVER=off", "CHAT_DEMO_SPEED=0", "HOME=" + t.TempDir()})
		eventually(t, addr+" is ready", waitLimit, func() bool { return answers(t.Context(), "http://"+addr+"/readyz") })
		l := newLaptop(t, "CHAT_HOST=http://"+addr, "CHAT_TOKEN="+token)
		mustKeep(t, "postgres.json", l.run(t, "export", "--all"))
		l.mustWork(t)
	})
	t.Run("import", func(t *testing.T) {
		t.Parallel()
		archive, err := filepath.Abs(filepath.Join(previous, "sqlite.json"))
		if err != nil {
			t.Fatal(err)
		}
		l := newLaptop(t)
		l.run(t, "import", archive)
		mustKeep(t, "sqlite.json", l.run(t, "export", "--all"))
		l.mustWork(t)
	})
}

// mustWork searches in what the previous version wrote, continues a conversation of it
// and sums its tokens.
func (l *laptop) mustWork(t *testing.T) {
	t.Helper()
	for _, words := range []string{"Counting <both>", "That was 7 numbers", "inner"} {
		if out := l.run(t, "search", words); strings.TrimSpace(out) == "" {
			t.Errorf("search %q finds nothing", words)
		}
	}
	id := transcripts(t, l.run(t, "export", "--all"))[0].ID
	if out := l.run(t, "send", "--no-stdin", "-C", id, "count to 2"); !strings.Contains(out, "That was 2 numbers.") {
		t.Errorf("the next answer: %s", out)
	}
	if out := l.run(t, "usage", "--json"); !strings.Contains(out, `"demo"`) {
		t.Errorf("usage: %s", out)
	}
}

// transcript is a conversation of an export.
type transcript struct {
	chat.Conversation
	Messages    []chat.Message `json:"messages"`
	Attachments []struct {
		Digest string `json:"digest"`
		Data   []byte `json:"data"`
	} `json:"attachments"`
}

func transcripts(t *testing.T, archive string) []transcript {
	t.Helper()
	var a struct {
		Conversations []transcript `json:"conversations"`
	}
	if err := json.Unmarshal([]byte(archive), &a); err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(a.Conversations, func(a, b transcript) int { return strings.Compare(a.ID, b.ID) })
	return a.Conversations
}

// mustKeep compares an export by the current version with the previous version's.
func mustKeep(t *testing.T, name, exported string) {
	t.Helper()
	archive, err := os.ReadFile(filepath.Join(previous, name))
	if err != nil {
		t.Fatal(err)
	}
	want, got := transcripts(t, string(archive)), transcripts(t, exported)
	if len(want) != 7 || len(got) != len(want) {
		t.Fatalf("%d conversations, want %d", len(got), len(want))
	}
	attached := 0
	for i := range want {
		w, g := want[i], got[i]
		if !reflect.DeepEqual(g.Conversation, w.Conversation) {
			t.Errorf("conversation\n%+v, want\n%+v", g.Conversation, w.Conversation)
		}
		if len(g.Messages) != len(w.Messages) {
			t.Errorf("conversation %s: %d messages, want %d", w.ID, len(g.Messages), len(w.Messages))
			continue
		}
		for j := range w.Messages {
			attached += mustKeepMessage(t, g, g.Messages[j], w.Messages[j])
		}
	}
	if attached != 4 {
		t.Errorf("%d attachments, want 4", attached)
	}
}

// mustKeepMessage compares a message and returns the number of its attachments.
func mustKeepMessage(t *testing.T, in transcript, got, want chat.Message) int {
	t.Helper()
	text, files := in.attachmentsOf(got)
	wantText, wantFiles := splitBlocks(want.Content)
	if text != wantText || !slices.Equal(files, wantFiles) {
		t.Errorf("message %s: %q and %q, want %q and %q", want.ID, text, files, wantText, wantFiles)
	}
	if got.Role == chat.RoleAssistant && (got.Reasoning == "" || got.ReasoningMS == 0 || len(got.Parts) != 2) {
		t.Errorf("answer %s has reasoning %q of %d ms, and %d parts", got.ID, got.Reasoning, got.ReasoningMS, len(got.Parts))
	}
	// Everything that stays the same: position in the tree, reasoning, state,
	// usage, error, times.
	got.Content, want.Content, got.Parts, want.Parts = "", "", nil, nil
	if g, w := encode(t, got), encode(t, want); g != w {
		t.Errorf("message\n%s, want\n%s", g, w)
	}
	return len(files)
}

func encode(t *testing.T, m chat.Message) string {
	t.Helper()
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// file is an attachment: its name, and its text or its data in base64.
type file struct{ name, content string }

// attachmentsOf returns the text of an exported message and what is attached to it.
func (tr transcript) attachmentsOf(m chat.Message) (text string, files []file) {
	data := map[string][]byte{}
	for _, a := range tr.Attachments {
		data[a.Digest] = a.Data
	}
	for _, p := range m.Parts {
		switch p.Type {
		case chat.PartImage:
			files = append(files, file{p.Name, base64.StdEncoding.EncodeToString(data[p.Digest])})
		case chat.PartFile:
			files = append(files, file{p.Name, string(data[p.Digest])})
		case chat.PartText, chat.PartReasoning, chat.PartToolCall, chat.PartToolResult:
		}
	}
	return m.Content, files
}

// block is an attachment in a message of the previous version. Its end is the last one
// before the next block or the end of the message, since a text may contain such lines.
var block = regexp.MustCompile(`(?ms)(?:^|\n\n)<(?:file|image) name="([^"\n]+)"(?: type="[^"\n]+")?>\n(.*?)\n</(?:file|image)>(?:\z|\n\n)`)

// splitBlocks splits a message of the previous version.
func splitBlocks(content string) (text string, files []file) {
	for _, m := range block.FindAllStringSubmatch(content+"\n\n", -1) {
		files = append(files, file{m[1], m[2]})
	}
	return strings.TrimSpace(block.ReplaceAllString(content+"\n\n", "")), files
}
