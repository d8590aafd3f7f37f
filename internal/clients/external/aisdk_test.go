package external

import (
	"os"
	"path/filepath"
	"testing"

	"chat/internal/clients"
	"chat/internal/services"
)

func TestAISDKOpenResponses(t *testing.T) {
	t.Parallel()
	clients.Start(t).ScriptWith(t, services.BrowserModules(t), "open-responses.mjs")
}

func TestAISDKRecipe(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Symlink(services.BrowserModules(t), filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	clients.Start(t).RunRecipe(t, dir, "recipe.mjs", clients.Recipe(t, "../../..", "React: useChat of the AI SDK", "js"), services.Node(t))
}
