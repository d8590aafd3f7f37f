package markdown

import (
	"bytes"
	"slices"

	"github.com/yuin/goldmark/ast"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/util"
)

// Stream lays out a text that arrives in pieces. It lays a block out once and keeps
// the rows when no text to come can change it: a top-level block when the next one
// has begun, an item when the next item has begun, code line by line. Only the open
// rest is laid out again for each piece.
//
// A Stream is not safe for concurrent use.
type Stream struct {
	width int
	style Style

	src   []byte
	start int      // where the open part of src begins
	rows  []string // the kept rows, then those of the open part
	kept  int

	fences int // among what is kept
	list   *openList
	fence  *openFence
	table  *openTable // what is known of the open part, if that is a table
	links  links
	fixed  bool // kept rows never change, not even for a late definition
}

// openList describes an open part that begins with an item of a list whose earlier
// items are kept.
type openList struct {
	number int  // of that item
	blank  bool // an empty line stood before it
}

// NewStream returns a Stream for rows of at most width cells.
func NewStream(width int, style Style) *Stream {
	return &Stream{width: max(width, MinWidth), style: style}
}

// Append adds the next piece of the text.
func (s *Stream) Append(text string) {
	if text == "" {
		return
	}
	s.src = append(s.src, text...)
	s.layout(bytes.IndexByte(s.src[len(s.src)-len(text):], '\n') >= 0)
}

// Lines returns the rows so far. The slice is valid until the next Append and must
// not be changed.
func (s *Stream) Lines() []string { return s.rows }

// Settled returns the number of rows, from the first, that only a later link
// reference definition can change.
func (s *Stream) Settled() int { return s.kept }

// Source returns the text so far.
func (s *Stream) Source() string { return string(s.src) }

// Len returns the length of the text so far, in bytes.
func (s *Stream) Len() int { return len(s.src) }

func (s *Stream) layout(newLine bool) {
	if newLine {
		s.advance()
	}
	defined := s.open()
	if s.fixed || !s.links.stale(defined) {
		return
	}
	// A definition has arrived that kept rows refer to: start over with it.
	s.start, s.rows, s.kept = 0, nil, 0
	s.list, s.fence, s.table, s.fences = nil, nil, nil, 0
	s.links.restart(defined)
	s.advance()
	s.open()
}

// advance keeps the blocks that the complete lines of the open part have finished.
func (s *Stream) advance() {
	s.rows = s.rows[:s.kept]
	if s.table != nil && s.advanceTable() {
		return
	}
	s.table = nil
	for {
		if s.fence != nil && !s.advanceFence() {
			break
		}
		if !s.advanceBlocks() {
			break
		}
	}
	s.kept = len(s.rows)
}

// advanceBlocks keeps finished blocks. It reports whether a fence was opened, whose
// lines are then handled one by one.
func (s *Stream) advanceBlocks() bool {
	end := bytes.LastIndexByte(s.src, '\n') + 1
	if end <= s.start {
		return false
	}
	region := s.src[s.start:end]
	pc := s.links.context(true)
	doc := parse(region, pc)
	last := doc.LastChild()
	if last == nil {
		return false
	}
	l := layout{src: region, style: s.style, fences: &s.fences}
	first := openFrom(region, last)
	for n := doc.FirstChild(); n != nil && n != first; n = n.NextSibling() {
		if awaitsEnd(region, n) {
			return false
		}
	}
	if first.Pos() < 0 {
		return false
	}
	for n := doc.FirstChild(); n != nil && n != first; n = n.NextSibling() {
		s.keep(&l, n)
	}
	from := end - s.start // everything, unless something stays open
	fence, table := false, false
	switch n := first.(type) {
	case *ast.List:
		from = s.keepItems(&l, n)
	case *ast.FencedCodeBlock:
		if f, body := unclosedFence(region, n); f != nil {
			s.rows = appendBlock(s.rows, []string{l.fenceHead(f.language, s.width)})
			s.list, s.fence, fence = nil, f, true
			from = body
			break
		}
		s.keep(&l, n)
	default:
		if !finished(region, last) {
			from = startOf(region, first)
			table = first == last && last.Kind() == extast.KindTable
			break
		}
		for ; n != nil; n = n.NextSibling() {
			s.keep(&l, n)
		}
	}
	s.links.settle(region[:from], pc)
	s.start += from
	if table {
		s.table = s.openTable(s.src[s.start:end])
	}
	return fence
}

