// Package highlight finds keywords, strings and comments in code, line by line. The
// state at the end of a line is a State of a few bytes, so code can be coloured
// while it is still being written, at a cost that does not depend on the lines
// before.
//
// It knows words, strings, comments and numbers, not grammars: that is good enough
// to read, fast, and needs no data files. Code in unknown languages stays plain.
package highlight

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Kind is what a piece of code is.
type Kind uint8

// The kinds. Added and Removed are lines of a diff.
const (
	Text Kind = iota
	Keyword
	Type
	Name // a function that is called, a key, a tag
	String
	Number
	Comment
	Added
	Removed
)

// Kinds is the number of kinds.
const Kinds = int(Removed) + 1

// Span is a piece of a line.
type Span struct {
	Text string
	Kind Kind
}

// State is the state at the end of a line; the zero State is the beginning of a
// text.
type State struct {
	open int8 // 1 + the index of the delimiter that is open, 0 for none
	tag  bool // inside <…>
}

// delimiter describes a string or a comment: its begin and end marks.
type delimiter struct {
	open, close string
	kind        Kind
	escape      bool // a backslash escapes the next character
	lines       bool // it may continue on the next line
	atWord      bool // it begins only after a space, or at the line's beginning
	apart       bool // it does not begin directly after a letter or a digit
	first       bool // only space may be before it on its line
	last        bool // no second open mark may follow it on its line
}

// Language describes how the code of a language is read.
type Language struct {
	delimiters []delimiter // the longer ones first
	words      map[string]Kind
	fold       bool                               // words are not case-sensitive
	ident      string                             // characters of words besides letters, digits and _
	variable   byte                               // what names begin with, such as $; 0 for none
	keys       string                             // the character that makes the word or string before it a key
	quote      bool                               // 'x' is a character, and ' alone is not the beginning of a string
	markup     bool                               // names and strings come only after <
	whole      func(line string, s *State) []Span // reads a line, instead of all of the above
}

// For returns the language with the name that follows a code fence; nil if it is
// unknown.
func For(name string) *Language {
	name = strings.ToLower(strings.Trim(name, " {}."))
	name = strings.TrimPrefix(name, "language-")
	if alias, ok := aliases[name]; ok {
		name = alias
	}
	return languages()[name]
}

// Line splits a line, without its newline, and advances the state. The texts of the
// spans concatenate to the line.
func (l *Language) Line(line string, s *State) []Span {
	if l == nil {
		return []Span{{line, Text}}
	}
	if l.whole != nil {
		return l.whole(line, s)
	}
	r := reader{lang: l, line: line, state: s}
	for r.at < len(line) {
		r.next()
	}
	if s.open > 0 && !l.delimiters[s.open-1].lines {
		s.open = 0
	}
	return r.spans
}

// reader scans one line.
type reader struct {
	lang  *Language
	line  string
	at    int
	state *State
	spans []Span
}

// take makes the next n bytes a span, or extends the previous one if the kind is
// the same.
func (r *reader) take(n int, kind Kind) {
	text := r.line[r.at : r.at+n]
	r.at += n
	if last := len(r.spans) - 1; last >= 0 && r.spans[last].Kind == kind {
		r.spans[last].Text += text
		return
	}
	r.spans = append(r.spans, Span{text, kind})
}

func (r *reader) next() {
	if r.state.open > 0 {
		r.inside(r.lang.delimiters[r.state.open-1], 0)
		return
	}
	rest := r.line[r.at:]
	for i, d := range r.lang.delimiters {
		if strings.HasPrefix(rest, d.open) && r.mayBegin(d) {
			r.state.open = int8(i + 1)
			r.inside(d, len(d.open))
			return
		}
	}
	c, size := utf8.DecodeRuneInString(rest)
	switch {
	case r.lang.quote && c == '\'':
		r.character(rest)
	case r.lang.variable != 0 && rest[0] == r.lang.variable && len(rest) > 1:
		r.take(1+max(r.word(rest[1:]), 1), Name)
	case isDigit(c):
		r.take(number(rest), Number)
	case r.inWord(c):
		r.identifier(rest)
	default:
		r.punctuation(rest, size)
	}
}

