package search

import "strings"

func postgres() Syntax {
	pattern := func(word string) string {
		return "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(word) + "%"
	}
	return Syntax{
		contains: func(column, placeholder string) string { return column + " LIKE " + placeholder },
		pattern:  pattern,
		// The OFFSETs keep PostgreSQL from other orders. Without the first, a prepared plan,
		// which does not know the word, reads all messages of the owner.
		indexed: `SELECT m.conversation_id FROM (SELECT conversation_id FROM messages WHERE folded LIKE $2 OFFSET 0) m
			CROSS JOIN LATERAL (SELECT 1 FROM conversations o WHERE o.id = m.conversation_id AND o.owner = $1 OFFSET 0) o`,
		// The collation keeps PostgreSQL from the index, all of which it would read.
		short: `SELECT o.id FROM (SELECT id FROM conversations WHERE owner = $1 OFFSET 0) o
			CROSS JOIN LATERAL (SELECT 1 FROM messages m WHERE m.conversation_id = o.id AND m.folded COLLATE "C" LIKE $2 LIMIT 1 OFFSET 0) m`,
		// The index of texts has the messages of all owners, so that to look up a word that
		// many of them have takes as long as reading that many messages.
		newest: `SELECT count(*) FILTER (WHERE found) AS found, count(*) AS conversations FROM (
			SELECT EXISTS (SELECT 1 FROM messages m WHERE m.conversation_id = o.id AND m.folded COLLATE "C" LIKE $2 OFFSET 0) AS found
			FROM (SELECT id FROM conversations WHERE owner = $1 ORDER BY updated_at DESC, id DESC LIMIT $3) o OFFSET 0) AS newest`,
		shortArg: pattern,
		elements: func(placeholder string) string {
			return "SELECT json_array_elements_text(CAST(" + placeholder + " AS json))"
		},
	}
}
