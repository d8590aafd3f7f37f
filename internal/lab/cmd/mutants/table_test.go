package main

import (
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestEachMutantAppliesAndCompiles(t *testing.T) {
	t.Chdir("../../../..")
	if len(mutants()) < 12 {
		t.Errorf("only %d mutants", len(mutants()))
	}
	for _, m := range mutants() {
		if (m.pkg == "") == (m.row == "") {
			t.Errorf("%s: a package or a row must kill it", m.name)
		}
		for _, expression := range strings.Split(m.run, "|") {
			if m.pkg != "" && !matchesATest(t, m.pkg, expression) {
				t.Errorf("%s: no test of %s matches %q: update the table", m.name, m.pkg, expression)
			}
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
		cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-overlay="+overlay, "./"+path.Dir(m.file))
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0") // as in task build, which then finds most compiled
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", m.name, err, out)
		}
	}
}

// matchesATest reports whether a test function in the directory matches expression, as
// go test -run does.
func matchesATest(t *testing.T, dir, expression string) bool {
	t.Helper()
	run, err := regexp.Compile(expression)
	if err != nil {
		t.Error(err)
		return false
	}
	function := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		t.Error(err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Error(err)
		}
		for _, f := range function.FindAllStringSubmatch(string(text), -1) {
			if run.MatchString(f[1]) {
				return true
			}
		}
	}
	return false
}
