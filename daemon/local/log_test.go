package local

import (
	"os"
	"path/filepath"
	"testing"
)

func TestTail(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(path, []byte("a\nb\nc\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for n, want := range map[int]int{-3: 0, 0: 0, 1: 1, 3: 3, 9: 3} {
		if lines, length, err := Tail(path, n); len(lines) != want || length != 6 || err != nil {
			t.Errorf("%d: %q, %d, %v", n, lines, length, err)
		}
	}
}
