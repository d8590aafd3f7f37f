package sql

import (
	"context"
	"strings"
	"unicode"
	"unicode/utf8"

	"chat"
)

// Search returns a page of owner's conversations that have the words of q, as
// Conversations does, each with the message and the part of a line that have most of
// them.
func (s *Store) Search(ctx context.Context, owner string, q chat.ConversationQuery) ([]chat.Match, string, error) {
	page, next, err := s.Conversations(ctx, owner, q)
	if err != nil {
		return nil, "", err
	}
	words, err := searchWords(q.Search)
	if err != nil {
		return nil, "", err
	}
	asWritten := strings.Fields(strings.ToLower(chat.NormalizeText(q.Search)))
	matches := make([]chat.Match, len(page))
	for i, c := range page {
		matches[i] = chat.Match{Conversation: c}
		if err := s.findSnippet(ctx, &matches[i], words, asWritten); err != nil {
			return nil, "", err
		}
	}
	return matches, next, nil
}

// snippetMessages is how many messages of a conversation a snippet is looked for in, the
// newest ones.
const snippetMessages = 50

// findSnippet sets the message and the snippet of a match: words are folded, asWritten in
// lower case.
func (s *Store) findSnippet(ctx context.Context, m *chat.Match, words, asWritten []string) error {
	if len(words) == 0 {
		return nil
	}
	args := arguments{m.ID}
	var has []string
	for _, w := range words {
		has = append(has, s.dialect.contains("m.folded", args.add(s.dialect.pattern(w))))
	}
	type found struct {
		ID    string
		Parts partsColumn
	}
	rows, err := list[found](ctx, s, `SELECT m.id, m.parts FROM messages m WHERE m.conversation_id = $1 AND (`+strings.Join(has, " OR ")+
		`) ORDER BY m.seq DESC LIMIT `+args.add(snippetMessages), args...)
	most := 0
	for i := len(rows) - 1; i >= 0; i-- { // of several that are as good, the first one
		if text, n := snippet(chat.WithoutImages(rows[i].Parts.Text()), asWritten); n > most {
			m.MessageID, m.Snippet, most = rows[i].ID, text, n
		}
	}
	return err
}

// Around a word that was found, so many characters are shown.
const (
	snippetBefore = 20
	snippetAfter  = 60
)

// snippet is the part of a line that has most of the words, which are in lower case, and
// how many they are.
func snippet(text string, words []string) (best string, most int) {
	for line := range strings.Lines(text) {
		runes := []rune(strings.TrimSpace(line))
		// Letter by letter, so that positions stay those of the text as written.
		lower := make([]rune, len(runes))
		for i, r := range runes {
			lower[i] = unicode.ToLower(r)
		}
		folded, first, n := string(lower), len(runes), 0
		for _, word := range words {
			if before, _, found := strings.Cut(folded, word); found {
				n++
				first = min(first, utf8.RuneCountInString(before))
			}
		}
		if n > most {
			best, most = excerpt(runes, first), n
		}
	}
	return best, most
}

func excerpt(line []rune, at int) string {
	from, to := max(0, at-snippetBefore), min(len(line), at+snippetAfter)
	out := string(line[from:to])
	if from > 0 {
		out = "…" + out
	}
	if to < len(line) {
		out += "…"
	}
	return out
}
