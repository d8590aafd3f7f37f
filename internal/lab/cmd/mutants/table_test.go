package main

import (
	"os"
	"os/exec"
	"path"
	"testing"
)

func TestEachMutantFindsItsPlaceAndCompiles(t *testing.T) {
	t.Chdir("../../../..")
	if len(mutants()) < 12 {
		t.Errorf("only %d mutants", len(mutants()))
	}
	for _, m := range mutants() {
		if (m.pkg == "") == (m.row == "") {
			t.Errorf("%s: a package or a row must kill it", m.name)
		}
		text, err := os.ReadFile(m.file)
		if err != nil {
			t.Error(err)
			continue
		}
		if bad, err := m.damaged(string(text)); err != nil || bad == string(text) {
			t.Errorf("%s: %v", m.name, err)
			continue
		}
		overlay, err := m.overlay(t.TempDir())
		if err != nil {
			t.Error(err)
			continue
		}
		if out, err := exec.CommandContext(t.Context(), "go", "build", "-overlay="+overlay, "./"+path.Dir(m.file)).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", m.name, err, out)
		}
	}
}
