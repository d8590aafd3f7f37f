package sqltest

import (
	"errors"
	"slices"
	"time"

	"chat"
)

var conversationTests = map[string]func(*suite){
	"are read as they were created": func(s *suite) {
		before := time.Now().Add(-time.Minute)
		c, err := s.CreateConversation(s.Context(), owner, chat.Conversation{Title: "T", Model: "m", System: "be brief"})
		s.must(err)
		if c.Title != "T" || c.Model != "m" || c.System != "be brief" || c.Owner != owner || len(c.ID) != 36 || c.ID[14] != '7' {
			s.Fatalf("created %+v", c)
		}
		if c.CreatedAt.Before(before) || c.CreatedAt.After(time.Now().Add(time.Minute)) || !c.UpdatedAt.Equal(c.CreatedAt) || c.CreatedAt.Location() != time.UTC {
			s.Fatalf("created at %v, updated at %v", c.CreatedAt, c.UpdatedAt)
		}
		got, err := s.Conversation(s.Context(), owner, c.ID)
		s.must(err)
		if got != c {
			s.Fatalf("got %+v, want %+v", got, c)
		}
	},

	"another owner's rows do not exist": func(s *suite) {
		ctx := s.Context()
		c := s.newConversation()
		acc := s.send(c.ID, chat.Submission{Content: "secret"})
		title := "stolen"
		calls := map[string]func(as, conversation, task, message string) error{
			"Conversation": func(as, c, _, _ string) error { _, err := s.Conversation(ctx, as, c); return err },
			"UpdateConversation": func(as, c, _, _ string) error {
				_, err := s.UpdateConversation(ctx, as, c, chat.ConversationPatch{Title: &title})
				return err
			},
			"DeleteConversation": func(as, c, _, _ string) error { _, err := s.DeleteConversation(ctx, as, c); return err },
			"Messages":           func(as, c, _, _ string) error { _, err := s.Messages(ctx, as, c); return err },
			"Submit": func(as, c, _, _ string) error {
				_, _, err := s.Submit(ctx, as, chat.Submission{ConversationID: c, Content: "x"}, chat.SubmitOptions{IdempotencyKey: "k"})
				return err
			},
			"Regenerate": func(as, _, _, m string) error {
				_, _, err := s.Regenerate(ctx, as, m, chat.Regeneration{}, chat.SubmitOptions{})
				return err
			},
			"Task":   func(as, _, task, _ string) error { _, err := s.Task(ctx, as, task); return err },
			"Cancel": func(as, _, task, _ string) error { _, _, err := s.Cancel(ctx, as, task); return err },
			"Answer": func(as, _, task, _ string) error { _, err := s.Answer(ctx, as, task); return err },
		}
		for name, call := range calls {
			foreign := call(otherOwner, c.ID, acc.TaskID, acc.MessageID)
			unknown := call(owner, missingID, missingID, missingID)
			garbage := call(owner, "\x00' OR 1=1 --", "\xff", "")
			for _, err := range []error{foreign, unknown, garbage} {
				if !chat.IsCode(err, chat.CodeNotFound) {
					s.Errorf("%s: %v (%s), want not_found", name, err, chat.CodeOf(err))
				}
			}
			if foreign != nil && unknown != nil && foreign.Error() != unknown.Error() {
				s.Errorf("%s tells foreign from unknown: %q, %q", name, foreign, unknown)
			}
		}
		if got, err := s.Conversation(ctx, owner, c.ID); err != nil || got.Title != "secret" {
			s.Fatalf("after the attempts of others: %+v, %v", got, err)
		}
		list, _, err := s.Conversations(ctx, otherOwner, chat.ConversationQuery{Search: "secret"})
		s.must(err)
		tasks, err := s.Tasks(ctx, otherOwner, chat.TaskQuery{})
		s.must(err)
		if len(list)+len(tasks) > 0 {
			s.Fatalf("listed to another: %v, %v", list, tasks)
		}
	},

	"a patch changes only its fields": func(s *suite) {
		c := s.newConversation()
		str := func(v string) *string { return &v }
		patched, err := s.UpdateConversation(s.Context(), owner, c.ID, chat.ConversationPatch{Title: str("New\x00 ä"), Model: str("m")})
		s.must(err)
		if patched.Title != "New ä" || patched.Model != "m" || patched.System != "" || patched.UpdatedAt.Before(c.UpdatedAt) {
			s.Fatalf("patched to %+v", patched)
		}
		patched, err = s.UpdateConversation(s.Context(), owner, c.ID, chat.ConversationPatch{Title: str(""), System: str("s")})
		s.must(err)
		if patched.Title != "" || patched.Model != "m" || patched.System != "s" {
			s.Fatalf("patched to %+v", patched)
		}
	},

	"pages list each once, the last changed first": func(s *suite) {
		var want []string
		for range 7 {
			want = append(want, s.newConversation().ID)
		}
		s.send(want[2], chat.Submission{Content: "bump"})
		moved := want[2]

		var got []string
		var last time.Time
		cursor, pages := "", 0
		for {
			page, next, err := s.Conversations(s.Context(), owner, chat.ConversationQuery{Limit: 3, Cursor: cursor})
			s.must(err)
			for i, c := range page {
				if len(got)+i > 0 && c.UpdatedAt.After(last) {
					s.Fatalf("%s, changed at %v, comes after one changed at %v", c.ID, c.UpdatedAt, last)
				}
				if last = c.UpdatedAt; len(got)+i == 0 && c.ID != moved {
					bumped, err := s.Conversation(s.Context(), owner, moved)
					s.must(err)
					if bumped.UpdatedAt.Before(last) {
						s.Fatalf("%s comes first, not the one that was just used", c.ID)
					}
				}
			}
			got = append(got, ids(page, conversationID)...)
			pages++
			if cursor = next; next == "" || pages > 10 {
				break
			}
		}
		if pages != 3 || len(got) != 7 {
			s.Fatalf("%d pages with %v, want 3 with %v", pages, got, want)
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			s.Fatalf("got %v, want %v", got, want)
		}
		for _, bad := range []string{"garbage", "!", "MTIz", "MTIzIHg"} {
			_, _, err := s.Conversations(s.Context(), owner, chat.ConversationQuery{Cursor: bad})
			s.wantCode(err, chat.CodeInvalid)
		}
	},

	"are found by the beginning or end of an id, and by the beginning of its shown end": func(s *suite) {
		c := s.newConversation()
		s.newConversation()
		end := c.ID[len(c.ID)-10:]
		for _, part := range []string{c.ID, c.ID[:30], end, c.ID[28:34]} { // the last: as it is shown, cut
			list, _, err := s.Conversations(s.Context(), owner, chat.ConversationQuery{ID: part})
			s.must(err)
			if len(list) != 1 || list[0].ID != c.ID {
				s.Errorf("id %q found %v, want %s", part, ids(list, conversationID), c.ID)
			}
		}
		for _, part := range []string{"%", "_", "zz", "\x00", c.ID + "0", c.ID[5:15]} {
			list, _, err := s.Conversations(s.Context(), owner, chat.ConversationQuery{ID: part})
			s.must(err)
			if len(list) != 0 {
				s.Errorf("id %q found %v", part, ids(list, conversationID))
			}
		}
	},

	"deleting also deletes messages and tasks": func(s *suite) {
		c, kept := s.newConversation(), s.enqueue()
		finished := s.send(c.ID, chat.Submission{Content: "one", Priority: chat.PriorityUrgent})
		s.must(s.Finish(s.Context(), doneResult(s.claim(1)[0], "1")))
		running := s.send(c.ID, chat.Submission{Content: "three", Priority: chat.PriorityUrgent})
		claim := s.claim(1)[0]
		other := s.newConversation()
		waiting := s.send(other.ID, chat.Submission{Content: "waits"})

		cancelled, err := s.DeleteConversation(s.Context(), owner, c.ID)
		s.must(err)
		queued, err := s.DeleteConversation(s.Context(), owner, other.ID)
		s.must(err)
		cancelled = append(cancelled, queued...)
		if want := []string{running.TaskID, waiting.TaskID}; !slices.Equal(cancelled, want) {
			s.Fatalf("cancelled %v, want %v", cancelled, want)
		}
		for _, id := range []string{running.TaskID, finished.TaskID, waiting.TaskID} {
			_, err := s.Task(s.Context(), owner, id)
			s.wantCode(err, chat.CodeNotFound)
		}
		if err := s.Finish(s.Context(), doneResult(claim, "late")); !errors.Is(err, chat.ErrFenced) {
			s.Fatalf("finishing a deleted task: %v, want ErrFenced", err)
		}
		list, _, err := s.Conversations(s.Context(), owner, chat.ConversationQuery{Search: "three"})
		s.must(err)
		if len(list) != 0 {
			s.Fatalf("search finds what is deleted: %v", list)
		}
		s.wantState(kept.TaskID, chat.TaskQueued)
	},

	"three hundred messages are read and deleted": func(s *suite) {
		c := s.newConversation()
		var last chat.Accepted
		for range 150 {
			last = s.sendAndCancel(c.ID, chat.Submission{Content: "again"})
		}
		list, err := s.Messages(s.Context(), owner, c.ID)
		s.must(err)
		_, thread, err := s.thread(last.TaskID)
		s.must(err)
		if len(list) != 300 || len(thread) != 150 {
			s.Fatalf("%d messages, a thread of %d; want 300 and 150", len(list), len(thread))
		}
		_, err = s.DeleteConversation(s.Context(), owner, c.ID)
		s.must(err)
		_, err = s.Task(s.Context(), owner, last.TaskID)
		s.wantCode(err, chat.CodeNotFound)
	},
}
