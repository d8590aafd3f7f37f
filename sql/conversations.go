package sql

import (
	"context"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"chat"
)

const (
	defaultLimit = 50
	maxLimit     = 200
)

// limit applies the default and the bound to the length of a list.
func limit(n int) int {
	if n <= 0 {
		return defaultLimit
	}
	return min(n, maxLimit)
}

// CreateConversation stores a conversation with the title, model and system
// prompt of c, and returns it with its id and times.
func (s *Store) CreateConversation(ctx context.Context, owner string, c chat.Conversation) (chat.Conversation, error) {
	args, err := newConversation(owner, c)
	if err != nil {
		return chat.Conversation{}, err
	}
	rows, err := change[conversationRow](ctx, s, insertConversation+" RETURNING "+conversationColumns, args...)
	return onlyConversation(rows, err)
}

// CreateConversationOnce does the same under the idempotency key in o: repeated
// with the same body, it returns the conversation that was made the first time.
func (s *Store) CreateConversationOnce(ctx context.Context, owner string, c chat.Conversation, o chat.SubmitOptions) (made chat.Conversation, replayed bool, err error) {
	if o.IdempotencyKey == "" {
		made, err = s.CreateConversation(ctx, owner, c)
		return made, false, err
	}
	acc, replayed, err := s.once(ctx, owner, o, func(t *transaction, acc *chat.Accepted) error {
		args, err := newConversation(owner, c)
		if err != nil {
			return err
		}
		acc.ConversationID, _ = args[0].(string)
		_, err = t.exec(ctx, insertConversation, args...)
		return err
	})
	if err != nil {
		return chat.Conversation{}, false, err
	}
	made, err = s.Conversation(ctx, owner, acc.ConversationID)
	return made, replayed, err
}

// insertConversationOf stores the conversation that a submission begins, and returns its
// id.
func (t *transaction) insertConversationOf(ctx context.Context, owner string, sub chat.Submission) (string, error) {
	args, err := newConversation(owner, chat.Conversation{Title: sub.Title, Model: sub.Model, System: sub.System})
	if err != nil {
		return "", err
	}
	id, _ := args[0].(string)
	_, err = t.exec(ctx, insertConversation, args...)
	return id, err
}

const insertConversation = `INSERT INTO conversations (id, owner, title, folded, model, system, next_seq, created_at, updated_at)
	VALUES ($1, $2, $3, $4, $5, $6, 1, {{now}}, {{now}})`

// newConversation are the arguments of insertConversation, the new id first.
func newConversation(owner string, c chat.Conversation) ([]any, error) {
	id, err := newID()
	title := chat.NormalizeText(c.Title)
	return []any{id, owner, title, fold(title), chat.NormalizeText(c.Model), chat.NormalizeText(c.System)}, err
}

func onlyConversation(rows []conversationRow, err error) (chat.Conversation, error) {
	row, err := first(rows, err)
	if err != nil {
		return chat.Conversation{}, notFound(err, "conversation")
	}
	return row.conversation(), nil
}

// Conversation returns one conversation of owner.
func (s *Store) Conversation(ctx context.Context, owner, id string) (chat.Conversation, error) {
	if !isID(id) {
		return chat.Conversation{}, notFound(errNoRow, "conversation")
	}
	rows, err := list[conversationRow](ctx, s, `SELECT `+conversationColumns+` FROM conversations WHERE id = $1 AND owner = $2`, id, owner)
	return onlyConversation(rows, err)
}

// UpdateConversation changes what the patch names.
func (s *Store) UpdateConversation(ctx context.Context, owner, id string, p chat.ConversationPatch) (chat.Conversation, error) {
	if !isID(id) {
		return chat.Conversation{}, notFound(errNoRow, "conversation")
	}
	normal := func(text *string) *string {
		if text == nil {
			return nil
		}
		t := chat.NormalizeText(*text)
		return &t
	}
	title := normal(p.Title)
	var folded *string
	if title != nil {
		f := fold(*title)
		folded = &f
	}
	rows, err := change[conversationRow](ctx, s, `UPDATE conversations SET title = coalesce($3, title), folded = coalesce($4, folded),
			model = coalesce($5, model), system = coalesce($6, system), updated_at = {{now}}
		WHERE id = $1 AND owner = $2 RETURNING `+conversationColumns,
		id, owner, title, folded, normal(p.Model), normal(p.System))
	return onlyConversation(rows, err)
}

