package external

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"chat/internal/services"
)

const example = "../../../examples/react"

// The example has the packages that are installed for the tests.
func TestReactExample(t *testing.T) {
	t.Parallel()
	modules := services.BrowserModules(t)
	var wanted struct{ Dependencies, DevDependencies map[string]string }
	readJSON(t, filepath.Join(example, "package.json"), &wanted)
	for _, list := range []map[string]string{wanted.Dependencies, wanted.DevDependencies} {
		for name, version := range list {
			var installed struct{ Version string }
			readJSON(t, filepath.Join(modules, name, "package.json"), &installed)
			if installed.Version != version {
				t.Errorf("the example has %s %s; node/browser/package.json has %s", name, version, installed.Version)
			}
		}
	}
	dir := t.TempDir()
	if err := errors.Join(os.CopyFS(dir, os.DirFS(example)), os.Symlink(modules, filepath.Join(dir, "node_modules"))); err != nil {
		t.Fatal(err)
	}
	s, env := page(t)
	s.ScriptWith(t, modules, "react.mjs", append(env, "EXAMPLE="+dir, "CHAT_HOST="+s.URL)...)
}

func readJSON(t *testing.T, path string, into any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(data, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}
