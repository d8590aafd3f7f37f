package render

import (
	"strings"
	"unicode/utf8"

	"chat/internal/term/citation"
	"chat/internal/term/highlight"
)

const (
	// maxBlock bounds a block in bytes, so that the cost of rendering the open one does not
	// grow with the text.
	maxBlock = 16 << 10
	// softBlock is the size after which a list or a table ends at its next item or row.
	softBlock = 4 << 10
	// maxUnit is the size in bytes after which a line is handled as several.
	maxUnit = 4 << 10
	// maxCode bounds a block of code in bytes, and maxCodeLines in lines.
	maxCode      = 2 << 10
	maxCodeLines = 20
	// decisive is the number of bytes of a line that say whether it begins a block.
	decisive = 16
)

// Block is a piece of a text that is rendered without the others.
type Block struct {
	Text     string
	Code     bool // Text is lines of code, and not Markdown
	Language string
	state    highlight.State // of the code before it
	start    int             // the number of the first item of an ordered list, if it continues one
	// More says that it continues the block before it.
	More bool
}

// Splitter cuts a text that arrives in pieces into blocks. A block ends where no text to come
// can change it. The blocks depend on the text only, and not on how it was cut into pieces.
//
// The rules are those of CommonMark for the beginnings of top-level blocks, with limits for
// the size of a block: long code, lists, tables and paragraphs are continued in a block with
// More. The zero Splitter splits Markdown.
type Splitter struct {
	citations citation.Stream // removes the markers of providers
	partial   string          // the incomplete line
	midLine   bool            // the partial line continues a long one

	open  strings.Builder // complete lines of the open block
	kind  kind
	blank bool // the last line was empty
	more  bool // the open block continues the one before
	lines int  // of the open block

	fence  fence
	inner  fence  // within the open item of a list
	list   marker // the last item at the top level
	number int    // of the list's first item
	items  int
	start  int    // number of the open block's first item, if it continues a list
	header string // the first two lines of a table
	state  highlight.State
}

// kind is what the open block is.
type kind uint8

const (
	none  kind = iota
	other      // a paragraph, or what is not known
	quote
	indented
	list
	table
	fenced
	raw // code without a fence, to the end of the text
)

// NewCode returns a Splitter for a text that is code.
func NewCode(language string) *Splitter {
	return &Splitter{kind: raw, fence: fence{language: language}}
}

// Append adds a piece of the text, and passes the blocks that it ends to done.
func (s *Splitter) Append(text string, done func(Block)) {
	if s.kind != raw {
		text = s.citations.Append(text)
	}
	s.append(text, done)
}

func (s *Splitter) append(text string, done func(Block)) {
	s.partial += text
	for {
		n := lineEnd(s.partial)
		if n == 0 {
			break
		}
		line := s.partial[:n]
		s.partial = s.partial[n:]
		s.add(line, done)
		s.midLine = line[n-1] != '\n'
	}
	if s.blank && !s.midLine && s.kind != fenced && s.kind != raw && determined(s.partial) && s.begins(s.partial) {
		s.cut(false, done)
	}
}

// lineEnd returns the length of the first line of text, or of the piece of a long line that
// is handled as one; 0 if the line is not complete.
func lineEnd(text string) int {
	if i := strings.IndexByte(text[:min(len(text), maxUnit)], '\n'); i >= 0 {
		return i + 1
	}
	if len(text) < maxUnit {
		return 0
	}
	if i := strings.LastIndexByte(text[maxUnit/2:maxUnit], ' '); i >= 0 {
		return maxUnit/2 + i + 1
	}
	n := maxUnit
	for n > maxUnit-utf8.UTFMax && !utf8.RuneStart(text[n-1]) {
		n--
	}
	return n - 1 // before the last character, which may not be complete
}

// Finish ends the text.
func (s *Splitter) Finish(done func(Block)) {
	s.append(s.citations.Flush(), done)
	if s.partial != "" {
		line := s.partial
		s.partial = ""
		s.add(line, done)
	}
	s.cut(false, done)
}

// Open returns the block that more text can change; false if there is none.
func (s *Splitter) Open() (Block, bool) {
	if s.kind == fenced || s.kind == raw {
		text := s.partial
		if s.kind == fenced {
			text = s.fence.strip(text)
			if s.fence.mayClose(text) { // do not show what vanishes with the next piece
				text = ""
			}
		}
		b := s.block()
		b.Text += text
		return b, b.Text != "" || !b.More
	}
	b := s.block()
	b.Text += s.partial
	return b, strings.TrimSpace(b.Text) != ""
}

// add adds a line, or a piece of a long one.
func (s *Splitter) add(line string, done func(Block)) {
	if s.kind == fenced || s.kind == raw {
		s.addCode(line, done)
		return
	}
	if !s.midLine {
		if strings.TrimSpace(line) == "" {
			if s.kind != none {
				s.put(line)
				s.blank = true
			}
			return
		}
		if s.inner.length > 0 {
			if s.inner.closes(strings.TrimLeft(line, " \t")) {
				s.inner = fence{}
			}
			s.grow(line, done)
			return
		}
		if s.begins(line) {
			s.cut(false, done)
		}
		if f, ok := openFence(line); ok && !s.inItem(line) {
			s.cut(false, done)
			s.kind, s.fence, s.state = fenced, f, highlight.State{}
			return
		}
		if s.isLeaf(line) {
			s.put(line)
			s.cut(false, done)
			return
		}
		s.follow(line, done)
		s.inner = s.innerFence(line)
	}
	s.grow(line, done)
}

