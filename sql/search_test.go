package sql

import (
	"fmt"
	"testing"

	"chat"
	"chat/sql/search"
)

// A word in more than search.CommonWord messages runs another query, with the same result.
func TestCommonWordsAreFoundLikeRareOnes(t *testing.T) {
	s := sqliteStore(t)
	for i := range 3 {
		c, err := s.CreateConversation(t.Context(), "ada", chat.Conversation{Title: fmt.Sprint("title ", i)})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.Submit(t.Context(), "ada", chat.Submission{ConversationID: c.ID, Content: fmt.Sprint("common number", i)}, chat.SubmitOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	copies := fmt.Sprintf(`INSERT INTO messages (id, conversation_id, seq, parent_id, role, model, created_at, updated_at, parts, size, folded)
		WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
		SELECT m.id || '-' || n.i, m.conversation_id, 100 + n.i, '', 'user', '', 0, 0, m.parts, m.size, m.folded
		FROM messages m, n WHERE m.folded = 'common number0'`, search.CommonWord)
	s.mustExec(t, copies)
	for words, want := range map[string]int{
		"common": 3, "COMMON number": 3, "number0": 1, "common number0": 1, "common number1": 1,
		"common number0 title": 1, "common number0 number1": 0, "title": 3, "common absent": 0,
	} {
		list, _, err := s.Conversations(t.Context(), "ada", chat.ConversationQuery{Search: words})
		if err != nil || len(list) != want {
			t.Errorf("%q found %d, want %d: %v", words, len(list), want, err)
		}
	}
	list, _, err := s.Conversations(t.Context(), "bob", chat.ConversationQuery{Search: "common"})
	if err != nil || len(list) != 0 {
		t.Errorf("bob found %v, %v", list, err)
	}
}
