package render

import (
	"strconv"
	"strings"
)

// codeIndent is the indentation from which a line is code, or belongs to a container.
const codeIndent = 4

// indentOf returns the width of the white space at the beginning of a line.
func indentOf(line string) int {
	width := 0
	for i := range len(line) {
		switch line[i] {
		case ' ':
			width++
		case '\t':
			width += codeIndent - width%codeIndent
		default:
			return width
		}
	}
	return width
}

// marker is the mark of a list's item.
type marker struct {
	sign       byte // -, +, *, . or )
	number     int  // of an ordered item
	offset     int  // the column of the item's content
	interrupts bool // it begins a list directly after a line of a paragraph
}

// itemOf returns the mark at the beginning of a line that begins an item of a list at the
// top level.
func itemOf(line string) (m marker, ok bool) {
	indent := indentOf(line)
	if indent >= codeIndent || isThematicBreak(line) {
		return m, false
	}
	rest := strings.TrimLeft(line, " \t")
	digits := 0
	for digits < len(rest) && digits < 9 && rest[digits] >= '0' && rest[digits] <= '9' {
		digits++
	}
	if digits == len(rest) {
		return m, false
	}
	m.sign = rest[digits]
	switch {
	case digits == 0 && strings.IndexByte("-+*", m.sign) >= 0:
	case digits > 0 && (m.sign == '.' || m.sign == ')'):
		m.number, _ = strconv.Atoi(rest[:digits]) // nine digits
	default:
		return m, false
	}
	content := rest[digits+1:]
	if content != "" && strings.IndexByte(" \t\r\n", content[0]) < 0 {
		return m, false
	}
	text := strings.TrimLeft(content, " \t")
	m.offset = indent + digits + 2
	if spaces := indentOf(content); spaces > 1 && spaces <= codeIndent && strings.TrimSpace(text) != "" {
		m.offset += spaces - 1
	}
	m.interrupts = strings.TrimSpace(text) != "" && (digits == 0 || m.number == 1)
	return m, true
}

// isThematicBreak reports whether a line is a horizontal rule.
func isThematicBreak(line string) bool {
	if indentOf(line) >= codeIndent {
		return false
	}
	rest := strings.Map(func(r rune) rune {
		if strings.ContainsRune(" \t\r\n", r) {
			return -1
		}
		return r
	}, line)
	return len(rest) >= 3 && strings.IndexByte("-*_", rest[0]) >= 0 && strings.Trim(rest, rest[:1]) == ""
}

// isUnderline reports whether a line can make a heading of the paragraph before it.
func isUnderline(line string) bool {
	rest := strings.TrimSpace(line)
	return indentOf(line) < codeIndent && rest != "" && (strings.Trim(rest, "=") == "" || strings.Trim(rest, "-") == "")
}

// isHeading reports whether a line is an ATX heading.
func isHeading(line string) bool {
	if indentOf(line) >= codeIndent {
		return false
	}
	rest := strings.TrimLeft(line, " \t")
	text := strings.TrimLeft(rest, "#")
	level := len(rest) - len(text)
	return level >= 1 && level <= 6 && (text == "" || strings.IndexByte(" \t\r\n", text[0]) >= 0)
}

// isDelimiterRow reports whether a line after a first one makes the two the head of a table.
func isDelimiterRow(head, line string) bool {
	row := strings.TrimSpace(line)
	return strings.Contains(head, "|") && columnsOf(head) <= maxColumns && strings.Contains(row, "-") && strings.Trim(row, "|:- \t") == "" && indentOf(line) < codeIndent
}

// columnsOf returns the most columns that a line of a table can have.
func columnsOf(line string) int { return strings.Count(line, "|") + 1 }

// determined reports whether the beginning of a line says as much as the whole line about
// the blocks that it can begin.
func determined(line string) bool {
	return len(line) >= decisive && strings.Trim(line[:decisive], " \t-*_#`~+0123456789.)") != "" &&
		!strings.HasPrefix(strings.TrimLeft(line, " "), "```") && !strings.HasPrefix(strings.TrimLeft(line, " "), "~~~")
}

// fence is an open code fence.
type fence struct {
	char     byte
	length   int
	indent   int
	language string
}

// openFence reads a line that opens a code fence at the top level.
func openFence(line string) (fence, bool) {
	f := fence{indent: indentOf(line)}
	rest := strings.TrimLeft(line, " ")
	if f.indent >= codeIndent || rest == "" || rest[0] != '`' && rest[0] != '~' {
		return f, false
	}
	f.char = rest[0]
	info := strings.TrimLeft(rest, string(f.char))
	f.length = len(rest) - len(info)
	if f.length < 3 || f.char == '`' && strings.Contains(info, "`") {
		return f, false
	}
	if words := strings.Fields(info); len(words) > 0 {
		f.language = words[0]
	}
	return f, true
}

// closes reports whether a line ends the code.
func (f fence) closes(line string) bool {
	if indentOf(line) >= codeIndent {
		return false
	}
	rest := strings.TrimSpace(line)
	return len(rest) >= f.length && strings.Trim(rest, string(f.char)) == ""
}

// mayClose reports whether a line that is not complete may end the code.
func (f fence) mayClose(line string) bool {
	return strings.Trim(strings.TrimSpace(line), string(f.char)) == ""
}

// strip removes the indentation of the fence from a line.
func (f fence) strip(line string) string {
	for n := f.indent; n > 0 && line != "" && line[0] == ' '; n-- {
		line = line[1:]
	}
	return line
}
