package history

import (
	"encoding/json"
	"os"
	"path/filepath"
)

// Save writes everything to history.json in dir.
func (h *History) Save(dir string) error {
	f, err := os.Create(filepath.Join(dir, "history.json"))
	if err != nil {
		return err
	}
	e := json.NewEncoder(f)
	e.SetIndent("", " ")
	err = e.Encode(map[string]any{
		"row": h.Row, "profile": h.Profile, "seed": h.Seed, "began": h.Began, "notes": h.Notes(),
		"formats": h.Followed(), "asks": h.Asks(), "record": h.Rows, "redis": h.Redis, "calls": h.Calls,
	})
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}
