package lists

import (
	"context"
	"strings"

	"chat"
	"chat/sql/database"
	"chat/sql/rows"
	"chat/sql/search"
)

// Search returns a page of owner's conversations as Conversations does, each with the
// message and the part of a line that have most words of the query.
func (q Queries) Search(ctx context.Context, owner string, query chat.ConversationQuery) ([]chat.Match, string, error) {
	page, next, err := q.Conversations(ctx, owner, query)
	if err != nil {
		return nil, "", err
	}
	words, err := search.Words(query.Search)
	if err != nil {
		return nil, "", err
	}
	asWritten := strings.Fields(strings.ToLower(chat.NormalizeText(query.Search)))
	matches := make([]chat.Match, len(page))
	for i, c := range page {
		matches[i] = chat.Match{Conversation: c}
		if err := q.findSnippet(ctx, &matches[i], words, asWritten); err != nil {
			return nil, "", err
		}
	}
	return matches, next, nil
}

// snippetMessages is how many of a conversation's newest messages can give a snippet.
const snippetMessages = 50

// findSnippet sets the message and the snippet of a match. words are folded, asWritten are
// in lower case.
func (q Queries) findSnippet(ctx context.Context, m *chat.Match, words, asWritten []string) error {
	if len(words) == 0 {
		return nil
	}
	args := database.Args{m.ID}
	var conditions []string
	for _, w := range words {
		conditions = append(conditions, q.Syntax.Contains("m.folded", w, &args))
	}
	type found struct {
		ID    string
		Parts rows.Parts
	}
	list, err := database.List[found](ctx, q.DB, `SELECT m.id, m.parts FROM messages m WHERE m.conversation_id = $1 AND m.seq > 0 AND (`+strings.Join(conditions, " OR ")+
		`) ORDER BY m.seq DESC LIMIT `+args.Add(snippetMessages), args...)
	most := 0
	for i := len(list) - 1; i >= 0 && err == nil; i-- { // the oldest of equally good ones
		text, n := search.Snippet(list[i].Parts.SearchText(nil), asWritten)
		if n == 0 { // the words are in a file
			text, n, err = q.fileSnippet(ctx, list[i].ID, asWritten)
		}
		if n > most {
			m.MessageID, m.Snippet, most = list[i].ID, text, n
		}
	}
	return err
}

// fileSnippet returns the snippet of the files to which a message refers.
func (q Queries) fileSnippet(ctx context.Context, messageID string, words []string) (best string, most int, err error) {
	files, err := database.List[[]byte](ctx, q.DB, `SELECT a.data FROM message_attachments r JOIN attachments a ON a.owner = r.owner AND a.digest = r.digest
		WHERE r.message_id = $1 AND a.media_type = $2 ORDER BY a.digest`, messageID, chat.TextType)
	for _, data := range files {
		if text, n := search.Snippet(string(data), words); n > most {
			best, most = text, n
		}
	}
	return best, most, err
}
