// Package lists has the queries for lists: conversations, what a search finds, and tasks.
package lists

import (
	"context"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"chat"
	"chat/sql/database"
	"chat/sql/rows"
	"chat/sql/search"
)

// Queries runs the queries on a database, whose searches are written in Syntax.
type Queries struct {
	DB     *database.DB
	Syntax search.Syntax
}

const (
	// DefaultLimit is the length of a list that asks for none.
	DefaultLimit = 50
	maxLimit     = 200
)

// limit applies the default and the maximum to the length of a list.
func limit(n int) int {
	if n <= 0 {
		return DefaultLimit
	}
	return min(n, maxLimit)
}

// Conversations returns a page of owner's conversations, the last changed first, and the
// cursor of the next page, "" if there is none.
func (q Queries) Conversations(ctx context.Context, owner string, query chat.ConversationQuery) ([]chat.Conversation, string, error) {
	args := database.Args{owner}
	where := []string{"c.owner = $1"}
	if query.Cursor != "" {
		at, id, err := parseCursor(query.Cursor)
		if err != nil {
			return nil, "", err
		}
		where = append(where, fmt.Sprintf("(c.updated_at, c.id) < (%s, %s)", args.Add(at), args.Add(id)))
	}
	if !query.Temporary && query.ID == "" {
		where = append(where, "NOT c.temporary")
	}
	if query.ID != "" {
		cond, ok := idMatches("c.id", query.ID, &args)
		if !ok {
			return nil, "", nil
		}
		where = append(where, cond)
	}
	words, err := search.Words(query.Search)
	if err != nil {
		return nil, "", err
	}
	for _, w := range words {
		cond, err := q.Syntax.Matches(ctx, q.DB, owner, w, &args)
		if err != nil {
			return nil, "", err
		}
		where = append(where, cond)
	}
	n := limit(query.Limit)
	list, err := database.List[rows.Conversation](ctx, q.DB, `SELECT `+rows.ConversationColumns+` FROM conversations c WHERE `+strings.Join(where, " AND ")+
		` ORDER BY c.updated_at DESC, c.id DESC LIMIT `+args.Add(n+1), args...)
	if err != nil {
		return nil, "", err
	}
	next := ""
	if len(list) > n {
		list = list[:n]
		next = cursor(list[n-1])
	}
	page := make([]chat.Conversation, len(list))
	for i := range list {
		page[i] = list[i].Conversation()
	}
	return page, next, nil
}

// ShownID is the number of characters that lists show: the last ones of an id.
const ShownID = 8

// idMatches returns a condition: an id begins or ends with part, or its shown end begins
// with part. It returns false if no id can match.
func idMatches(column, part string, args *database.Args) (string, bool) {
	part = strings.ToLower(part)
	if len(part) > 36 || strings.Trim(part, "0123456789abcdef-") != "" {
		return "", false
	}
	shown := "%" + part + strings.Repeat("_", max(ShownID-len(part), 0))
	return fmt.Sprintf("(%[1]s LIKE %[2]s OR %[1]s LIKE %[3]s OR %[1]s LIKE %[4]s)",
		column, args.Add(part+"%"), args.Add("%"+part), args.Add(shown)), true
}

// cursor encodes the last conversation of a page.
func cursor(r rows.Conversation) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(r.UpdatedAt, 10) + " " + r.ID))
}

func parseCursor(s string) (updatedAt int64, id string, err error) {
	data, err := base64.RawURLEncoding.DecodeString(s)
	if err == nil {
		at, rest, _ := strings.Cut(string(data), " ")
		id = rest
		updatedAt, err = strconv.ParseInt(at, 10, 64)
	}
	if err != nil || !rows.IsID(id) {
		return 0, "", chat.Errorf(chat.CodeInvalid, "the cursor is not valid: start again without one")
	}
	return updatedAt, id, nil
}
