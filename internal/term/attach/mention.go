package attach

import (
	"path/filepath"
	"strings"
	"unicode"
)

// Mention is an @ and a path in a text, from From to To.
type Mention struct {
	Path     string
	From, To int
}

// Mentions finds mentions: an @ at the beginning of a word, followed by a path up
// to the next space, or in double quotes.
func Mentions(text string) []Mention {
	var all []Mention
	for from := 0; from < len(text); {
		i := strings.IndexByte(text[from:], '@')
		if i < 0 {
			return all
		}
		at := from + i
		from = at + 1
		if at > 0 && !opens(rune(text[at-1])) {
			continue
		}
		if path, to := path(text, at+1); path != "" {
			all = append(all, Mention{path, at, to})
			from = to
		}
	}
	return all
}

func opens(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(`([{<'"`, r) }

// path reads a path at an offset in text, and returns where it ends.
func path(text string, at int) (string, int) {
	if strings.HasPrefix(text[at:], `"`) {
		end := strings.IndexAny(text[at+1:], "\"\n")
		if end <= 0 || text[at+1+end] == '\n' {
			return "", at
		}
		return text[at+1 : at+1+end], at + end + 2
	}
	end := strings.IndexFunc(text[at:], unicode.IsSpace)
	if end < 0 {
		end = len(text) - at
	}
	word := text[at : at+end]
	word = strings.TrimRight(word, `,;:!?)]}>'"`)
	if n := len(word); n > 1 && word[n-1] == '.' && word[n-2] != '.' && word[n-2] != '/' {
		word = word[:n-1] // the end of a sentence
	}
	return word, at + len(word)
}

// Partial returns the mention that is being written at the caret: its path so far,
// and the offset of its @.
//
// Its end is still unknown: a dot may end a sentence or belong to the name of a
// file.
func Partial(text string, caret int) (prefix string, at int, ok bool) {
	line := text[strings.LastIndexByte(text[:caret], '\n')+1 : caret]
	for i := len(line) - 1; i >= 0; i-- {
		if line[i] != '@' || i > 0 && !opens(rune(line[i-1])) {
			continue
		}
		path := line[i+1:]
		inner, quoted := strings.CutPrefix(path, `"`)
		if quoted && strings.Contains(inner, `"`) || !quoted && strings.ContainsFunc(path, unicode.IsSpace) {
			return "", 0, false
		}
		return inner, caret - len(line) + i, true
	}
	return "", 0, false
}

// Write returns the mention of a path.
func Write(path string) string {
	if strings.ContainsFunc(path, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(`,;:!?)]}>'`, r) }) {
		return `@"` + path + `"`
	}
	return "@" + path
}

// looksLikePath reports whether a word that names no file was probably meant to.
func looksLikePath(word string) bool {
	return strings.ContainsAny(word, `/~`) || filepath.Ext(word) != "" && !strings.HasSuffix(word, ".")
}