// mayBegin reports whether the delimiter at the position begins its string or comment there.
func (r *reader) mayBegin(d delimiter) bool {
	before := r.line[:r.at]
	switch {
	case d.atWord && before != "" && !strings.ContainsRune(" \t;({|&", rune(before[len(before)-1])):
		return false
	case d.first && strings.TrimSpace(before) != "":
		return false
	case d.last && strings.Contains(r.line[r.at+len(d.open):], d.open):
		return false
	case r.lang.markup && d.kind == String:
		return r.state.tag
	case d.apart:
		last, _ := utf8.DecodeLastRuneInString(before)
		return !unicode.IsLetter(last) && !unicode.IsDigit(last)
	}
	return true
}

// inside scans a string or comment up to its end, or to the end of the line.
func (r *reader) inside(d delimiter, from int) {
	rest := r.line[r.at:]
	for i := from; i < len(rest); i++ {
		if d.escape && rest[i] == '\\' {
			i++
			continue
		}
		if d.close != "" && strings.HasPrefix(rest[i:], d.close) {
			r.state.open = 0
			r.take(i+len(d.close), r.kindOf(d, rest[i+len(d.close):]))
			return
		}
	}
	r.take(len(rest), d.kind)
}

// kindOf returns the kind of a string that ends before after: a key, if after
// begins with the mark of one.
func (r *reader) kindOf(d delimiter, after string) Kind {
	if d.kind == String && r.isKey(after) {
		return Name
	}
	return d.kind
}

func (r *reader) isKey(after string) bool {
	after = strings.TrimLeft(after, " \t")
	return r.lang.keys != "" && after != "" && strings.IndexByte(r.lang.keys, after[0]) >= 0
}

// character scans 'x' or '\n' as a string, and a lone quote as plain text.
func (r *reader) character(rest string) {
	body := rest[1:]
	if strings.HasPrefix(body, `\`) {
		if end := strings.IndexByte(body[min(len(body), 2):], '\''); end >= 0 && end < 10 {
			r.take(1+2+end+1, String)
			return
		}
	} else if _, size := utf8.DecodeRuneInString(body); size > 0 && strings.HasPrefix(body[size:], "'") {
		r.take(1+size+1, String)
		return
	}
	r.take(1, Text)
}

func isDigit(c rune) bool { return c >= '0' && c <= '9' }

func number(s string) int {
	n := 0
	for n < len(s) && (s[n] == '.' || s[n] == '_' || s[n] < utf8.RuneSelf && (unicode.IsDigit(rune(s[n])) || unicode.IsLetter(rune(s[n])))) {
		n++
	}
	return n
}

func (r *reader) inWord(c rune) bool {
	return c == '_' || unicode.IsLetter(c) || c < utf8.RuneSelf && strings.ContainsRune(r.lang.ident, c)
}

// word returns the length of the word at the beginning of s.
func (r *reader) word(s string) int {
	for i, c := range s {
		if !r.inWord(c) && !unicode.IsDigit(c) {
			return i
		}
	}
	return len(s)
}

func (r *reader) identifier(rest string) {
	n := r.word(rest)
	word, after := rest[:n], rest[n:]
	if r.lang.fold {
		word = strings.ToLower(word)
	}
	kind, known := r.lang.words[word]
	switch {
	case r.lang.markup:
		kind = Text
		if r.state.tag {
			kind = Name
		}
	case known:
	case strings.HasPrefix(after, "("), r.isKey(after):
		kind = Name
	}
	r.take(n, kind)
}

func (r *reader) punctuation(rest string, size int) {
	if r.lang.markup {
		switch rest[0] {
		case '<':
			r.state.tag = true
		case '>':
			r.state.tag = false
		}
	}
	r.take(size, Text)
}