// DeleteConversation deletes a conversation with its messages and tasks, and
// returns the ids of the tasks that had not ended.
func (s *Store) DeleteConversation(ctx context.Context, owner, id string) (cancelled []string, err error) {
	if !isID(id) {
		return nil, notFound(errNoRow, "conversation")
	}
	err = s.inTx(ctx, func(t *transaction) error {
		cancelled = nil
		// Conversation, tasks, messages: the order in which everyone locks them.
		var held string
		if err := t.get(ctx, &held, `SELECT id FROM conversations WHERE id = $1 AND owner = $2 {{lock}}`, id, owner); err != nil {
			return err
		}
		var gone []struct {
			ID    string
			State chat.TaskState
		}
		if err := t.list(ctx, &gone, `DELETE FROM tasks WHERE conversation_id = $1 RETURNING id, state`, id); err != nil {
			return err
		}
		for _, task := range gone {
			if !task.State.Terminal() {
				cancelled = append(cancelled, task.ID)
			}
		}
		_, err := t.exec(ctx, `DELETE FROM conversations WHERE id = $1 AND owner = $2`, id, owner)
		return err
	})
	if err != nil {
		return nil, notFound(err, "conversation")
	}
	return cancelled, nil
}

// Conversations returns a page of owner's conversations, those changed last
// first, and the cursor of the next page, "" when there is none.
func (s *Store) Conversations(ctx context.Context, owner string, q chat.ConversationQuery) ([]chat.Conversation, string, error) {
	args := arguments{owner}
	where := []string{"c.owner = $1"}
	if q.Cursor != "" {
		at, id, err := parseCursor(q.Cursor)
		if err != nil {
			return nil, "", err
		}
		where = append(where, fmt.Sprintf("(c.updated_at, c.id) < (%s, %s)", args.add(at), args.add(id)))
	}
	if q.ID != "" {
		cond, ok := idMatches("c.id", q.ID, &args)
		if !ok {
			return nil, "", nil
		}
		where = append(where, cond)
	}
	words, err := searchWords(q.Search)
	if err != nil {
		return nil, "", err
	}
	for _, w := range words {
		cond, err := s.matches(ctx, owner, w, &args)
		if err != nil {
			return nil, "", err
		}
		where = append(where, cond)
	}
	n := limit(q.Limit)
	rows, err := list[conversationRow](ctx, s, `SELECT `+conversationColumns+` FROM conversations c WHERE `+strings.Join(where, " AND ")+
		` ORDER BY c.updated_at DESC, c.id DESC LIMIT `+args.add(n+1), args...)
	if err != nil {
		return nil, "", err
	}
	next := ""
	if len(rows) > n {
		rows = rows[:n]
		next = cursor(rows[n-1])
	}
	page := make([]chat.Conversation, len(rows))
	for i := range rows {
		page[i] = rows[i].conversation()
	}
	return page, next, nil
}

// shownID is how many characters of an id's end people are shown.
const shownID = 8

// idMatches is the condition that an id begins or ends with part, or that what
// people are shown of it begins with part; and false if no id does.
func idMatches(column, part string, args *arguments) (string, bool) {
	part = strings.ToLower(part)
	if len(part) > 36 || strings.Trim(part, "0123456789abcdef-") != "" {
		return "", false
	}
	shown := "%" + part + strings.Repeat("_", max(shownID-len(part), 0))
	return fmt.Sprintf("(%[1]s LIKE %[2]s OR %[1]s LIKE %[3]s OR %[1]s LIKE %[4]s)",
		column, args.add(part+"%"), args.add("%"+part), args.add(shown)), true
}

// cursor names the last conversation of a page.
func cursor(r conversationRow) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(r.UpdatedAt, 10) + " " + r.ID))
}

func parseCursor(s string) (updatedAt int64, id string, err error) {
	data, err := base64.RawURLEncoding.DecodeString(s)
	if err == nil {
		at, rest, _ := strings.Cut(string(data), " ")
		id = rest
		updatedAt, err = strconv.ParseInt(at, 10, 64)
	}
	if err != nil || !isID(id) {
		return 0, "", chat.Errorf(chat.CodeInvalid, "the cursor is not one of ours: start again without one")
	}
	return updatedAt, id, nil
}