// keep lays out a finished top-level block.
func (s *Stream) keep(l *layout, n ast.Node) {
	s.rows = s.appendRows(s.rows, l, n)
	s.list = nil
	s.links.defineIn(n)
}

// appendRows appends the rows of a top-level block. The first block may continue the
// list that is open.
func (s *Stream) appendRows(rows []string, l *layout, n ast.Node) []string {
	list, ok := n.(*ast.List)
	if !ok || s.list == nil {
		return appendBlock(rows, l.block(n, s.width))
	}
	if s.list.blank {
		rows = append(rows, "")
	}
	return l.items(rows, list, s.list.number, s.width)
}

// keepItems keeps all items but the last, and returns where that begins.
func (s *Stream) keepItems(l *layout, list *ast.List) int {
	last := list.LastChild()
	if last == list.FirstChild() {
		return startOf(l.src, list)
	}
	next := &openList{number: list.Start, blank: last.HasBlankPreviousLines()}
	if s.list != nil {
		next.number = s.list.number
	}
	for item := list.FirstChild(); item != last; item = item.NextSibling() {
		next.number = numberOf(l.src, item, next.number) + 1
	}
	from := startOf(l.src, last)
	list.RemoveChild(list, last)
	s.keep(l, list)
	s.list = next
	return from
}

// open lays out the open part and returns the links defined by then.
func (s *Stream) open() map[string]parser.Reference {
	s.rows = s.rows[:s.kept]
	region := s.src[s.start:]
	if s.fence != nil {
		l := layout{style: s.style}
		if len(region) > 0 && !s.fence.closedBy(region) {
			c := s.fence.code // an unfinished line may change what it opens
			s.rows = l.codeLine(s.rows, &c, s.fence.dedent(region), s.width)
		}
		return s.links.defined
	}
	if len(region) == 0 {
		return s.links.defined
	}
	pc := s.links.context(false)
	if s.table != nil && s.placeTable() {
		return byLabel(pc.References()) // a table defines none
	}
	doc := parse(region, pc)
	fences := s.fences
	l := layout{src: region, style: s.style, fences: &fences}
	open := s.list
	for n := doc.FirstChild(); n != nil; n = n.NextSibling() {
		s.rows = s.appendRows(s.rows, &l, n)
		s.list = nil
	}
	s.list = open
	return byLabel(pc.References())
}

// openFrom returns the first top-level block that lines to come can still change:
// the last one, or an earlier one that is made of the same paragraph.
func openFrom(src []byte, last ast.Node) ast.Node {
	n := last
	for paragraphLike(n) {
		prev := n.PreviousSibling()
		if prev == nil || !paragraphLike(prev) || (n.Pos() > prev.Pos() && afterBlank(src, n)) {
			break
		}
		n = prev
	}
	return n
}

// paragraphLike reports whether the parser made n from the lines of a paragraph.
func paragraphLike(n ast.Node) bool {
	return slices.Contains([]string{"Paragraph", "Table", "LinkReferenceDefinition", "Heading"}, n.Kind().String())
}

// finished reports whether no text to come can change the last top-level block.
func finished(src []byte, last ast.Node) bool {
	if last.Kind() == ast.KindThematicBreak {
		return true
	}
	if !paragraphLike(last) {
		return false
	}
	end := len(src)
	for end > 0 && util.IsSpace(src[end-1]) {
		end--
	}
	return bytes.Count(src[end:], []byte{'\n'}) > 1
}

// startOf is where the first line of a block begins.
func startOf(src []byte, n ast.Node) int { return lineStart(src, n.Pos()) }

func afterBlank(src []byte, n ast.Node) bool {
	start := startOf(src, n)
	if start == 0 {
		return true
	}
	return util.IsBlank(src[lineStart(src, start-1):start])
}
