package sql

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"

	"chat"
)

const (
	maxSearch      = 1000 // bytes
	maxSearchWords = 16
	// indexedWord is the length in characters from which trigrams find a word.
	indexedWord = 3
	// commonWord is the number of messages from which a word is common.
	commonWord = 500
)

// fold makes texts that differ only in case equal. It is done here, when a text
// is stored and when it is searched, since SQLite folds ASCII alone and
// PostgreSQL what its locale happens to know.
func fold(text string) string { return strings.ToLower(strings.ToUpper(text)) }

// searchedBytes is how many bytes of a message can be found by their words. The index
// takes SQLite's one writer longer than a lease for the longest messages there are.
const searchedBytes = 512 << 10

// foldMessage is what is searched of a message.
func foldMessage(text string) string {
	if len(text) <= searchedBytes {
		return fold(text)
	}
	end := searchedBytes
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return fold(text[:end])
}

// searchWords are the words of what someone typed, folded.
func searchWords(search string) ([]string, error) {
	if len(search) > maxSearch {
		return nil, chat.Errorf(chat.CodeInvalid, "a search has at most %d bytes: use fewer words", maxSearch)
	}
	words := strings.Fields(fold(chat.NormalizeText(search)))
	if len(words) > maxSearchWords {
		return nil, chat.Errorf(chat.CodeInvalid, "a search has at most %d words", maxSearchWords)
	}
	return words, nil
}

// matches is the condition that conversation c of owner $1 has the word in its
// title or in a message. Where a rare word stands is looked up first. A common one
// is looked for conversation by conversation, newest first: the page is full long
// before they have all been read.
func (s *Store) matches(ctx context.Context, owner, word string, args *arguments) (string, error) {
	pattern := s.dialect.pattern(word)
	query, value := s.dialect.indexed, pattern
	if utf8.RuneCountInString(word) < indexedWord {
		query, value = s.dialect.short, s.dialect.plain(word)
	}
	found, err := list[string](ctx, s, query+` LIMIT $3`, owner, value, commonWord)
	if err != nil {
		return "", err
	}
	p := args.add(pattern)
	title := s.dialect.contains("c.folded", p)
	if len(found) < commonWord {
		slices.Sort(found)
		// One argument, so that the statement stays the same; never null.
		ids, err := json.Marshal(append([]string{}, slices.Compact(found)...))
		if err != nil {
			return "", failure(chat.CodeInternal, err, "the conversations that were found cannot be listed: "+err.Error())
		}
		return "(" + title + " OR c.id IN (" + s.dialect.elements(args.add(string(ids))) + "))", nil
	}
	// The OFFSET keeps PostgreSQL from reading all messages first.
	return "(" + title + " OR EXISTS (SELECT 1 FROM messages m WHERE m.conversation_id = c.id AND " +
		s.dialect.contains("m.folded", p) + " LIMIT 1 OFFSET 0))", nil
}
