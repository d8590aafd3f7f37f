package sqltest

import (
	"errors"
	"slices"
	"time"

	"chat"
)

// answeredWith is a conversation with one complete answer.
func (s *suite) answeredWith(question, text string) chat.Accepted {
	s.Helper()
	acc := s.send(s.newConversation().ID, chat.Submission{Content: question})
	s.finishNext(acc.TaskID, text)
	return acc
}

// finishNext claims a task, which has to be the next one, and ends it with a text.
func (s *suite) finishNext(taskID, text string) chat.Task {
	s.Helper()
	claims := s.claim(1)
	if len(claims) != 1 || claims[0].ID != taskID {
		s.Fatalf("claimed %+v, want %s", claims, taskID)
	}
	usage := &chat.Usage{PromptTokens: 10, CompletionTokens: 5, TotalTokens: 15}
	s.must(s.Finish(s.Context(), chat.Result{
		TaskID: taskID, Kind: claims[0].Kind, Attempt: claims[0].Attempt, State: chat.TaskDone, FinishReason: "stop", Model: "large",
		Parts: chat.TextParts(text), Usage: usage,
	}))
	return s.task(taskID)
}

func (s *suite) enqueueKind(kind chat.TaskKind, acc chat.Accepted) string {
	s.Helper()
	id, made, err := s.Enqueue(s.Context(), owner, chat.KindTask{Kind: kind, ConversationID: acc.ConversationID, LastMessageID: acc.MessageID, Model: "small", Priority: chat.PriorityBackground})
	s.must(err)
	if !made {
		s.Fatalf("there is a %s already: %s", kind, id)
	}
	return id
}

// untouched checks that a conversation has only the messages of one question and its answer.
func (s *suite) untouched(acc chat.Accepted, question, text string) {
	s.Helper()
	list, err := s.Messages(s.Context(), owner, acc.ConversationID)
	s.must(err)
	if len(list) != 2 || list[0].Content != question || list[1].Content != text || list[1].ID != acc.MessageID {
		s.Fatalf("the conversation has %+v", list)
	}
}

