package daemon

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/BurntSushi/toml"

	"chat"
)

func setCompact(c *Config, v string) error {
	c.Compact = chat.CompactMode(v)
	if !slices.Contains([]chat.CompactMode{chat.CompactAutomatic, chat.CompactAsk, chat.CompactOff}, c.Compact) {
		return fmt.Errorf("unknown mode %q: use automatic, ask or off", v)
	}
	return nil
}

// readWindows returns the context of the models in the config file, by name. A value of another
// type is the client's to report, which reads the other fields of these tables.
func readWindows(path string) (map[string]int, error) {
	if path == "" || unreachable(path) {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, chat.Errorf(chat.CodeInvalid, "%s: %w", path, err)
	}
	var file struct {
		Models map[string]any `toml:"models"`
	}
	if _, err := toml.Decode(string(text), &file); err != nil {
		return nil, nil //nolint:nilerr // models that are no tables; readConfigFile has refused what is no TOML
	}
	windows := map[string]int{}
	for name, v := range file.Models {
		table, _ := v.(map[string]any)
		if n, ok := table["context"].(int64); ok && n > 0 {
			windows[name] = int(n)
		}
	}
	return windows, nil
}
