package citation

import (
	"encoding/json"
	"strings"
	"unicode/utf8"

	"chat/internal/lazyregexp"
)

// The private characters around and inside the markers of ChatGPT's models; the
// whole block counts as such.
const (
	privateFirst = '\uE200'
	privateLast  = '\uE2FF'
	privateOpen  = "\uE200"
	privateClose = "\uE201"
	privateField = "\uE202"
)

// marker is the result of a search at the beginning of a text: length is 0 if there
// is no marker, and open reports that more text is needed to decide.
type marker struct {
	length int
	shown  string
	open   bool
}

// form is one kind of marker: its delimiters and the text allowed between them.
type form struct {
	begin, end string
	longest    int                // between them, in bytes
	body       *lazyregexp.Regexp // the text between the delimiters
	sofar      *lazyregexp.Regexp // any beginning of that text
	index      bool               // {index=0} may follow
	shown      func(body string) string
}

func nothing(string) string { return "" }

// numbers are shown in brackets, as other providers write them.
func numbers(body string) string { return "[" + strings.TrimSpace(body) + "]" }

var (
	digits  = lazyregexp.New(`^[0-9]+$`)
	list    = lazyregexp.New(`^[ 0-9][-–, 0-9]*$`)
	listing = lazyregexp.New(`^[-–, 0-9]*$`)
)

var forms = []form{ //nolint:gochecknoglobals // constant
	{privateOpen, privateClose, 4096, lazyregexp.New(`(?s).*`), lazyregexp.New(`^(?:[^\n\x{E200}]|\n[^\n\x{E200}])*\n?$`), false, privateShown},
	{"【", "】", 300, lazyregexp.New(`^(?:[0-9A-Za-z_:.-]+†[^†]*(?:†[^†]*)*|F:[^†]+†[^†]*|turn[0-9]+[a-z]+[0-9]+|oaicite:[0-9]+)$`), lazyregexp.New(`^(?:[0-9A-Za-z_:.-]*(?:†[^\n【]*)?|F:[^\n【]*)$`), false, bracketShown},
	{"[cite_", "]", 8, lazyregexp.New(`^(?:start|end)$`), lazyregexp.New(`^[a-z]*$`), false, nothing},
	{"[cite:", "]", 200, list, listing, false, numbers},
	{"[citation:", "]", 200, list, listing, false, numbers},
	{":contentReference[oaicite:", "]", 12, digits, listing, true, nothing},
	{"[oaicite:", "]", 12, digits, listing, true, nothing},
	{"[oai_citation:", "]", 300, attribution, attributionSoFar, false, attributed},
	{"[oai_citation_attribution:", "]", 300, attribution, attributionSoFar, false, attributed},
	{"<grok:render ", "</grok:render>", 1000, lazyregexp.New(`(?s).*`), lazyregexp.New(`(?s).*`), false, nothing},
}

var (
	attribution      = lazyregexp.New(`^[0-9]+[‡†][^\n\]]+$`)
	attributionSoFar = lazyregexp.New(`^[0-9]*(?:[‡†][^\n\]]*)?$`)
)

// attributed is the text of a link.
func attributed(body string) string {
	_, label, _ := strings.Cut(strings.ReplaceAll(body, "†", "‡"), "‡")
	return "[" + label + "]"
}

// privateShown keeps the name of an entity and the text of a link.
func privateShown(body string) string {
	name, rest, _ := strings.Cut(body, privateField)
	fields := strings.Split(rest, privateField)
	switch name {
	case "entity":
		var entity []any
		if json.Unmarshal([]byte(rest), &entity) != nil || len(entity) < 2 {
			return ""
		}
		label, _ := entity[1].(string)
		return label
	case "url":
		if len(fields) > 1 && strings.HasPrefix(fields[1], "http") {
			return fields[0] + " (" + fields[1] + ")"
		}
		return fields[0]
	}
	return ""
}

