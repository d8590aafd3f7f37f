package clients

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// recipeLimit bounds one recipe.
const recipeLimit = time.Minute

// Recipe returns the code of a section of docs/clients.md: its block in a language. It asks
// the model of the tests in place of the demo. root is the path to the repository.
func Recipe(t *testing.T, root, section, language string) string {
	t.Helper()
	page, err := os.ReadFile(filepath.Join(root, "docs/clients.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(page), "\n## "+section+"\n")
	rest, _, _ = strings.Cut(rest, "\n## ")
	_, code, has := strings.Cut(rest, "\n```"+language+"\n")
	code, _, _ = strings.Cut(code, "\n```\n")
	if !found || !has {
		t.Fatalf("docs/clients.md has no block of %s in the section %q", language, section)
	}
	return strings.NewReplacer(`"demo"`, `"lying"`, `'demo'`, `'lying'`).Replace(code) + "\n"
}

// RunRecipe writes code to a file in dir and runs it with argv and the file's path. Its
// output must have the answer that the provider has sent.
func (s *Stand) RunRecipe(t *testing.T, dir, file, code string, argv ...string) {
	t.Helper()
	path := filepath.Join(dir, file)
	if err := os.WriteFile(path, []byte(code), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), recipeLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], append(argv[1:], path)...)
	cmd.Env = append(os.Environ(), "CHAT_URL="+s.URL, "CHAT_TOKEN="+Token, "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	calls := s.Provider.Calls()
	if err != nil || len(calls) == 0 || !strings.Contains(plain(string(out)), plain(calls[len(calls)-1].Sent)) {
		t.Errorf("%s: %v\n%s", file, err, out)
	}
}

// plain drops what is between the pieces of an answer in a raw stream.
func plain(s string) string {
	var b strings.Builder
	for line := range strings.Lines(s) {
		if _, text, ok := strings.Cut(line, `"content":"`); ok && strings.HasPrefix(line, "data:") {
			line, _, _ = strings.Cut(text, `"`)
		}
		if !strings.HasPrefix(line, "id:") {
			b.WriteString(strings.TrimRight(line, "\n"))
		}
	}
	return b.String()
}
