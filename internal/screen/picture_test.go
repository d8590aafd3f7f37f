package screen

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// pictures is the directory that the scenes' pictures go to; task pictures sets it.
var pictures = flag.String("pictures", "", "write the pictures of the scenes to this `directory`")

// Parts that differ between runs, and their replacements of the same length.
var fleeting = []struct {
	is    *regexp.Regexp
	shown string
}{
	{regexp.MustCompile(`· \d\d:\d\d\b`), "· 14:02"},
	{regexp.MustCompile(`(attach|-r) [0-9a-f]{8}`), "$1 91bc07f4"},
	{regexp.MustCompile(`running · 0:\d\d`), "running · 0:09"},
	{regexp.MustCompile(`· 0:\d\d ·`), "· 0:09 ·"},
	{regexp.MustCompile(`\b0:\d\d · esc`), "0:09 · esc"},
	{regexp.MustCompile(`next try in \d s`), "next try in 2 s"},
	{regexp.MustCompile(`~\d\d tok/s`), "~41 tok/s"},
	{regexp.MustCompile(`thought for [0-9.]+ (m?s)`), "thought for 4 s"},
	{regexp.MustCompile(`(just now|\d+ s ago|\d+ seconds ago)`), "just now"},
}

// picture saves the contents of the pane, if pictures are wanted.
func (p *pane) picture(name, title string) {
	p.t.Helper()
	if *pictures == "" {
		return
	}
	text := strings.TrimRight(p.tmux("capture-pane", "-p", "-e"), "\n")
	for _, f := range fleeting {
		text = f.is.ReplaceAllString(text, f.shown)
	}
	file := filepath.Join(*pictures, name+".svg")
	if err := os.WriteFile(file, []byte(svg(title, strings.Split(text, "\n"))), 0o644); err != nil {
		p.t.Fatal(err)
	}
}
