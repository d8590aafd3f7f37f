package sqltest

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"chat"
	"chat/internal/transcript"
)

// tree returns a conversation with siblings, a second root, every outcome, and texts with
// special characters.
func tree() transcript.Transcript {
	at := time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.UTC)
	id := func(n int) string {
		return transcript.DerivedID(at.Add(time.Duration(n)*time.Second), "tree", fmt.Sprint(n))
	}
	t := transcript.Transcript{Conversation: chat.Conversation{
		ID: id(0), Title: "Bäume & <b>", Model: "m-1", System: "be\nbrief", CreatedAt: at, UpdatedAt: at.Add(time.Hour),
	}}
	add := func(n, parent int, m chat.Message) {
		m.ID, m.ConversationID = id(n), t.ID
		if parent > 0 {
			m.ParentID = id(parent)
		}
		m.CreatedAt, m.UpdatedAt = at.Add(time.Duration(n)*time.Minute), at.Add(time.Duration(n)*time.Minute+time.Microsecond)
		if m.Role = chat.RoleUser; m.State != "" {
			m.Role, m.TaskID = chat.RoleAssistant, id(100+n)
		}
		m.SetParts(m.AllParts())
		t.Messages = append(t.Messages, m)
	}
	add(1, 0, chat.Message{Content: "why?\r\n\t\u2028 \x1b[1m 🙂"})
	add(2, 1, chat.Message{
		Content: "because", Reasoning: "hm", ReasoningMS: 1234, Model: "m-1", State: chat.TaskDone, FinishReason: "stop",
		Usage: usage(), Notices: []string{"seed was left out"},
	})
	add(3, 1, chat.Message{Content: "beca", Model: "m-2", State: chat.TaskInterrupted, Error: chat.Retryable(chat.Errorf(chat.CodeProviderCut, "it was cut"))})
	add(4, 2, chat.Message{Content: "and?"})
	add(5, 4, chat.Message{State: chat.TaskCancelled})
	add(6, 4, chat.Message{State: chat.TaskFailed, Error: chat.Errorf(chat.CodeProviderAuth, "no key")})
	add(7, 0, chat.Message{Content: "another beginning"})
	return t
}

// export reads a conversation as an export does.
func (s *suite) export(id string) transcript.Transcript {
	s.Helper()
	c, err := s.Conversation(s.Context(), owner, id)
	s.must(err)
	list, err := s.Messages(s.Context(), owner, id)
	s.must(err)
	return transcript.Transcript{Conversation: c, Messages: list}
}

func (s *suite) importAs(whose string, t transcript.Transcript, want transcript.Imported) transcript.Imported {
	s.Helper()
	s.must(t.Check())
	got, err := s.Import(s.Context(), whose, t, false)
	s.must(err)
	if want.ConversationID == "" {
		want.ConversationID = got.ConversationID
	}
	if got != want {
		s.Fatalf("imported %+v, want %+v", got, want)
	}
	return got
}

func (s *suite) wantSame(got, want transcript.Transcript) {
	s.Helper()
	a, err := json.MarshalIndent(got, "", " ")
	s.must(err)
	b, err := json.MarshalIndent(want, "", " ")
	s.must(err)
	if string(a) != string(b) {
		s.Fatalf("got %s\nwant %s", a, b)
	}
}

