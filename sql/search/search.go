// Package search defines what a search finds: how texts and searches are folded, the
// conditions of both databases, and the snippet of a text.
//
// Texts are folded when they are stored, and searches are folded the same way. A search
// finds the conversations that have each of its words in the title or in a message.
package search

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"

	"chat"
	"chat/sql/database"
)

const (
	maxSearch = 1000 // bytes
	maxWords  = 16
	// indexedWord is the shortest word, in characters, that trigrams find.
	indexedWord = 3
	// CommonWord is how many messages have a word that counts as common.
	CommonWord = 500
	// A word that is in newestHits of the newestConversations last changed conversations
	// counts as common, too.
	newestConversations, newestHits = 50, 5
)

// Syntax holds the parts of a search that the two databases write differently.
type Syntax struct {
	// contains is a condition: the column contains a word. It takes the placeholder of
	// the word's pattern.
	contains func(column, placeholder string) string
	pattern  func(word string) string
	// indexed selects the conversations of owner $1, and perhaps of others, with a
	// message that contains a word of at least indexedWord characters, whose pattern is
	// $2. short does the same for a shorter word, with shortArg of the word as $2.
	indexed, short string
	shortArg       func(word string) string
	// newest counts how many of owner $1's newest conversations, at most $3, there are, and
	// how many have a message that matches the pattern $2. It is empty if the index finds a
	// common word quickly.
	newest string
	// elements selects the elements of a JSON array of strings.
	elements func(placeholder string) string
}

// SyntaxOf returns the syntax of an engine, "postgres" or "sqlite".
func SyntaxOf(engine string) Syntax {
	if engine == "postgres" {
		return postgres()
	}
	return sqlite()
}

// Fold makes texts that differ only in case equal. It runs when a text is stored and
// when it is searched, because SQLite folds only ASCII, and PostgreSQL depends on its
// locale.
func Fold(text string) string { return strings.ToLower(strings.ToUpper(text)) }

// IndexedBytes is how much of a message is indexed. The longest messages would keep
// SQLite's one writer busy for longer than a lease.
const IndexedBytes = 512 << 10

// FoldMessage returns the searchable text of a message.
func FoldMessage(text string) string {
	if len(text) <= IndexedBytes {
		return Fold(text)
	}
	end := IndexedBytes
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return Fold(text[:end])
}

// Words splits a search into folded words.
func Words(search string) ([]string, error) {
	if len(search) > maxSearch {
		return nil, chat.Errorf(chat.CodeInvalid, "a search has at most %d bytes: use fewer words", maxSearch)
	}
	words := strings.Fields(Fold(chat.NormalizeText(search)))
	if len(words) > maxWords {
		return nil, chat.Errorf(chat.CodeInvalid, "a search has at most %d words", maxWords)
	}
	return words, nil
}

// Contains returns a condition: the column, whose texts are folded, contains the word. It
// adds the word to args.
func (s *Syntax) Contains(column, word string, args *database.Args) string {
	return s.contains(column, args.Add(s.pattern(word)))
}

// common reports whether many of the owner's newest conversations have a message with the
// word, or the owner has so few that no index is needed.
func (s *Syntax) common(ctx context.Context, db *database.DB, owner, pattern string) (bool, error) {
	if s.newest == "" {
		return false, nil
	}
	newest, err := database.Get[struct{ Found, Conversations int }](ctx, db, s.newest, owner, pattern, newestConversations)
	return newest.Found >= newestHits || newest.Conversations < newestConversations, err
}

// Matches returns a condition: conversation c of owner $1 has the word in its title or
// in a message. For a rare word it first queries the conversations. A common word is
// checked conversation by conversation, newest first, because the page is full long
// before all have been read.
func (s *Syntax) Matches(ctx context.Context, db *database.DB, owner, word string, args *database.Args) (string, error) {
	pattern := s.pattern(word)
	query, value := s.indexed, pattern
	if utf8.RuneCountInString(word) < indexedWord {
		query, value = s.short, s.shortArg(word)
	}
	common, err := s.common(ctx, db, owner, pattern)
	if err != nil {
		return "", err
	}
	var found []string
	if !common {
		if found, err = database.List[string](ctx, db, query+` LIMIT $3`, owner, value, CommonWord); err != nil {
			return "", err
		}
		common = len(found) == CommonWord
	}
	p := args.Add(pattern)
	title := s.contains("c.folded", p)
	if !common {
		slices.Sort(found)
		// One argument, so that the statement stays the same. It is never null.
		ids, err := json.Marshal(append([]string{}, slices.Compact(found)...))
		if err != nil {
			return "", &chat.Error{Code: chat.CodeInternal, Message: "the list of conversations cannot be encoded: " + err.Error(), Cause: err}
		}
		return "(" + title + " OR c.id IN (" + s.elements(args.Add(string(ids))) + "))", nil
	}
	// The OFFSET keeps PostgreSQL from reading all messages first.
	return "(" + title + " OR EXISTS (SELECT 1 FROM messages m WHERE m.conversation_id = c.id AND " +
		s.contains("m.folded", p) + " LIMIT 1 OFFSET 0))", nil
}