// selfReference matches the part of a marker that refers to itself rather than to a source.
var selfReference = lazyregexp.New(`^(?:source|\s*|L?[0-9]+(?:[-–]L?[0-9]+)?(?:,\s*L?[0-9]+(?:[-–]L?[0-9]+)?)*)$`)

// bracketShown keeps the name of a file.
func bracketShown(body string) string {
	fields := strings.Split(body, "†")
	if file, ok := strings.CutPrefix(fields[0], "F:"); ok {
		return "[" + strings.TrimSpace(file+" "+fields[1]) + "]"
	}
	if len(fields) < 2 || selfReference.MatchString(fields[1]) {
		return ""
	}
	return "[" + fields[1] + "]"
}

// mayBegin is a quick check whether a marker may begin here.
func mayBegin(text string) bool {
	switch text[0] {
	case '[', ':', '<', 'c', 'f':
		return true
	case privateOpen[0], "【"[0]:
		return true
	}
	return false
}

// find returns the marker at the beginning of a text; ended reports that the text
// is complete.
func find(text string, ended bool) marker {
	open := false
	for _, f := range forms {
		m := f.find(text, ended)
		if m.length > 0 {
			return m
		}
		open = open || m.open
	}
	if m := bare(text, ended); m.length > 0 || m.open {
		return m
	}
	if open {
		return marker{open: true}
	}
	return private(text, ended)
}

func (f form) find(text string, ended bool) marker {
	body, ok := strings.CutPrefix(text, f.begin)
	if !ok {
		return marker{open: !ended && strings.HasPrefix(f.begin, text)}
	}
	inner, after, ok := strings.Cut(body, f.end)
	switch {
	case len(inner) > f.longest || !f.sofar.MatchString(strings.TrimSuffix(inner, overlap(inner, f.end))):
		return marker{}
	case !ok:
		return marker{open: !ended}
	case !f.body.MatchString(inner):
		return marker{}
	}
	m := marker{length: len(text) - len(after), shown: f.shown(inner)}
	if f.index {
		n, open := index(after, ended)
		m.length, m.open = m.length+n, open
		if open {
			return marker{open: true}
		}
	}
	return m
}

// overlap returns the part of end that inner ends with.
func overlap(inner, end string) string {
	for n := min(len(end)-1, len(inner)); n > 0; n-- {
		if strings.HasSuffix(inner, end[:n]) {
			return end[:n]
		}
	}
	return ""
}

var (
	indexed   = lazyregexp.New(`^\{index=[0-9]+\}`)
	indexing  = lazyregexp.New(`^\{index=[0-9]*$`)
	turns     = lazyregexp.New(`^(?:file)?cite(?:turn[0-9]+[a-z]{3,12}[0-9]+)+`)
	turning   = lazyregexp.New(`^(?:file)?cite(?:turn[0-9]+[a-z]{3,12}[0-9]+)*(?:|t|tu|tur|turn[0-9]*|turn[0-9]+[a-z]{1,12}[0-9]*)$`)
	privately = lazyregexp.New(`^\x{E200}[a-z_]+(?:\x{E202}[0-9A-Za-z_]*)+`)
)

// index is the length of {index=0} at the beginning of a text.
func index(text string, ended bool) (n int, open bool) {
	const begin = "{index="
	if !ended && (strings.HasPrefix(begin, text) || indexing.MatchString(text)) {
		return 0, true
	}
	return len(indexed.FindString(text)), false
}

// bare matches a marker that has lost its private characters. Text is held back
// only from the first word of a marker on, because too many words share its
// beginning.
func bare(text string, ended bool) marker {
	if !ended && turning.MatchString(text) {
		return marker{open: true}
	}
	return marker{length: len(turns.FindString(text))}
}

// private handles a private character that does not belong to a marker, such as one
// of a marker without an end. It removes what cannot be text and keeps the rest.
func private(text string, ended bool) marker {
	r, size := utf8.DecodeRuneInString(text)
	if r < privateFirst || r > privateLast {
		return marker{}
	}
	found := privately.FindString(text)
	if found == "" {
		return marker{length: size}
	}
	return marker{length: len(found), open: !ended && found == text}
}
