package search

import "strings"

func postgres() Syntax {
	pattern := func(word string) string {
		return "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(word) + "%"
	}
	return Syntax{
		contains: func(column, placeholder string) string { return column + " LIKE " + placeholder },
		pattern:  pattern,
		indexed: `SELECT m.conversation_id FROM messages m JOIN conversations o ON o.id = m.conversation_id
			WHERE o.owner = $1 AND m.folded LIKE $2`,
		// The collation keeps PostgreSQL from the index, all of which it would read.
		short: `SELECT m.conversation_id FROM messages m JOIN conversations o ON o.id = m.conversation_id
			WHERE o.owner = $1 AND m.folded COLLATE "C" LIKE $2`,
		shortArg: pattern,
		elements: func(placeholder string) string {
			return "SELECT json_array_elements_text(CAST(" + placeholder + " AS json))"
		},
	}
}