var importTests = map[string]func(*suite){
	"an export is imported unchanged, once": func(s *suite) {
		t := tree()
		dry, err := s.Import(s.Context(), owner, tree(), true)
		if want := (transcript.Imported{ConversationID: t.ID, Status: transcript.ImportCreated, Messages: 7, Added: 7}); err != nil || dry != want {
			s.Fatalf("dry: %+v, %v; want %+v", dry, err, want)
		}
		_, err = s.Conversation(s.Context(), owner, t.ID)
		s.wantCode(err, chat.CodeNotFound)
		s.importAs(owner, tree(), dry)
		s.wantSame(s.export(t.ID), t)
		s.importAs(owner, tree(), transcript.Imported{ConversationID: t.ID, Status: transcript.ImportUnchanged, Messages: 7})
		s.wantSame(s.export(t.ID), t)
		list, _, err := s.Conversations(s.Context(), owner, chat.ConversationQuery{Search: "BÄUME becau"})
		if err != nil || len(list) != 1 {
			s.Fatalf("found %v, %v", list, err)
		}
		if claims := s.claim(10); len(claims) > 0 {
			s.Fatalf("an imported answer is made again: %+v", claims)
		}
	},

	"existing messages stay, missing ones are added": func(s *suite) {
		t := tree()
		part := tree()
		part.Messages = part.Messages[:3]
		s.importAs(owner, part, transcript.Imported{ConversationID: t.ID, Status: transcript.ImportCreated, Messages: 3, Added: 3})
		title := "mine"
		_, err := s.UpdateConversation(s.Context(), owner, t.ID, chat.ConversationPatch{Title: &title})
		s.must(err)
		acc := s.send(t.ID, chat.Submission{Content: "meanwhile"})
		changed := tree()
		changed.Messages[0].Content = "changed"
		s.importAs(owner, changed, transcript.Imported{ConversationID: t.ID, Status: transcript.ImportExtended, Messages: 7, Added: 4})
		got := s.export(t.ID)
		if got.Title != "mine" || len(got.Messages) != 9 || got.Messages[0].Content != t.Messages[0].Content || got.Messages[3].ID != acc.UserMessageID {
			s.Fatalf("%+v", got)
		}
		if got.Messages[3].ParentID != t.Messages[2].ID {
			s.Fatalf("the message went on at %s, not at the newest", got.Messages[3].ParentID)
		}
	},

	"an imported conversation can be continued": func(s *suite) {
		t := tree()
		s.importAs(owner, tree(), transcript.Imported{Status: transcript.ImportCreated, Messages: 7, Added: 7})
		acc := s.send(t.ID, chat.Submission{Content: "more", ParentID: t.Messages[1].ID})
		system, thread, err := s.thread(acc.TaskID)
		s.must(err)
		if system != t.System || len(thread) != 3 || thread[1].Content != "because" {
			s.Fatalf("%q, %+v", system, thread)
		}
		_, _, err = s.Cancel(s.Context(), owner, acc.TaskID)
		s.must(err)
		again, _, err := s.Regenerate(s.Context(), owner, t.Messages[1].ID, chat.Regeneration{}, chat.SubmitOptions{})
		s.must(err)
		if again.UserMessageID != t.Messages[0].ID {
			s.Fatalf("%+v", again)
		}
		task := s.wantState(t.Messages[2].TaskID, chat.TaskInterrupted)
		if end, ok := task.TerminalChunk(2, 0); !ok || end.Type != chat.ChunkError {
			s.Fatalf("%+v", end)
		}
		_, err = s.DeleteConversation(s.Context(), owner, t.ID)
		s.must(err)
		s.importAs(owner, tree(), transcript.Imported{ConversationID: t.ID, Status: transcript.ImportCreated, Messages: 7, Added: 7})
	},

	"another owner's ids are replaced": func(s *suite) {
		t := tree()
		s.importAs(owner, tree(), transcript.Imported{Status: transcript.ImportCreated, Messages: 7, Added: 7})
		theirs := s.importAs(otherOwner, tree(), transcript.Imported{Status: transcript.ImportCreated, Messages: 7, Added: 7})
		if theirs.ConversationID == t.ID {
			s.Fatal("one conversation of two owners")
		}
		s.importAs(otherOwner, tree(), transcript.Imported{ConversationID: theirs.ConversationID, Status: transcript.ImportUnchanged, Messages: 7})
		s.wantSame(s.export(t.ID), t)
		list, err := s.Messages(s.Context(), otherOwner, theirs.ConversationID)
		s.must(err)
		if len(list) != 7 || list[3].ParentID != list[1].ID || list[1].TaskID == t.Messages[1].TaskID || list[0].ParentID != "" {
			s.Fatalf("%+v", list)
		}
	},

	"another conversation's ids are replaced": func(s *suite) {
		s.importAs(owner, tree(), transcript.Imported{Status: transcript.ImportCreated, Messages: 7, Added: 7})
		copied := tree()
		copied.ID = missingID
		for i := range copied.Messages {
			copied.Messages[i].ConversationID = missingID
		}
		s.importAs(owner, copied, transcript.Imported{ConversationID: missingID, Status: transcript.ImportCreated, Messages: 7, Added: 7})
		got := s.export(missingID)
		if got.Messages[3].ParentID != got.Messages[1].ID || got.Messages[1].ID == tree().Messages[1].ID {
			s.Fatalf("%+v", got)
		}
		s.importAs(owner, copied, transcript.Imported{ConversationID: missingID, Status: transcript.ImportUnchanged, Messages: 7})
	},

	"a running answer is imported as interrupted": func(s *suite) {
		t := transcript.Transcript{Conversation: chat.Conversation{ID: missingID}, Messages: []chat.Message{
			{ID: tree().Messages[0].ID, Role: chat.RoleUser, Content: "x\x00"},
			{ID: tree().Messages[1].ID, ParentID: tree().Messages[0].ID, Role: chat.RoleAssistant, Content: "so f", State: chat.TaskRunning},
			{ID: tree().Messages[2].ID, ParentID: tree().Messages[0].ID, Role: chat.RoleAssistant, Content: "plain"},
		}}
		s.importAs(owner, t, transcript.Imported{Status: transcript.ImportCreated, Messages: 3, Added: 3})
		got := s.export(missingID)
		if m := got.Messages[1]; m.State != chat.TaskInterrupted || m.Content != "so f" || m.Error == nil || !m.Error.Retryable {
			s.Errorf("%+v", m)
		}
		if m := got.Messages[2]; m.State != chat.TaskDone || len(m.TaskID) != 36 || m.CreatedAt.IsZero() {
			s.Errorf("%+v", m)
		}
		if got.Messages[0].Content != "x" {
			s.Errorf("%q", got.Messages[0].Content)
		}
		s.importAs(owner, t, transcript.Imported{Status: transcript.ImportUnchanged, Messages: 3})
	},

	"concurrent imports create one conversation": func(s *suite) {
		var wg sync.WaitGroup
		start := make(chan struct{})
		for range 4 {
			wg.Go(func() {
				<-start
				if _, err := s.Import(s.Context(), owner, tree(), false); err != nil {
					s.Error(err)
				}
			})
		}
		close(start)
		wg.Wait()
		s.wantSame(s.export(tree().ID), tree())
	},

	"a large conversation is imported completely": func(s *suite) {
		t := tree()
		parent := t.Messages[0].ID
		for i := range 1200 {
			m := chat.Message{
				ID: transcript.DerivedID(t.CreatedAt, "large", fmt.Sprint(i)), ConversationID: t.ID, ParentID: parent, Role: chat.RoleUser,
				Content: strings.Repeat(fmt.Sprintf("word%d ", i), 200), CreatedAt: t.CreatedAt, UpdatedAt: t.CreatedAt,
			}
			parent = m.ID
			t.Messages = append(t.Messages, m)
		}
		began := time.Now()
		s.importAs(owner, t, transcript.Imported{ConversationID: t.ID, Status: transcript.ImportCreated, Messages: 1207, Added: 1207})
		s.Logf("%d messages in %s", len(t.Messages), time.Since(began))
		s.wantSame(s.export(t.ID), t)
	},
}
