package main

import (
	"strconv"
	"strings"

	"chat"
)

// firstBlock is the value of --extract without one.
const firstBlock = "first"

// isBlockChoice reports whether s says which code block is meant.
func isBlockChoice(s string) bool {
	n, err := strconv.Atoi(s)
	return s == firstBlock || s == last || err == nil && n > 0
}

// extraction chooses a code block of a text: first, last or a number from 1.
type extraction string

func (e extraction) check() error {
	if e != "" && !isBlockChoice(string(e)) {
		return chat.Errorf(chat.CodeInvalid, "--extract is first, last or a number from 1, not %q", string(e))
	}
	return nil
}

// from is the block, without the newline that ends it.
func (e extraction) from(text string) (string, error) {
	blocks := codeBlocks(text)
	n := 1
	switch e {
	case firstBlock:
	case last:
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

// codeBlocks are the contents of the fenced code blocks of a Markdown text, by
// section 4.5 of the CommonMark specification 0.31. A fence may stand deeper than
// three columns, as inside a list; one that is never closed goes to the end.
func codeBlocks(text string) []string {
	var blocks []string
	var open *fence
	var body []string
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		switch {
		case open == nil:
			open, body = opens(line), nil
		case open.closes(line):
			blocks, open = append(blocks, strings.Join(body, "\n")), nil
		default:
			body = append(body, open.inside(line))
		}
	}
	if open != nil {
		blocks = append(blocks, strings.Join(body, "\n"))
	}
	return blocks
}

// fence is what a code block was opened with.
type fence struct {
	mark   byte
	length int
	indent int
}

// marks is the indentation of a line, and the length of the run of backticks or
// tildes that it begins with.
func marks(line string) (f fence, rest string) {
	trimmed := strings.TrimLeft(line, " ")
	if trimmed == "" || trimmed[0] != '`' && trimmed[0] != '~' {
		return f, ""
	}
	rest = strings.TrimLeft(trimmed, trimmed[:1])
	return fence{trimmed[0], len(trimmed) - len(rest), len(line) - len(trimmed)}, rest
}

const shortestFence = 3

func opens(line string) *fence {
	f, info := marks(line)
	if f.length < shortestFence || f.mark == '`' && strings.Contains(info, "`") {
		return nil
	}
	return &f
}

func (f *fence) closes(line string) bool {
	g, rest := marks(line)
	return g.mark == f.mark && g.length >= f.length && strings.TrimSpace(rest) == ""
}

// inside is a line without the indentation that its fence has, too.
func (f *fence) inside(line string) string {
	n := 0
	for n < f.indent && n < len(line) && line[n] == ' ' {
		n++
	}
	return line[n:]
}
