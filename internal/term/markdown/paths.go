package markdown

import (
	"bytes"
	"regexp"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

// paths keeps the backslashes of Windows paths, such as C:\_x, which CommonMark
// treats as escapes before punctuation.
type paths struct{}

func (paths) Trigger() []byte { return []byte{'\\'} }

var (
	// drive matches the text before the first backslash of a path.
	drive = regexp.MustCompile(`(?:^|[^0-9A-Za-z])(?:[A-Za-z]:|%[0-9A-Za-z_()]+%|\.{1,2}|\$env:[A-Za-z]+)$`)
	// share is the beginning of a path on the network.
	share = regexp.MustCompile(`^\\\\[0-9A-Za-z?.][^\\\s]*\\`)
	// parts match the rest of a path: a file name has none of these characters.
	parts = regexp.MustCompile("^\\\\[^\\s*\"<>|?`\\]]*")
)

func (paths) Parse(_ ast.Node, block text.Reader, _ parser.Context) ast.Node {
	line, segment := block.PeekLine()
	source := block.Source()
	before := source[lineStart(source, segment.Start):segment.Start]
	atWord := len(before) == 0 || bytes.ContainsRune([]byte(" \t(\"'*_"), rune(before[len(before)-1]))
	if !drive.Match(before) && !(atWord && share.Match(line)) {
		return nil
	}
	n := len(parts.Find(line))
	block.Advance(n)
	return ast.NewRawTextSegment(segment.WithStop(segment.Start + n))
}
