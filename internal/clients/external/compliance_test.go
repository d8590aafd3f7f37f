package external

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"chat/internal/clients"
	"chat/internal/services"
)

func TestMain(m *testing.M) { os.Exit(clients.Main(m)) }

// envCompliance is the directory of a checkout of github.com/openresponses/openresponses,
// whose test is in no package registry.
const envCompliance = "OPENRESPONSES_DIR"

func TestOpenResponsesCompliance(t *testing.T) {
	t.Parallel()
	source := os.Getenv(envCompliance)
	if source == "" {
		t.Fatalf("%s is not set: clone github.com/openresponses/openresponses, and set it to the directory; or run task clients, which does so", envCompliance)
	}
	s := clients.Start(t)
	modules := services.BrowserModules(t)
	dir := t.TempDir() // a copy, because modules are looked for beside it
	for _, name := range []string{"bin", "src"} {
		if err := os.CopyFS(filepath.Join(dir, name), os.DirFS(filepath.Join(source, name))); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), services.Node(t), filepath.Join(modules, "tsx/dist/cli.mjs"),
		filepath.Join(dir, "bin/compliance-test.ts"), "--base-url", s.URL+"/v1", "--api-key", clients.Token, "--model", "lying", "--json")
	out, err := cmd.Output()
	var report struct {
		Results []struct {
			ID, Status string
			Errors     []string
		}
	}
	if json.Unmarshal(out, &report) != nil || len(report.Results) == 0 {
		t.Fatalf("%v: %s", err, out)
	}
	for _, r := range report.Results {
		t.Logf("%s: %s", r.ID, r.Status)
		if r.Status != "passed" {
			t.Errorf("%s: %s %q", r.ID, r.Status, r.Errors)
		}
	}
}
