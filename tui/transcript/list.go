// Package transcript shows a conversation: Message is one message as rows, List
// is a window over any number of them. The cost of a frame depends on the window,
// not on the length of the conversation: only messages in sight are laid out.
package transcript

import "slices"

// Item is something with rows. Row(i) is valid after Height, for i below it.
type Item interface {
	// Height lays the item out for a width and returns its number of rows.
	Height(width int) int
	Row(i int) string
	// Drop frees what Height has laid out.
	Drop()
}

// List is a window over items. While its end is in sight, it follows new rows;
// a reader who has scrolled up is never moved.
type List struct {
	items         []Item
	width, height int

	follow bool
	top    anchor
	rows   []string
	last   int // the last item in sight

	// What had been seen when the reader left the end.
	seen    anchor
	unread  int // rows after seen, counted before the last change of width
	laidOut map[int]struct{}
}

// anchor is a row of an item, with the width and height that it was taken at.
type anchor struct{ item, row, width, height int }

const (
	manyLaidOut = 256 // items laid out before the distant ones are dropped
	nearby      = 64
)

// NewList returns an empty list that follows its end.
func NewList() *List { return &List{follow: true, laidOut: map[int]struct{}{}} }

// Set replaces all items and goes to the end.
func (l *List) Set(items []Item) {
	l.items, l.follow, l.unread = items, true, 0
	l.top = anchor{}
	clear(l.laidOut)
}

// Replace replaces the items. The window stays where it is as long as the first
// item in it is still there.
func (l *List) Replace(items []Item) {
	if l.follow || len(l.items) == 0 {
		l.Set(items)
		return
	}
	top := slices.Index(items, l.items[l.top.item])
	if top < 0 {
		l.Set(items)
		return
	}
	seen := slices.Index(items, l.items[l.seen.item])
	l.top.item, l.items = top, items
	clear(l.laidOut)
	if seen < 0 {
		l.unread = 0
		l.markSeen(l.width)
		return
	}
	l.seen.item = seen
}

// Append adds items at the end.
func (l *List) Append(items ...Item) { l.items = append(l.items, items...) }

// Resize changes the window.
func (l *List) Resize(width, height int) {
	if width != l.width && !l.follow {
		l.unread = l.Unread()
		l.markSeen(width)
	}
	l.width, l.height = width, height
}

// Settle lays out what is in sight. It is to be called after any change and
// before Rows.
func (l *List) Settle() {
	l.rows = l.rows[:0]
	if len(l.items) == 0 || l.height <= 0 {
		return
	}
	item, row := 0, 0
	if !l.follow {
		item, row = l.resolve()
	}
	if l.follow || !l.fill(item, row) {
		item, row = l.tail()
		l.fill(item, row)
		l.follow, l.unread = true, 0
	}
	if l.follow {
		l.top = l.at(item, row)
	}
	l.dropDistant(item)
}

// Rows are the rows in sight, at most the window's height.
func (l *List) Rows() []string { return l.rows }

// AtEnd reports whether the end is in sight and followed.
func (l *List) AtEnd() bool { return l.follow }

// Unread is the number of rows that came after the reader left the end.
func (l *List) Unread() int {
	if l.follow || len(l.items) == 0 {
		return 0
	}
	n := l.unread
	for i := l.seen.item; i < len(l.items); i++ {
		n += l.measure(i)
	}
	return max(n-l.seen.height, 0)
}

// ScrollUp moves the window n rows towards the beginning.
func (l *List) ScrollUp(n int) {
	if len(l.items) == 0 {
		return
	}
	item, row := l.resolve()
	row -= n
	for row < 0 && item > 0 {
		item--
		row += l.measure(item)
	}
	l.jump(item, max(row, 0))
}

// ScrollDown moves the window n rows towards the end.
func (l *List) ScrollDown(n int) {
	if len(l.items) == 0 || l.follow {
		return
	}
	item, row := l.resolve()
	row += n
	for row >= l.measure(item) && item < len(l.items)-1 {
		row -= l.measure(item)
		item++
	}
	l.jump(item, row)
}

// Top goes to the beginning, Bottom to the end.
func (l *List) Top() { l.jump(0, 0) }

// Bottom goes to the end and follows it.
func (l *List) Bottom() { l.follow, l.unread = true, 0 }

// Previous goes to the beginning of the item before the first row in sight.
func (l *List) Previous() {
	item, row := l.resolve()
	if row == 0 && item > 0 {
		item--
	}
	l.jump(item, 0)
}

// Next goes to the beginning of the next item.
func (l *List) Next() {
	item, _ := l.resolve()
	if item+1 < len(l.items) && !l.follow {
		l.jump(item+1, 0)
	}
}

// Show brings an item into sight: its beginning, unless all of it is there.
func (l *List) Show(i int) {
	if i < 0 || i >= len(l.items) {
		return
	}
	if first, last := l.InSight(); i > first && i < last {
		return
	}
	l.jump(i, 0)
}

// InSight are the first and the last item of which rows are in sight.
func (l *List) InSight() (first, last int) {
	first, _ = l.resolve()
	return first, max(l.last, first)
}

func (l *List) jump(item, row int) {
	if len(l.items) == 0 {
		return
	}
	if l.follow {
		l.unread = 0
		l.markSeen(l.width)
	}
	l.follow = false
	l.top = l.at(item, row)
	l.Settle()
}

func (l *List) markSeen(width int) {
	i := len(l.items) - 1
	l.laidOut[i] = struct{}{}
	l.seen = anchor{item: i, width: width, height: l.items[i].Height(width)}
}

// resolve is where the window begins now. A row that was taken at another width
// stands at the same part of its item; taking it from the original each time
// keeps any number of resizes from adding up.
func (l *List) resolve() (item, row int) {
	if len(l.items) == 0 {
		return 0, 0
	}
	a := l.top
	height := l.measure(a.item)
	row = a.row
	if a.width != l.width && a.height > 0 {
		row = a.row * height / a.height
	}
	return a.item, min(row, max(height-1, 0))
}

func (l *List) at(item, row int) anchor {
	return anchor{item: item, row: row, width: l.width, height: l.measure(item)}
}

// tail is where the window begins if it ends with the last row.
func (l *List) tail() (item, row int) {
	need := l.height
	for item = len(l.items) - 1; item >= 0; item-- {
		h := l.measure(item)
		if h >= need {
			return item, h - need
		}
		need -= h
	}
	return 0, 0
}

// fill collects the rows in sight; false if there are too few, or if they end
// with the very last row.
func (l *List) fill(item, row int) bool {
	l.rows = l.rows[:0]
	for ; item < len(l.items); item++ {
		h := l.measure(item)
		for ; row < h; row++ {
			if len(l.rows) == l.height {
				return true
			}
			l.rows = append(l.rows, l.items[item].Row(row))
			l.last = item
		}
		row = 0
	}
	return false
}

func (l *List) measure(i int) int {
	l.laidOut[i] = struct{}{}
	return l.items[i].Height(l.width)
}

// dropDistant frees items far from the window once many are laid out.
func (l *List) dropDistant(first int) {
	if len(l.laidOut) <= manyLaidOut {
		return
	}
	for i := range l.laidOut {
		if i < first-nearby || i > l.last+nearby {
			l.items[i].Drop()
			delete(l.laidOut, i)
		}
	}
}
