package model

import (
	"strings"
	"unicode"

	"chat"
)

// MaxID bounds the id of a model in messages, in characters.
const MaxID = 200

// OneLine returns s on one line of at most limit characters, without control and
// formatting characters.
func OneLine(s string, limit int) string {
	if len(s) > 16*limit {
		s = s[:16*limit]
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, chat.NormalizeText(s))
	s = strings.Join(strings.Fields(s), " ")
	if runes := []rune(s); len(runes) > limit {
		s = strings.TrimSpace(string(runes[:limit-1])) + "…"
	}
	return s
}