var kindTests = map[string]func(*suite){
	"a task of a kind answers no message, and is a task like every other": func(s *suite) {
		acc := s.answeredWith("why?", "because")
		before, err := s.Conversation(s.Context(), owner, acc.ConversationID)
		s.must(err)
		id := s.enqueueKind(chat.KindSummary, acc)
		task := s.wantState(id, chat.TaskQueued)
		if task.Kind != chat.KindSummary || task.MessageID != "" || task.UserMessageID != acc.MessageID || task.ConversationID != acc.ConversationID ||
			task.Priority != chat.PriorityBackground || task.Model != "small" {
			s.Fatalf("stored %+v", task)
		}
		list, err := s.Tasks(s.Context(), owner, chat.TaskQuery{ConversationID: acc.ConversationID, States: []chat.TaskState{chat.TaskQueued}})
		s.must(err)
		if len(list) != 1 || list[0].ID != id || list[0].Kind != chat.KindSummary {
			s.Fatalf("listed %+v", list)
		}
		s.untouched(acc, "why?", "because")

		claims := s.claim(1)
		if len(claims) != 1 || claims[0].ID != id || claims[0].Kind != chat.KindSummary {
			s.Fatalf("claimed %+v", claims)
		}
		running, err := s.Running(s.Context(), owner, 10)
		s.must(err)
		if len(running) != 1 || running[0].Task.ID != id || running[0].Task.Kind != chat.KindSummary {
			s.Fatalf("running %+v", running)
		}
		s.must(s.Checkpoint(s.Context(), id, 1, chat.Answer{Parts: chat.TextParts("zebra")}))
		s.must(s.Release(s.Context(), chat.Release{TaskID: id, Attempt: 1, Counts: true, Parts: chat.TextParts("zebra and lion")}))
		partial, err := s.Partial(s.Context(), id)
		s.must(err)
		if partial.Parts.Text() != "zebra and lion" {
			s.Fatalf("saved %+v", partial)
		}
		task = s.finishNext(id, "zebra, lion and bear")
		if task.State != chat.TaskDone || task.Usage == nil || task.Usage.TotalTokens != 15 || task.Model != "large" || task.MessageID != "" {
			s.Fatalf("ended as %+v", task)
		}
		text, err := s.Answer(s.Context(), owner, id)
		s.must(err)
		if text.Content != "zebra, lion and bear" {
			s.Fatalf("its text is %+v", text)
		}
		used, err := s.Usage(s.Context(), owner, time.Time{})
		s.must(err)
		if len(used) != 1 || used[0].Answers != 2 || used[0].TotalTokens != 30 {
			s.Fatalf("usage %+v", used)
		}

		s.untouched(acc, "why?", "because")
		found, _, err := s.Search(s.Context(), owner, chat.ConversationQuery{Search: "zebra"})
		s.must(err)
		if len(found) != 0 {
			s.Fatalf("a search found %+v", found)
		}
		after, err := s.Conversation(s.Context(), owner, acc.ConversationID)
		s.must(err)
		if !after.UpdatedAt.Equal(before.UpdatedAt) {
			s.Error("the conversation looks as if it had changed")
		}
		copied, _, err := s.Fork(s.Context(), owner, acc.ConversationID, "", "", chat.SubmitOptions{})
		s.must(err)
		if list, err := s.Messages(s.Context(), owner, copied.ID); err != nil || len(list) != 2 {
			s.Fatalf("a fork has %+v, %v", list, err)
		}
	},

	"an answer does not wait for it, and continues the newest message": func(s *suite) {
		acc := s.answeredWith("why?", "because")
		title := s.enqueueKind(chat.KindTitle, acc)
		next := s.send(acc.ConversationID, chat.Submission{Content: "really?"})
		list, err := s.Messages(s.Context(), owner, acc.ConversationID)
		s.must(err)
		if len(list) != 4 || list[2].ParentID != acc.MessageID || list[3].ID != next.MessageID {
			s.Fatalf("the conversation has %+v", list)
		}
		s.finishNext(next.TaskID, "yes")
		s.finishNext(title, "Reasons")
		_, _, err = s.Submit(s.Context(), owner, chat.Submission{ConversationID: acc.ConversationID, Content: "key"}, chat.SubmitOptions{IdempotencyKey: "k"})
		s.must(err)
		list, err = s.Messages(s.Context(), owner, acc.ConversationID)
		s.must(err)
		if len(list) != 6 || list[4].ParentID != next.MessageID {
			s.Fatalf("the conversation has %+v", list)
		}
	},

	"a conversation has one unfinished task of a kind": func(s *suite) {
		acc := s.answeredWith("why?", "because")
		k := chat.KindTask{Kind: chat.KindSummary, ConversationID: acc.ConversationID, LastMessageID: acc.MessageID}
		id := s.enqueueKind(chat.KindSummary, acc)
		again, made, err := s.Enqueue(s.Context(), owner, k)
		s.must(err)
		if again != id || made {
			s.Fatalf("a second one: %s, %v", again, made)
		}
		s.enqueueKind(chat.KindTitle, acc)
		if _, won, err := s.Cancel(s.Context(), owner, id); err != nil || !won {
			s.Fatalf("cancelled: %v, %v", won, err)
		}
		if again, made, err = s.Enqueue(s.Context(), owner, k); err != nil || again == id || !made {
			s.Fatalf("after the end of the first: %s, %v, %v", again, made, err)
		}
	},

	"it belongs to its conversation": func(s *suite) {
		acc, other := s.answeredWith("why?", "because"), s.answeredWith("how?", "so")
		k := chat.KindTask{Kind: chat.KindSummary, ConversationID: acc.ConversationID, LastMessageID: other.MessageID}
		_, _, err := s.Enqueue(s.Context(), owner, k)
		s.wantCode(err, chat.CodeNotFound)
		k.LastMessageID = acc.MessageID
		_, _, err = s.Enqueue(s.Context(), otherOwner, k)
		s.wantCode(err, chat.CodeNotFound)

		id := s.enqueueKind(chat.KindSummary, acc)
		text, err := s.Answer(s.Context(), owner, id)
		s.must(err)
		_, _, err = s.Regenerate(s.Context(), owner, text.ID, chat.Regeneration{}, chat.SubmitOptions{})
		s.wantCode(err, chat.CodeNotFound)
		_, _, err = s.Submit(s.Context(), owner, chat.Submission{ConversationID: acc.ConversationID, Content: "x", ParentID: text.ID}, chat.SubmitOptions{})
		s.wantCode(err, chat.CodeInvalid)
		_, _, err = s.Fork(s.Context(), owner, acc.ConversationID, text.ID, "", chat.SubmitOptions{})
		s.wantCode(err, chat.CodeNotFound)

		cancelled, err := s.DeleteConversation(s.Context(), owner, acc.ConversationID)
		s.must(err)
		if len(cancelled) != 1 || cancelled[0] != id {
			s.Fatalf("cancelled %v", cancelled)
		}
		_, err = s.Task(s.Context(), owner, id)
		s.wantCode(err, chat.CodeNotFound)
	},

	"a title replaces the one that Submit has set, and no other": func(s *suite) {
		acc, _, err := s.Submit(s.Context(), owner, chat.Submission{Content: "why is the sky blue?", ModelTitle: true}, chat.SubmitOptions{})
		s.must(err)
		s.finishNext(acc.TaskID, "because")
		s.finishNext(s.enqueueKind(chat.KindTitle, acc), "The blue sky")
		title := func() string {
			c, err := s.Conversation(s.Context(), owner, acc.ConversationID)
			s.must(err)
			return c.Title
		}
		if got := title(); got != "The blue sky" {
			s.Fatalf("the title is %q", got)
		}
		if found, _, err := s.Search(s.Context(), owner, chat.ConversationQuery{Search: "BLUE sky"}); err != nil || len(found) != 1 {
			s.Fatalf("a search for the title: %+v, %v", found, err)
		}
		mine := "mine"
		_, err = s.UpdateConversation(s.Context(), owner, acc.ConversationID, chat.ConversationPatch{Title: &mine})
		s.must(err)
		s.finishNext(s.enqueueKind(chat.KindTitle, acc), "Something else")
		if got := title(); got != "mine" {
			s.Fatalf("the title is %q", got)
		}
	},

	"only a task that is done has an effect": func(s *suite) {
		acc := s.answeredWith("why?", "because")
		for _, end := range []chat.TaskState{chat.TaskFailed, chat.TaskInterrupted, chat.TaskCancelled} {
			id := s.enqueueKind(chat.KindSummary, acc)
			c := s.claim(1)[0]
			s.must(s.Finish(s.Context(), chat.Result{TaskID: id, Kind: c.Kind, Attempt: 1, State: end, Parts: chat.TextParts("half a sum")}))
		}
		if found, err := s.Summaries(s.Context(), owner, acc.ConversationID); err != nil || len(found) != 0 {
			s.Fatalf("summaries %+v, %v", found, err)
		}
		id := s.enqueueKind(chat.KindSummary, acc)
		c := s.claim(1)[0]
		r := chat.Result{TaskID: id, Kind: c.Kind, Attempt: 1, State: chat.TaskDone, FinishReason: "stop", Parts: chat.TextParts("the sum")}
		r.Attempt = 2
		s.wantCode(s.Finish(s.Context(), r), chat.CodeConflict)
		r.Attempt = 1
		s.must(s.Finish(s.Context(), r))
		s.must(s.Finish(s.Context(), r)) // after a lost reply
		found, err := s.Summaries(s.Context(), owner, acc.ConversationID)
		s.must(err)
		if len(found) != 1 || found[0].ID != id || found[0].Text != "the sum" || found[0].MessageID != acc.MessageID {
			s.Fatalf("summaries %+v", found)
		}
		if found, err := s.Summaries(s.Context(), otherOwner, acc.ConversationID); err != nil || len(found) != 0 {
			s.Fatalf("another owner reads %+v, %v", found, err)
		}
	},

	"a complete text whose workers are gone has its effect": func(s *suite) {
		acc := s.answeredWith("why?", "because")
		id := s.enqueueKind(chat.KindSummary, acc)
		for range chat.MaxAttempts {
			s.claim(1)
			_, err := s.ReleaseLeases(s.Context())
			s.must(err)
			_, _, err = s.Sweep(s.Context())
			s.must(err)
		}
		s.must(s.EndExpired(s.Context(), chat.Result{TaskID: id, Kind: chat.KindSummary, Attempt: chat.MaxAttempts, State: chat.TaskDone, FinishReason: "stop", Parts: chat.TextParts("the sum")}))
		if found, err := s.Summaries(s.Context(), owner, acc.ConversationID); err != nil || len(found) != 1 || found[0].Text != "the sum" {
			s.Fatalf("summaries %+v, %v", found, err)
		}
	},

	"a released task waits for its summary, however that ends": func(s *suite) {
		for name, end := range map[string]func(id string){
			"done":      func(id string) { s.finishNext(id, "the sum") },
			"cancelled": func(id string) { _, _, err := s.Cancel(s.Context(), owner, id); s.must(err) },
		} {
			first := s.answeredWith("why?", "because")
			acc := s.send(first.ConversationID, chat.Submission{Content: "really?"})
			c := s.claim(1)[0]
			k := &chat.KindTask{Kind: chat.KindSummary, ConversationID: acc.ConversationID, LastMessageID: first.MessageID}
			h := chat.Release{TaskID: acc.TaskID, Attempt: c.Attempt, Await: k}
			s.must(s.Release(s.Context(), h))
			s.must(s.Release(s.Context(), h)) // after a lost reply
			task := s.wantState(acc.TaskID, chat.TaskQueued)
			if task.WaitsFor == "" || task.Compactions != 1 {
				s.Fatalf("%s: released %+v", name, task)
			}
			if sum := s.wantState(task.WaitsFor, chat.TaskQueued); sum.Kind != chat.KindSummary || sum.UserMessageID != first.MessageID {
				s.Fatalf("%s: the summary is %+v", name, sum)
			}
			queued, err := s.Queued(s.Context(), 10)
			s.must(err)
			if got := ids(queued, taskID); !slices.Equal(got, []string{task.WaitsFor}) {
				s.Fatalf("%s: queued %v", name, got)
			}
			end(task.WaitsFor)
			claims := s.claim(5)
			if len(claims) != 1 || claims[0].ID != acc.TaskID || claims[0].LastAttempt || claims[0].Attempt != 2 {
				s.Fatalf("%s: then claimed %+v", name, claims)
			}
			t, err := s.Thread(s.Context(), acc.TaskID)
			s.must(err)
			switch {
			case name == "cancelled" && (t.Summary != nil || len(t.Messages) != 3):
				s.Fatalf("%s: the thread is %+v", name, t)
			case name == "done" && (t.Summary == nil || t.Summary.Text != "the sum" || len(t.Messages) != 1 || t.Messages[0].Content != "really?"):
				s.Fatalf("%s: the thread is %+v", name, t)
			}
		}
	},

	"a release that lost its task stores no summary": func(s *suite) {
		first := s.answeredWith("why?", "because")
		acc := s.send(first.ConversationID, chat.Submission{Content: "really?"})
		c := s.claim(1)[0]
		_, _, err := s.Cancel(s.Context(), owner, acc.TaskID)
		s.must(err)
		h := chat.Release{TaskID: acc.TaskID, Attempt: c.Attempt, Await: &chat.KindTask{Kind: chat.KindSummary, ConversationID: acc.ConversationID, LastMessageID: first.MessageID}}
		if err := s.Release(s.Context(), h); !errors.Is(err, chat.ErrCancelWon) {
			s.Fatalf("after a cancel: %v", err)
		}
		h.Attempt++
		if err := s.Release(s.Context(), h); !errors.Is(err, chat.ErrFenced) {
			s.Fatalf("with another attempt: %v", err)
		}
		if list, err := s.Tasks(s.Context(), owner, chat.TaskQuery{ConversationID: acc.ConversationID}); err != nil || len(list) != 2 {
			s.Fatalf("tasks %+v, %v", list, err)
		}
	},

	"a summary is used on the branches that contain its end": func(s *suite) {
		first := s.answeredWith("one", "1")
		second := s.send(first.ConversationID, chat.Submission{Content: "two"})
		s.finishNext(second.TaskID, "2")
		id, _, err := s.Enqueue(s.Context(), owner, chat.KindTask{Kind: chat.KindSummary, ConversationID: first.ConversationID, LastMessageID: second.MessageID})
		s.must(err)
		s.finishNext(id, "one and two")
		after := func(parent, want string, messages int) {
			s.Helper()
			acc := s.sendAndCancel(first.ConversationID, chat.Submission{Content: "more", ParentID: parent})
			t, err := s.Thread(s.Context(), acc.TaskID)
			s.must(err)
			got := ""
			if t.Summary != nil {
				got = t.Summary.Text
			}
			if got != want || len(t.Messages) != messages {
				s.Fatalf("after %s: the summary %q and %d messages, want %q and %d", parent, got, len(t.Messages), want, messages)
			}
		}
		after(second.MessageID, "one and two", 1)
		after(first.MessageID, "", 3)
		after(chat.RootParent, "", 1)

		// The next one includes it.
		third := s.send(first.ConversationID, chat.Submission{Content: "three", ParentID: second.MessageID})
		s.finishNext(third.TaskID, "3")
		next, _, err := s.Enqueue(s.Context(), owner, chat.KindTask{Kind: chat.KindSummary, ConversationID: first.ConversationID, LastMessageID: third.MessageID})
		s.must(err)
		t, err := s.Thread(s.Context(), next)
		s.must(err)
		if t.Summary == nil || t.Summary.ID != id || len(t.Messages) != 2 {
			s.Fatalf("the next summary reads %+v", t)
		}
		s.finishNext(next, "all three")
		after(third.MessageID, "all three", 1)
		after(second.MessageID, "one and two", 1)
		if _, err := s.RemoveSummary(s.Context(), otherOwner, first.ConversationID); !chat.IsCode(err, chat.CodeNotFound) {
			s.Fatalf("another owner: %v", err)
		}
		removed, err := s.RemoveSummary(s.Context(), owner, first.ConversationID)
		s.must(err)
		if removed.ID != next {
			s.Fatalf("removed %+v", removed)
		}
		after(third.MessageID, "one and two", 3)
	},

	"windows are learned for all": func(s *suite) {
		s.must(s.LearnWindow(s.Context(), "openai/large", 1000))
		s.must(s.LearnWindow(s.Context(), "openai/large", 2000))
		s.must(s.LearnWindow(s.Context(), "openai/small", 10))
		got, err := s.Windows(s.Context())
		s.must(err)
		if len(got) != 2 || got["openai/large"] != 2000 || got["openai/small"] != 10 {
			s.Fatalf("learned %v", got)
		}
	},
}
