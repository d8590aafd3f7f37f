package highlight

import "strings"

// diffLine reads a line of a diff.
func diffLine(line string, _ *State) []Span {
	kind := Text
	switch {
	case strings.HasPrefix(line, "+++"), strings.HasPrefix(line, "---"), strings.HasPrefix(line, "diff "), strings.HasPrefix(line, "index "):
		kind = Comment
	case strings.HasPrefix(line, "+"):
		kind = Added
	case strings.HasPrefix(line, "-"):
		kind = Removed
	case strings.HasPrefix(line, "@@"):
		kind = Name
	}
	return []Span{{line, kind}}
}

// markdownLine reads a line of Markdown. The state is open within a code fence.
func markdownLine(line string, s *State) []Span {
	text := strings.TrimLeft(line, " \t")
	fence := strings.HasPrefix(text, "```") || strings.HasPrefix(text, "~~~")
	switch {
	case fence:
		s.open = 1 - s.open
		return []Span{{line, String}}
	case s.open > 0:
		return []Span{{line, String}}
	case strings.HasPrefix(text, "#"):
		return []Span{{line, Keyword}}
	case strings.HasPrefix(text, ">"), strings.HasPrefix(text, "<!--"):
		return []Span{{line, Comment}}
	}
	var spans []Span
	if rest := strings.TrimLeft(text, "-+*0123456789.)"); rest != text && strings.HasPrefix(rest, " ") {
		mark := line[:len(line)-len(rest)]
		spans, line = append(spans, Span{mark, Name}), rest
	}
	return append(spans, markdownText(line)...)
}

// markdownText finds the code in a line of text.
func markdownText(line string) (spans []Span) {
	for {
		before, rest, opened := strings.Cut(line, "`")
		code, after, closed := strings.Cut(rest, "`")
		if !opened || !closed {
			return append(spans, Span{line, Text})
		}
		if before != "" {
			spans = append(spans, Span{before, Text})
		}
		spans = append(spans, Span{"`" + code + "`", String})
		line = after
	}
}
