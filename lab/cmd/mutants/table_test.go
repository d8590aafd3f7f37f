package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestEachMutantFindsItsPlace(t *testing.T) {
	if len(mutants()) < 12 {
		t.Errorf("only %d mutants", len(mutants()))
	}
	for _, m := range mutants() {
		text, err := os.ReadFile(filepath.Join("..", "..", "..", m.file))
		if err != nil {
			t.Error(err)
			continue
		}
		if bad, err := m.damaged(string(text)); err != nil || bad == string(text) {
			t.Errorf("%s: %v", m.name, err)
		}
		if (m.pkg == "") == (m.row == "") {
			t.Errorf("%s: a package or a row must kill it", m.name)
		}
	}
}
