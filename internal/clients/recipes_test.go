package clients_test

import (
	"os"
	"path/filepath"
	"testing"

	"chat/internal/clients"
	"chat/internal/services"
)

const root = "../.."

func TestRecipes(t *testing.T) {
	t.Parallel()
	s := clients.Start(t)
	dir := t.TempDir()
	if err := os.Symlink(services.NodeModules(t), filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	for _, section := range []string{"JavaScript: openai", "WebSocket", "EventSource"} {
		s.RunRecipe(t, dir, section[:4]+".mjs", clients.Recipe(t, root, section, "js"), services.Node(t))
	}
	services.Tool(t, "curl")
	s.RunRecipe(t, dir, "curl.sh", clients.Recipe(t, root, "curl", "sh"), "sh", "-eu")
	s.RunRecipe(t, dir, "main.go", clients.Recipe(t, root, "Go: openai-go", "go"), "go", "run", "-trimpath")
}
