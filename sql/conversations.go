package sql

import (
	"context"
	"encoding/base64"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"

	"chat"
)

const (
	defaultLimit = 50
	maxLimit     = 200
	maxTerms     = 8 // words of one search
)

func limitOf(n int) int {
	if n <= 0 {
		return defaultLimit
	}
	return min(n, maxLimit)
}

func newID() (string, error) {
	id, err := uuid.NewV7()
	return id.String(), err
}

const conversationColumns = "c.id, c.owner, c.title, c.model, c.system, c.created_at, c.updated_at"

type conversationRow struct {
	ID, Owner, Title, Model, System string
	CreatedAt                       int64 `db:"created_at"`
	UpdatedAt                       int64 `db:"updated_at"`
}

func (r conversationRow) conversation() chat.Conversation {
	return chat.Conversation{
		ID: r.ID, Owner: r.Owner, Title: r.Title, Model: r.Model, System: r.System,
		CreatedAt: fromMicros(r.CreatedAt), UpdatedAt: fromMicros(r.UpdatedAt),
	}
}

// CreateConversation stores c under a new id.
func (s *Store) CreateConversation(ctx context.Context, owner string, c chat.Conversation) (chat.Conversation, error) {
	id, err := newID()
	if err != nil {
		return chat.Conversation{}, err
	}
	now := time.Now()
	c.ID, c.Owner = id, owner
	c.Title, c.System = chat.NormalizeText(c.Title), chat.NormalizeText(c.System)
	c.CreatedAt = fromMicros(micros(now))
	c.UpdatedAt = c.CreatedAt
	_, err = s.exec(ctx, s.write, `INSERT INTO conversations (id, owner, title, model, system, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $6)`, c.ID, owner, c.Title, c.Model, c.System, micros(now))
	return c, s.mapped(err)
}

// Conversation returns one conversation of owner.
func (s *Store) Conversation(ctx context.Context, owner, id string) (chat.Conversation, error) {
	var r conversationRow
	err := s.get(ctx, s.read, &r, noConversation, "SELECT "+conversationColumns+" FROM conversations c WHERE c.id = $1 AND c.owner = $2", id, owner)
	return r.conversation(), s.mapped(err)
}

// Conversations returns a page, newest first, and the cursor of the next one, ""
// after the last.
func (s *Store) Conversations(ctx context.Context, owner string, q chat.ConversationQuery) ([]chat.Conversation, string, error) {
	where, args := []string{"c.owner = $1"}, []any{owner}
	arg := func(v any) string { args = append(args, v); return "$" + strconv.Itoa(len(args)) }
	if q.ID != "" {
		cond, ok := idFilter("c.id", q.ID, arg)
		if !ok {
			return nil, "", nil
		}
		where = append(where, cond)
	}
	if q.Cursor != "" {
		at, id, err := parseCursor(q.Cursor)
		if err != nil {
			return nil, "", err
		}
		where = append(where, fmt.Sprintf("(c.updated_at, c.id) < (%s, %s)", arg(at), arg(id)))
	}
	terms := strings.Fields(chat.NormalizeText(q.Search))
	if len(terms) > maxTerms {
		return nil, "", chat.Errorf(chat.CodeInvalid, "a search takes at most %d words", maxTerms)
	}
	for _, term := range terms {
		p := arg("%" + escapeLike(term) + "%")
		if escapeLike(term) != term {
			p += ` ESCAPE '\'` // not always: it keeps SQLite from using its index
		}
		where = append(where, fmt.Sprintf("(c.title {like} %s OR c.id IN (SELECT m.conversation_id FROM {search} %s))", p, p))
	}
	limit := limitOf(q.Limit)
	var rows []conversationRow
	err := s.read.SelectContext(ctx, &rows, s.dialect.sql("SELECT "+conversationColumns+" FROM conversations c WHERE "+
		strings.Join(where, " AND ")+" ORDER BY c.updated_at DESC, c.id DESC LIMIT "+arg(limit+1)), args...)
	if err != nil {
		return nil, "", s.mapped(err)
	}
	next := ""
	if len(rows) > limit {
		rows = rows[:limit]
		last := rows[limit-1]
		next = base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d,%s", last.UpdatedAt, last.ID))
	}
	list := make([]chat.Conversation, len(rows))
	for i, r := range rows {
		list[i] = r.conversation()
	}
	return list, next, nil
}

func parseCursor(cursor string) (at int64, id string, err error) {
	data, err := base64.RawURLEncoding.DecodeString(cursor)
	if err == nil {
		us, rest, _ := strings.Cut(string(data), ",")
		if at, err = strconv.ParseInt(us, 10, 64); err == nil && len(rest) <= 64 {
			return at, rest, nil
		}
	}
	return 0, "", chat.Errorf(chat.CodeInvalid, "the cursor is not one of ours: start again without it")
}

// escapeLike makes every character of a LIKE pattern stand for itself.
func escapeLike(s string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(s)
}

var idPart = regexp.MustCompile(`^[0-9a-f-]{1,36}$`) //nolint:gochecknoglobals // a constant

// idFilter matches ids by their beginning or their end: those of one minute
// begin alike, so their ends are what people type.
func idFilter(column, part string, arg func(any) string) (string, bool) {
	part = strings.ToLower(part)
	if !idPart.MatchString(part) {
		return "", false
	}
	return fmt.Sprintf("(%s LIKE %s OR %s LIKE %s)", column, arg(part+"%"), column, arg("%"+part)), true
}

// UpdateConversation changes what p says.
func (s *Store) UpdateConversation(ctx context.Context, owner, id string, p chat.ConversationPatch) (chat.Conversation, error) {
	normal := func(v *string) *string {
		if v == nil {
			return nil
		}
		n := chat.NormalizeText(*v)
		return &n
	}
	var r conversationRow
	err := s.tx(ctx, func(tx *sqlx.Tx) error {
		return s.get(ctx, tx, &r, noConversation, `UPDATE conversations AS c SET title = COALESCE($1, c.title),
			model = COALESCE($2, c.model), system = COALESCE($3, c.system), updated_at = $4
			WHERE c.id = $5 AND c.owner = $6 RETURNING id, owner, title, model, system, created_at, updated_at`,
			normal(p.Title), normal(p.Model), normal(p.System), micros(time.Now()), id, owner)
	})
	return r.conversation(), err
}

// DeleteConversation deletes a conversation with all that is in it, and returns
// the tasks that had not ended: their workers should hear of it.
func (s *Store) DeleteConversation(ctx context.Context, owner, id string) (cancelled []string, err error) {
	err = s.tx(ctx, func(tx *sqlx.Tx) error {
		cancelled = nil
		if err := tx.SelectContext(ctx, &cancelled, `SELECT id FROM tasks
			WHERE conversation_id = $1 AND owner = $2 AND state IN ('queued', 'running')`, id, owner); err != nil {
			return err
		}
		n, err := s.exec(ctx, tx, "DELETE FROM conversations WHERE id = $1 AND owner = $2", id, owner)
		if err == nil && n == 0 {
			err = chat.Errorf(chat.CodeNotFound, noConversation)
		}
		return err
	})
	return cancelled, err
}
