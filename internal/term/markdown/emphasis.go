package markdown

import (
	"regexp"
	"unicode"

	"github.com/yuin/goldmark/ast"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// emphasis is CommonMark's with three exceptions that suit the text of models:
// 5*3*2, __init__, and **「强调」**之后.
type emphasis struct {
	inner bool // a delimiter inside a word
}

func (emphasis) Trigger() []byte            { return []byte{'*', '_'} }
func (emphasis) IsDelimiter(b byte) bool    { return b == '*' || b == '_' }
func (emphasis) OnMatch(level int) ast.Node { return ast.NewEmphasis(level) }

// CanOpenCloser lets a delimiter inside a word close only a delimiter of the same
// kind, as in **S**tructured.
func (emphasis) CanOpenCloser(opener, closer *parser.Delimiter) bool {
	e, ok := closer.Processor.(emphasis)
	return opener.Char == closer.Char && (!ok || !e.inner || opener.Length == closer.Length)
}

// identifier matches a Python name with its underscores.
var identifier = regexp.MustCompile(`^__[a-z][0-9a-z_]*[0-9a-z]__`)

func (e emphasis) Parse(_ ast.Node, block text.Reader, pc parser.Context) ast.Node {
	before := block.PrecendingCharacter()
	line, segment := block.PeekLine()
	if n := len(identifier.Find(line)); n > 0 && !isWord(before) && !isWord(runeAt(line, n)) {
		block.Advance(n)
		return ast.NewRawTextSegment(segment.WithStop(segment.Start + n))
	}
	node := parser.ScanDelimiter(line, before, 1, e)
	if node == nil {
		return nil
	}
	if node.Char == '*' {
		after := runeAt(line, node.OriginalLength)
		switch {
		case isASCIIWord(before) && isASCIIWord(after):
			node.CanOpen, node.Processor = false, emphasis{inner: true}
			node.CanClose = node.CanClose && !(unicode.IsDigit(before) && unicode.IsDigit(after))
		case wide(before) || wide(after):
			node.CanOpen, node.CanClose = !util.IsSpaceRune(after), !util.IsSpaceRune(before)
		}
	}
	node.Segment = segment.WithStop(segment.Start + node.OriginalLength)
	block.Advance(node.OriginalLength)
	pc.PushDelimiter(node)
	return node
}

func isWord(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }

func isASCIIWord(r rune) bool { return r < unicode.MaxASCII && isWord(r) }

// wide reports whether a character belongs to a script without spaces between
// words. Emphasis may begin or end next to it.
func wide(r rune) bool {
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Bopomofo) ||
		r >= 0x3000 && r <= 0x303F || r >= 0xFF00 && r <= 0xFFEF
}

// strikethrough needs two tildes: a single one means "about", and in East Asia
// "to".
type strikethrough struct{}

func (strikethrough) Trigger() []byte         { return []byte{'~'} }
func (strikethrough) IsDelimiter(b byte) bool { return b == '~' }
func (strikethrough) OnMatch(int) ast.Node    { return extast.NewStrikethrough() }
func (strikethrough) CanOpenCloser(opener, closer *parser.Delimiter) bool {
	return opener.Char == closer.Char
}

func (s strikethrough) Parse(_ ast.Node, block text.Reader, pc parser.Context) ast.Node {
	before := block.PrecendingCharacter()
	line, segment := block.PeekLine()
	node := parser.ScanDelimiter(line, before, 2, s)
	if node == nil || node.OriginalLength != 2 || before == '~' {
		return nil
	}
	node.Segment = segment.WithStop(segment.Start + node.OriginalLength)
	block.Advance(node.OriginalLength)
	pc.PushDelimiter(node)
	return node
}
