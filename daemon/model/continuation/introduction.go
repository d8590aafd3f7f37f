package continuation

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"chat/internal/lazyregexp"
)

// maxIntroduction bounds the line that announces a continuation, in bytes.
const maxIntroduction = 120

// announced matches a line in which the model speaks of the continuation, without decoration and in
// lower case: "sure, continuing where i left off:". It is narrow, because a text may go on with
// "continued to fall, for these reasons:".
var announced = lazyregexp.New(`^(?:(?:sure|certainly|of course|okay|ok|absolutely|understood|got it)[ ,!.:–—-]+)?(?:` +
	`here(?:'s| is) the (?:rest|continuation|remainder)\b.{0,60}` +
	`|(?:i'll|i will|let me|let's) (?:continue|go on|pick up)(?: (?:exactly )?(?:from )?(?:where|from|with the rest|my last|the last)\b.{0,60})?` +
	`|(?:continuing|continued|picking up|resuming)(?: (?:directly|exactly))? (?:from )?where (?:i|we|it|my|the)\b.{0,60}` +
	`|continu(?:ing|ed|ation) (?:of|from) (?:my|the) (?:previous|last) (?:message|answer|response)` +
	`)(?::|…|\.\.\.|\.)$|^(?:(?:sure|certainly|of course|okay|ok|absolutely)[ ,!.:–—-]+)?continu(?:ing|ation)(?::|…|\.\.\.)$`)

// openers are the beginnings of such lines.
func openers() []string {
	return []string{
		"sure", "certainly", "of course", "okay", "ok", "absolutely", "understood", "got it", "here is", "here's",
		"continu", "i'll", "i will", "let me", "let's", "picking up", "resuming", "...",
	}
}

// plain returns a line in lower case, without the decoration of Markdown around it.
func plain(line string) string {
	return strings.ReplaceAll(strings.ToLower(strings.Trim(line, " \t\r*_#>()[]")), "’", "'")
}

// announcement returns the length of a first line that announces the continuation, with the end
// of the line; 0 if there is none.
func announcement(said string) int {
	from := leading(said, unicode.IsSpace)
	end := strings.IndexByte(said[from:], '\n')
	if end < 0 || end > maxIntroduction || !announced.MatchString(plain(said[from:from+end])) {
		return 0
	}
	return from + end + 1
}

// sameLineAnnouncement returns the length of an announcement up to a colon, after which the line
// goes on.
func sameLineAnnouncement(said string) int {
	from := leading(said, unicode.IsSpace)
	colon := strings.IndexByte(said[from:], ':')
	if colon < 0 || colon > maxIntroduction || !announced.MatchString(plain(said[from:from+colon+1])) {
		return 0
	}
	return from + colon + 1
}

// mayIntroduce reports whether said may begin with an announcement that has not ended.
func mayIntroduce(said string) bool {
	line := strings.TrimLeftFunc(said, unicode.IsSpace)
	if end := strings.IndexByte(line, '\n'); end >= 0 {
		return announcement(said) > 0 && (strings.TrimSpace(line[end:]) == "" || mayOpenFence(line[end:]))
	}
	if len(line) > maxIntroduction {
		return false
	}
	line = plain(line)
	for _, o := range openers() {
		if strings.HasPrefix(line, o) || strings.HasPrefix(o, line) {
			return true
		}
	}
	return false
}

// ellipsis returns the length of dots at the beginning, 0 if there are none.
func ellipsis(said string) int {
	from := leading(said, unicode.IsSpace)
	for _, dots := range []string{"...", "…"} {
		if strings.HasPrefix(said[from:], dots) {
			return from + len(dots)
		}
	}
	return 0
}

// introduction returns what is removed although nothing is repeated: an announcement, and the
// opening of a code fence in which the text is already.
func (t *text) introduction(said string) cut {
	intro := announcement(said)
	from := intro + leading(said[intro:], unicode.IsSpace)
	if fence := openingFence(said[from:]); t.inFence && fence > 0 && isNamed(said[from:from+fence]) {
		if !strings.Contains(t.space, "\n") {
			fence-- // the text ends within a line, and the model went on with the next one
		}
		return cut{drop: from + fence}
	}
	switch last, _ := utf8.DecodeLastRuneInString(t.trimmed); {
	case intro == 0:
		return cut{}
	case t.space != "" || unicode.IsLetter(last) || unicode.IsDigit(last) || unicode.IsMark(last) || last == ',':
		return cut{drop: from}
	}
	return cut{drop: intro - 1}
}

// openingFence returns the length of the line at the beginning of s if it opens a code fence,
// with the end of the line.
func openingFence(s string) int {
	mark := fenceMark(s)
	end := strings.IndexByte(s, '\n')
	if mark == 0 || end < 0 || end > maxIntroduction || strings.ContainsAny(s[mark:end], "`~") {
		return 0
	}
	return end + 1
}

// mayOpenFence reports whether s may begin with the line of a code fence that has not ended.
func mayOpenFence(s string) bool {
	s = strings.TrimLeftFunc(s, unicode.IsSpace)
	if len(s) > maxIntroduction || strings.Contains(s, "\n") {
		return false
	}
	return fenceMark(s) > 0 || s != "" && len(s) < 3 && strings.Trim(s, "`") == ""
}

// isNamed reports whether the line of a fence names the language, which only the first one of a
// fence does.
func isNamed(line string) bool { return strings.Trim(line, "`~ \t\r\n") != "" }

// fenceMark returns the length of the mark of a code fence at the beginning of s, 0 without one.
func fenceMark(s string) int {
	for _, mark := range []rune{'`', '~'} {
		if n := leading(s, func(r rune) bool { return r == mark }); n >= 3 {
			return n
		}
	}
	return 0
}

// endsInFence reports whether a Markdown text ends within a code fence.
func endsInFence(s string) bool {
	open := ""
	for line := range strings.Lines(s) {
		line = strings.TrimLeft(line, " ")
		n := fenceMark(line)
		switch {
		case n == 0:
		case open == "" && strings.Contains(line[n:], "`"): // a piece of code in a line
		case open == "":
			open = line[:n]
		case line[0] == open[0] && n >= len(open) && strings.TrimSpace(line[n:]) == "":
			open = ""
		}
	}
	return open != ""
}
