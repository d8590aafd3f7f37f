// Package codeblock finds the fenced code blocks of a Markdown text, and writes them.
package codeblock

import (
	"strconv"
	"strings"

	"chat"
)

// The named blocks. --extract without a value means the first one.
const (
	First     = "first"
	lastBlock = "last"
)

// IsChoice reports whether s is a valid Choice.
func IsChoice(s string) bool {
	n, err := strconv.Atoi(s)
	return s == First || s == lastBlock || err == nil && n > 0
}

// Choice selects a code block of a text: first, last or a number from 1.
type Choice string

func (e Choice) Check() error {
	if e != "" && !IsChoice(string(e)) {
		return chat.Errorf(chat.CodeInvalid, "--extract must be first, last or a number from 1, not %q", string(e))
	}
	return nil
}

// From returns the selected block of text, without its final newline.
func (e Choice) From(text string) (string, error) {
	blocks := Find(text)
	n := 1
	switch e {
	case First:
	case lastBlock:
		n = len(blocks)
	default:
		var err error
		if n, err = strconv.Atoi(string(e)); err != nil {
			return "", err
		}
	}
	switch {
	case len(blocks) == 0:
		return "", chat.Errorf(chat.CodeNotFound, "the answer has no code block")
	case n > len(blocks):
		return "", chat.Errorf(chat.CodeNotFound, "the answer has no code block number %d, only %d", n, len(blocks))
	}
	return blocks[n-1], nil
}

// Find returns the contents of the fenced code blocks of a Markdown text, see section
// 4.5 of CommonMark 0.31. A fence may be indented by more than three columns, as in a
// list. An unclosed block extends to the end.
func Find(text string) []string {
	var blocks []string
	var open *opening
	var body []string
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		switch {
		case open == nil:
			open, body = parseOpening(line), nil
		case open.closes(line):
			blocks, open = append(blocks, strings.Join(body, "\n")), nil
		default:
			body = append(body, open.stripIndent(line))
		}
	}
	if open != nil {
		blocks = append(blocks, strings.Join(body, "\n"))
	}
	return blocks
}

// opening is the opening fence of a code block.
type opening struct {
	mark   byte
	length int
	indent int
}

// parseMarks returns the indentation of a line and the run of backticks or tildes at its
// start.
func parseMarks(line string) (f opening, rest string) {
	trimmed := strings.TrimLeft(line, " ")
	if trimmed == "" || trimmed[0] != '`' && trimmed[0] != '~' {
		return f, ""
	}
	rest = strings.TrimLeft(trimmed, trimmed[:1])
	return opening{trimmed[0], len(trimmed) - len(rest), len(line) - len(trimmed)}, rest
}

const shortestFence = 3

func parseOpening(line string) *opening {
	f, info := parseMarks(line)
	if f.length < shortestFence || f.mark == '`' && strings.Contains(info, "`") {
		return nil
	}
	return &f
}

func (f *opening) closes(line string) bool {
	g, rest := parseMarks(line)
	return g.mark == f.mark && g.length >= f.length && strings.TrimSpace(rest) == ""
}

// stripIndent removes the indentation of the fence from a line.
func (f *opening) stripIndent(line string) string {
	n := 0
	for n < f.indent && n < len(line) && line[n] == ' ' {
		n++
	}
	return line[n:]
}

// Fence returns text as a code block. Its fence is longer than any fence in the text.
func Fence(language, text string) string {
	fence := strings.Repeat("`", max(shortestFence, longestRun(text, '`')+1))
	return fence + strings.ReplaceAll(language, "`", "") + "\n" + strings.TrimRight(text, "\n") + "\n" + fence
}

// longestRun returns the length of the longest run of b in text.
func longestRun(text string, b byte) int {
	longest, run := 0, 0
	for i := range len(text) {
		if text[i] != b {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return longest
}
