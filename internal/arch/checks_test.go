package arch

import (
	"fmt"
	"strings"
	"testing"
)

// file is a file of a module that exists only in a test.
type file struct{ name, text string }

func parseAll(t *testing.T, files ...file) []source {
	t.Helper()
	var all []source
	for _, f := range files {
		s, err := parse(f.name, []byte(f.text))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	return all
}

// Each check finds what it forbids, and nothing else.
func TestChecksFail(t *testing.T) {
	oneRule := map[string]rule{"chat/tui": {[]string{"chat"}, "a reason"}}
	imports := func(all []source) []string { return forbiddenImports(all, oneRule) }
	unused := func(all []source) []string { return unusedAllowances(all, oneRule) }
	switches := func(all []source) []string { _, p := chunkSwitches(all); return p }
	sizes := func(all []source) []string { return largePackages(all, map[string]string{"chat/large": "a reason"}) }
	for name, c := range map[string]struct {
		check     func([]source) []string
		good, bad file
	}{
		"imports":         {imports, file{"tui/a.go", "package tui\nimport \"chat\""}, file{"tui/a.go", "package tui\nimport \"chat/sql\""}},
		"package rule":    {imports, file{"tui/a.go", "package tui"}, file{"new/a.go", "package new"}},
		"allowance":       {unused, file{"tui/a.go", "package tui\nimport \"chat\""}, file{"tui/a.go", "package tui\nimport \"os\""}},
		"encoder":         {encodersWithStorage, file{"daemon/api/ws/a.go", "package ws\nimport \"chat/daemon/follow\""}, file{"daemon/api/ws/a.go", "package ws\nimport \"chat/sql\""}},
		"encoder and log": {encodersWithStorage, file{"daemon/apis/a.go", "package apis\nimport \"chat/sql\""}, file{"daemon/api/a.go", "package api\nimport \"chat/daemon/chunklog\""}},
		"package name":    {vagueNames, file{"tui/a.go", "package tui"}, file{"tui/util/a.go", "package util"}},
		"doc comment":     {undocumented, file{"tui/a.go", "// Package tui draws.\npackage tui"}, file{"tui/a.go", "package tui"}},
		"context":         {newContexts, file{"tui/a.go", "package main\nvar c = context.Background()"}, file{"tui/a.go", "package tui\nvar c = context.TODO()"}},
		"sleep":           {sleeps, body("tui/a_test.go", "synctest.Test(t, func(t *testing.T) { time.Sleep(1) })"), body("tui/a_test.go", "time.Sleep(1)")},
		"blind wait":      {blindWaits, body("tui/a_test.go", "select { case <-time.After(1): case <-done: }"), body("internal/lab/a.go", "<-time.After(1)")},
		"chunk types":     {switches, body("tui/a.go", "switch c.Type { case chat.ChunkDone: default: }"), body("tui/a.go", "switch c.Type { case x, chat.ChunkDone: }")},
		"file length":     {longFiles, lines("tui/a.go", maxLines), lines("tui/a.go", maxLines+1)},
		"function length": {longFunctions, function("tui/a.go", maxFunction), function("tui/a.go", maxFunction+1)},
		"package length":  {sizes, lines("large/a.go", maxPackage+1), lines("large/a.go", maxPackage)},
	} {
		t.Run(name, func(t *testing.T) {
			if problems := c.check(parseAll(t, c.good)); len(problems) > 0 {
				t.Errorf("good source: %v", problems)
			}
			if len(c.check(parseAll(t, c.bad))) == 0 {
				t.Error("bad source passes")
			}
		})
	}
}

func TestPackageLengthIsASum(t *testing.T) {
	half := maxPackage/2 + 1
	all := parseAll(t, lines("tui/a.go", half), lines("tui/b.go", half))
	if problems := largePackages(all, nil); len(problems) != 1 {
		t.Errorf("%d lines in two files: %v", 2*half, problems)
	}
	all = parseAll(t, lines("tui/a.go", half), lines("tui/b_test.go", half), lines("internal/lab/a.go", maxPackage+1))
	if problems := largePackages(all, nil); len(problems) != 0 {
		t.Errorf("tests count: %v", problems)
	}
}

func TestRedisKeysAreFound(t *testing.T) {
	files := filesWithRedisKeys(parseAll(t, body("a/a.go", `f("stream:" + id)`), body("b/b.go", `f("no stream: "+id)`), body("c/c_test.go", `f("queue:x")`)))
	if fmt.Sprint(files) != "[a/a.go]" {
		t.Errorf("keys in %v", files)
	}
}

// body is a file with a function of these statements.
func body(name, statements string) file {
	return file{name, "package p\nfunc f() {\n" + statements + "\n}\n"}
}

// lines is a file of n lines.
func lines(name string, n int) file { return file{name, "package p\n" + strings.Repeat("\n", n-1)} }

// function is a file with a function of n lines.
func function(name string, n int) file { return body(name, strings.Repeat("\n", n-3)) }
