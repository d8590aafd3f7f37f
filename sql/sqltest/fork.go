package sqltest

import (
	"strings"

	"chat"
	"chat/internal/transcript"
)

var forkTests = map[string]func(*suite){
	"copies the path to a message": func(s *suite) {
		t := tree()
		s.importAs(owner, tree(), transcript.Imported{Status: transcript.ImportCreated, Messages: 7, Added: 7})
		c, replayed, err := s.Fork(s.Context(), owner, t.ID, t.Messages[3].ID, "", chat.SubmitOptions{})
		s.must(err)
		if replayed || c.ID == t.ID || c.Title != t.Title+" (fork)" || c.Model != t.Model || c.System != t.System || !c.UpdatedAt.After(t.UpdatedAt) {
			s.Fatalf("%+v", c)
		}
		got := s.export(c.ID).Messages
		if len(got) != 3 || got[0].ParentID != "" || got[1].ParentID != got[0].ID || got[2].ParentID != got[1].ID {
			s.Fatalf("%+v", got)
		}
		for i, from := range []int{0, 1, 3} {
			was := t.Messages[from]
			if m := got[i]; m.ID == was.ID || m.Content != was.Content || m.Reasoning != was.Reasoning || m.ReasoningMS != was.ReasoningMS || m.State != was.State || !m.CreatedAt.Equal(was.CreatedAt) || m.Usage != nil {
				s.Errorf("%d: %+v, of %+v", i, m, was)
			}
		}
		s.wantSame(s.export(t.ID), t)
		s.send(c.ID, chat.Submission{Content: "goes on"})
	},

	"copies the path to the newest message by default": func(s *suite) {
		c := s.claimNew()
		_, _, err := s.Fork(s.Context(), owner, c.ConversationID, "", "", chat.SubmitOptions{})
		s.wantCode(err, chat.CodeConflict)
		before, _, err := s.Fork(s.Context(), owner, c.ConversationID, c.UserMessageID, "mine", chat.SubmitOptions{})
		s.must(err)
		if before.Title != "mine" || len(s.export(before.ID).Messages) != 1 {
			s.Fatalf("%+v", before)
		}
		s.must(s.Finish(s.Context(), doneResult(c, "because")))
		whole, _, err := s.Fork(s.Context(), owner, c.ConversationID, "", "", chat.SubmitOptions{})
		s.must(err)
		if got := s.export(whole.ID).Messages; len(got) != 2 || got[1].Content != "because" || got[1].State != chat.TaskDone || got[1].TaskID == c.ID {
			s.Fatalf("%+v", got)
		}
		empty, _, err := s.Fork(s.Context(), owner, s.newConversation().ID, "", "", chat.SubmitOptions{})
		s.must(err)
		if got := s.export(empty.ID); len(got.Messages) != 0 || got.Title != "(fork)" {
			s.Fatalf("%+v", got)
		}
	},

	"is made once for a key, and only of the owner's conversations": func(s *suite) {
		acc := s.enqueue()
		o := chat.SubmitOptions{IdempotencyKey: "key", BodyHash: "hash"}
		first, _, err := s.Fork(s.Context(), owner, acc.ConversationID, acc.UserMessageID, "", o)
		s.must(err)
		again, replayed, err := s.Fork(s.Context(), owner, acc.ConversationID, acc.UserMessageID, "", o)
		if err != nil || !replayed || again != first {
			s.Fatalf("%+v, %v, %v", again, replayed, err)
		}
		foreign := s.enqueue()
		for _, ids := range [][3]string{
			{otherOwner, acc.ConversationID, ""},
			{owner, missingID, ""},
			{owner, "x", ""},
			{owner, acc.ConversationID, foreign.UserMessageID},
			{owner, acc.ConversationID, missingID},
			{owner, acc.ConversationID, chat.RootParent},
		} {
			_, _, err := s.Fork(s.Context(), ids[0], ids[1], ids[2], "", chat.SubmitOptions{})
			s.wantCode(err, chat.CodeNotFound)
		}
	},

	"titles get a mark and a number": func(s *suite) {
		for title, want := range map[string]string{
			"T": "T (fork)", "T (fork)": "T (fork 2)", "T (fork 9)": "T (fork 10)", "T (forks)": "T (forks) (fork)", "T (fork 2) x": "T (fork 2) x (fork)", "": "(fork)",
		} {
			if got := transcript.ForkTitle(title); got != want {
				s.Errorf("%q: %q, want %q", title, got, want)
			}
		}
		if got := transcript.ForkTitle(strings.Repeat("ä", 250)); len(got) > chat.MaxTitle || !strings.HasSuffix(got, "ä (fork)") {
			s.Errorf("%q", got)
		}
	},
}