// innerFence returns the fence that a line opens within an item of a list. Its code is not
// searched for blocks, also if it or the end of it is indented less than the item.
func (s *Splitter) innerFence(line string) fence {
	if s.kind != list {
		return fence{}
	}
	rest := strings.TrimLeft(line, " \t")
	if _, isItem := itemOf(line); isItem {
		rest = strings.TrimLeft(strings.TrimLeft(rest, "-+*.)0123456789"), " \t")
	} else if !s.inItem(line) {
		return fence{}
	}
	f, ok := openFence(rest)
	if !ok {
		return fence{}
	}
	return f
}

// grow adds a line to the open block.
func (s *Splitter) grow(line string, done func(Block)) {
	if s.open.Len()+len(line) > maxBlock {
		s.cut(true, done)
	}
	if s.kind == none {
		s.kind = other
	}
	s.put(line)
	s.blank = false
}

func (s *Splitter) put(line string) {
	s.open.WriteString(line)
	s.lines++
}

// inItem reports whether a line belongs to the open item of a list.
func (s *Splitter) inItem(line string) bool {
	return s.kind == list && indentOf(line) >= s.list.offset
}

// begins reports whether a line begins a new block at the top level.
func (s *Splitter) begins(line string) bool {
	if s.kind == none || s.inner.length > 0 || s.inItem(line) {
		return false
	}
	m, isItem := itemOf(line)
	switch {
	case isHeading(line), isThematicBreak(line) && (s.blank || !isUnderline(line)) && s.kind != table:
		return true
	case s.kind == list && isItem:
		return m.sign != s.list.sign && (s.blank || m.interrupts)
	case s.kind == list:
		return s.blank
	case isItem && (s.blank || m.interrupts):
		return s.kind != indented || indentOf(line) < codeIndent
	case s.kind == indented:
		return indentOf(line) < codeIndent
	}
	return s.blank
}

// underlines reports whether a line makes the paragraph before it a heading.
func (s *Splitter) underlines(line string) bool {
	return s.kind == other && !s.blank && isUnderline(line)
}

// isLeaf reports whether a line ends its block, which cannot have more: a heading or a
// horizontal rule.
func (s *Splitter) isLeaf(line string) bool {
	return s.kind == none && (isHeading(line) || isThematicBreak(line)) || s.underlines(line)
}

// follow updates what is known of the open block by the next of its lines, or by the first.
func (s *Splitter) follow(line string, done func(Block)) {
	m, isItem := itemOf(line)
	switch {
	case s.kind == none && isItem:
		s.kind, s.list, s.number, s.items = list, m, m.number, 1
	case s.kind == none && indentOf(line) >= codeIndent:
		s.kind = indented
	case (s.kind == none || s.kind == other) && strings.HasPrefix(strings.TrimLeft(line, " "), ">"):
		s.kind = quote
	case s.kind == none:
		s.kind, s.header = other, line
	case s.kind == list && isItem && !s.inItem(line):
		if s.open.Len() > softBlock {
			number := s.number + s.items
			s.cut(true, done)
			s.kind, s.start, s.number, s.items = list, number, number, 0
		}
		s.list = m
		s.items++
	case isItem && s.kind != list && s.kind != indented: // of a list within the block, or text
		s.kind, s.list, s.number, s.items = list, m, m.number, 1
	case s.kind == other && s.lines == 1 && isDelimiterRow(s.header, line):
		s.kind = table
		s.header += line
	case s.kind == table && (s.open.Len() > softBlock+len(s.header) || (s.lines+4)*max(columnsOf(s.header), columnsOf(line)) > maxCells && s.lines > 2):
		header := s.header
		s.cut(true, done)
		s.kind, s.header = table, header
		s.put(header)
	}
}

// addCode adds a line of code.
func (s *Splitter) addCode(line string, done func(Block)) {
	if s.kind == fenced && !s.midLine {
		if s.fence.closes(line) {
			s.cut(false, done)
			return
		}
		line = s.fence.strip(line)
	}
	if s.lines >= maxCodeLines || s.open.Len()+len(line) > maxCode && s.lines > 0 {
		was, f := s.kind, s.fence
		b := s.block()
		state := b.advance()
		s.cut(true, done)
		s.kind, s.fence, s.state = was, f, state
	}
	s.put(line)
}

// block returns the open block.
func (s *Splitter) block() Block {
	b := Block{Text: s.open.String(), More: s.more}
	if s.kind == fenced || s.kind == raw {
		b.Code, b.Language, b.state = true, s.fence.language, s.state
	} else if s.kind == list {
		b.start = s.start
	}
	return b
}

// cut ends the open block. more says that the next one continues it.
func (s *Splitter) cut(more bool, done func(Block)) {
	b := s.block()
	empty := strings.TrimSpace(b.Text) == ""
	if b.Code {
		empty = b.Text == "" && (b.More || s.kind == raw)
	}
	s.open.Reset()
	s.kind, s.blank, s.more, s.lines, s.header, s.start, s.inner = none, false, more, 0, "", 0, fence{}
	if !empty {
		done(b)
	}
}
