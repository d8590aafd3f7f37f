package daemon

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"chat"
)

// fakeWindows is a windowStore that may be away.
type fakeWindows struct {
	learned map[string]int
	away    bool
	reads   int
}

func (f *fakeWindows) Windows(context.Context) (map[string]int, error) {
	f.reads++
	if f.away {
		return nil, chat.Errorf(chat.CodeUnavailable, "away")
	}
	return f.learned, nil
}

func (f *fakeWindows) LearnWindow(_ context.Context, model string, tokens int) error {
	if f.away {
		return chat.Errorf(chat.CodeUnavailable, "away")
	}
	f.learned[model] = tokens
	return nil
}

func TestTheWindowOfAModel(t *testing.T) {
	t.Parallel()
	w := &windows{
		store: &fakeWindows{learned: map[string]int{"work/large": 1000, "work/huge": 9000, "work/set": 5}}, log: slog.New(slog.DiscardHandler),
		configured: map[string]int{"set": 77, "work/full": 88},
	}
	for name, c := range map[string]struct {
		full, asked  string
		listed, want int
	}{
		"listed":                       {"work/other", "other", 300, 300},
		"unknown":                      {"work/other", "other", 0, 0},
		"learned":                      {"work/large", "large", 0, 1000},
		"learned, and listed as more":  {"work/large", "large", 5000, 1000},
		"learned, and listed as less":  {"work/huge", "huge", 5000, 5000},
		"of another provider":          {"home/large", "large", 0, 0},
		"configured by its id":         {"work/set", "set", 300, 77},
		"configured, asked by default": {"work/set", "", 300, 77},
		"configured by its full name":  {"work/full", "full", 300, 88},
	} {
		if got := w.of(t.Context(), c.full, c.asked, c.listed); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

func TestWindowsAreLearnedWhileSQLIsAway(t *testing.T) {
	t.Parallel()
	store := &fakeWindows{learned: map[string]int{"work/a": 1}}
	w := &windows{store: store, log: slog.New(slog.DiscardHandler)}
	if got := w.of(t.Context(), "work/a", "a", 0); got != 1 {
		t.Errorf("read %d", got)
	}
	store.away = true
	w.learn(t.Context(), "work/b", 2)
	if a, b := w.of(t.Context(), "work/a", "a", 0), w.of(t.Context(), "work/b", "b", 0); a != 1 || b != 2 || store.reads != 1 {
		t.Errorf("%d and %d after %d reads", a, b, store.reads)
	}
}

func TestTheContextOfModelsInTheConfigFile(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		"[models.\"m\"]\ncontext = 4096\n": 4096, "[models.m]\ncontext = \"big\"\n": 0, "[models.m]\ntemperature = 1\n": 0, "models = 3\n": 0, "": 0, "[models.m]\ncontext = -1\n": 0,
	} {
		file := filepath.Join(t.TempDir(), "config.toml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := readWindows(file)
		if err != nil || got["m"] != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	if got, err := readWindows(filepath.Join(t.TempDir(), "none", "config.toml")); err != nil || got != nil {
		t.Errorf("without a file: %v, %v", got, err)
	}
}
