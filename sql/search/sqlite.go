package search

import "strings"

// afterPrefix is greater than every string that begins with $2.
const afterPrefix = "$2 || char(1114111)"

func sqlite() Syntax {
	return Syntax{
		// GLOB, because the index does not serve LIKE with ESCAPE.
		contains: func(column, placeholder string) string { return column + " GLOB " + placeholder },
		pattern: func(word string) string {
			return "*" + strings.NewReplacer("[", "[[]", "*", "[*]", "?", "[?]").Replace(word) + "*"
		},
		indexed: `SELECT m.conversation_id FROM messages_search f JOIN messages m ON m.num = f.rowid WHERE $1 <> '' AND f.folded GLOB $2`,
		short: `SELECT m.conversation_id FROM messages m JOIN (SELECT DISTINCT doc FROM (
				SELECT doc FROM messages_terms WHERE $1 <> '' AND term >= $2 AND term <= ` + afterPrefix + `
				UNION ALL SELECT num FROM messages WHERE substr(folded, -2) >= $2 AND substr(folded, -2) <= ` + afterPrefix + `
				UNION ALL SELECT num FROM messages WHERE substr(folded, -1) = $2
			) LIMIT $3) AS found ON m.num = found.doc`,
		shortArg: func(word string) string { return word },
		elements: func(placeholder string) string { return "SELECT value FROM json_each(" + placeholder + ")" },
	}
}
