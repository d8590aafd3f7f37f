package continuation

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// window is how much of the end of a text is compared, in bytes. A repetition that begins
// before it is found only if it begins with the text.
const window = 4 << 10

// The least lengths of a repetition, in characters without space. A shorter one may as well be
// what follows: after "ha" comes "ha".
const (
	leastAnywhere = 12
	leastInAnchor = 5
	leastInWord   = 5
	leastLine     = 4
)

// cut is how much of the beginning of a continuation is to be removed.
type cut struct {
	drop int
	// fence says that the removed text opened a code fence, which the end of the continuation
	// closes, although the text before was not in one.
	fence bool
}

// text is the text before a continuation.
type text struct {
	trimmed string // without space at the end
	space   string // that space
	anchor  int    // where the anchor begins in trimmed
	start   int    // where the window begins in trimmed
	inFence bool   // the text ends in a code fence
	begin   int    // where the first character that is no space stands

	naturals map[int]bool
}

func newText(before string) *text {
	t := &text{trimmed: Trim(before), inFence: endsInFence(before), naturals: map[int]bool{}}
	t.space = before[len(t.trimmed):]
	t.anchor = anchorStart(t.trimmed)
	t.begin = leading(t.trimmed, unicode.IsSpace)
	t.start = max(0, len(t.trimmed)-window)
	for t.start < len(t.trimmed) && !utf8.RuneStart(t.trimmed[t.start]) {
		t.start++
	}
	return t
}

// isPeriodic reports whether s begins with two repetitions, and consists of them.
func isPeriodic(s string) bool {
	border := make([]int, len(s)+1) // of each beginning, by the algorithm of Knuth, Morris and Pratt
	border[0] = -1
	for i, k := 0, -1; i < len(s); {
		for k >= 0 && s[i] != s[k] {
			k = border[k]
		}
		i, k = i+1, k+1
		border[i] = k
	}
	period := len(s) - border[len(s)]
	return len(s) > 0 && period <= len(s)/2
}

// overlap returns how much of said, the beginning of a continuation, repeats the end of the
// text. decided is false if that depends on what follows, which it never does after the last
// piece.
func (t *text) overlap(said string, last bool) (c cut, decided bool) {
	for _, at := range t.beginnings(said) {
		n, more := t.repeated(said[at.drop:])
		if (more || at.drop == len(said)) && !last {
			return cut{}, false
		}
		if n > 0 {
			n += at.drop
			space, more := t.sameSpace(said[n:])
			if more && !last {
				return cut{}, false
			}
			return cut{drop: n + space, fence: at.fence && !t.inFence}, true
		}
	}
	if !last && (mayIntroduce(said) || mayOpenFence(said)) {
		return cut{}, false
	}
	c = t.introduction(said)
	if c.drop == 0 {
		space, more := t.sameSpace(said)
		return cut{drop: space}, !more || last
	}
	return c, true
}

// beginnings returns the places at which a repetition may begin.
func (t *text) beginnings(said string) []cut {
	list := []cut{{}}
	add := func(drop int, fence bool) {
		drop += leading(said[drop:], unicode.IsSpace)
		for _, known := range list {
			if known.drop == drop {
				return
			}
		}
		list = append(list, cut{drop: drop, fence: fence})
	}
	add(0, false)
	add(ellipsis(said), false)
	intro := announcement(said)
	if intro > 0 {
		add(intro, false)
	}
	if colon := sameLineAnnouncement(said); colon > 0 {
		add(colon, false)
	}
	for _, from := range []int{leading(said, unicode.IsSpace), intro + leading(said[intro:], unicode.IsSpace)} {
		if fence := openingFence(said[from:]); fence > 0 {
			add(from+fence, true)
		}
	}
	return list
}

// repeated returns how much of s repeats the end of the text. more says that a longer
// repetition is possible.
func (t *text) repeated(s string) (n int, more bool) {
	if s == "" {
		return 0, false
	}
	for i := t.begin; i < len(t.trimmed); i++ {
		if i > t.begin && i < t.start {
			i = t.start
		}
		if t.trimmed[i] != s[0] || !utf8.RuneStart(s[0]) {
			continue
		}
		switch tail := t.trimmed[i:]; {
		case len(s) > len(tail):
			if strings.HasPrefix(s, tail) && t.mayRepeat(i, s[len(tail):]) {
				return len(tail), false
			}
		case strings.HasPrefix(tail, s) && t.mayRepeat(i, "a"):
			if len(s) == len(tail) && t.mayRepeat(i, "") {
				return len(tail), false
			}
			return 0, true
		}
	}
	return 0, false
}

// mayRepeat reports whether a continuation that begins with the text from i on, and goes on
// with after, repeats it. If the text is short, or may as well follow itself, it does not.
func (t *text) mayRepeat(i int, after string) bool {
	n, tail := length(t.trimmed[i:]), t.trimmed[i:]
	switch {
	case i == t.anchor: // the model was asked to
		return true
	case i == t.begin:
		return n >= leastLine
	case n < leastLine:
		return false
	case !t.natural(i):
		before := t.trimmed[strings.LastIndexByte(t.trimmed[:i], '\n')+1 : i]
		isLine := t.space == "" && strings.TrimSpace(before) == "" && !strings.Contains(tail, "\n")
		if n >= leastAnywhere || isLine || i > t.anchor && n >= leastInAnchor && t.wordStart(i) {
			return true
		}
	}
	next, _ := utf8.DecodeRuneInString(after) // a word of letters that the text breaks off in
	return n >= leastInWord && t.space == "" && t.wordStart(i) && unicode.IsLetter(next) &&
		strings.IndexFunc(tail, func(r rune) bool { return !unicode.IsLetter(r) }) < 0
}

// natural reports whether the text from i on may follow itself: it occurs earlier, or it
// consists of repetitions.
func (t *text) natural(i int) bool {
	known, ok := t.naturals[i]
	if !ok {
		s := t.trimmed[i:]
		known = strings.Index(t.trimmed[t.start:], s) != i-t.start || isPeriodic(s)
		t.naturals[i] = known
	}
	return known
}

// wordStart reports whether a word begins at i.
func (t *text) wordStart(i int) bool {
	before, _ := utf8.DecodeLastRuneInString(t.trimmed[:i])
	return i == 0 || !unicode.IsLetter(before) && !unicode.IsDigit(before)
}

// sameSpace returns how much space at the beginning of s is that at the end of the text.
func (t *text) sameSpace(s string) (n int, more bool) {
	for n < len(s) && n < len(t.space) && s[n] == t.space[n] {
		n++
	}
	return n, n == len(s) && n < len(t.space)
}

// length counts the characters of s that are no space, up to leastAnywhere.
func length(s string) int {
	n := 0
	for _, r := range s {
		if !unicode.IsSpace(r) {
			n++
		}
		if n == leastAnywhere {
			break
		}
	}
	return n
}

// leading returns the length in bytes of the characters at the beginning of s that are.
func leading(s string, is func(rune) bool) int {
	n := strings.IndexFunc(s, func(r rune) bool { return !is(r) })
	if n < 0 {
		return len(s)
	}
	return n
}
