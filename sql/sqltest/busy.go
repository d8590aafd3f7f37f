package sqltest

import (
	"strings"
	"sync"

	"chat"
)

// busyTests check that a conversation accepts one message at a time.
var busyTests = map[string]func(*suite){
	"a conversation accepts no message until the last answer has ended": func(s *suite) {
		acc := s.enqueue()
		s.wantBusy(acc, "queued")
		claim := s.claim(1)[0]
		s.wantBusy(acc, "running")
		s.must(s.Release(s.Context(), chat.Release{TaskID: claim.ID, Attempt: claim.Attempt, Counts: true}))
		s.wantBusy(acc, "queued again")
		claim = s.claim(1)[0]
		_, won, err := s.Cancel(s.Context(), owner, acc.TaskID)
		s.must(err)
		if !won {
			s.Fatal("the cancel lost")
		}
		s.wantBusy(acc, "about to be cancelled") // the partial answer is not stored yet
		s.must(s.Finish(s.Context(), chat.Result{TaskID: claim.ID, Attempt: claim.Attempt, State: chat.TaskCancelled, Parts: chat.TextParts("half")}))
		s.send(acc.ConversationID, chat.Submission{Content: "next"})
	},

	"after every outcome the next message is accepted": func(s *suite) {
		c := s.newConversation()
		for _, state := range []chat.TaskState{chat.TaskDone, chat.TaskFailed, chat.TaskInterrupted} {
			acc := s.send(c.ID, chat.Submission{Content: "x"})
			claim := s.claim(1)[0]
			r := chat.Result{TaskID: claim.ID, Attempt: claim.Attempt, State: state}
			if state != chat.TaskDone {
				r.Err = chat.Errorf(chat.CodeProviderCut, "cut")
			}
			s.must(s.Finish(s.Context(), r))
			again, _, err := s.Regenerate(s.Context(), owner, acc.MessageID, chat.Regeneration{}, chat.SubmitOptions{})
			s.must(err)
			_, _, err = s.Cancel(s.Context(), owner, again.TaskID)
			s.must(err)
		}
		s.send(c.ID, chat.Submission{Content: "last"})
	},

	"a submission that is repeated after a lost reply is accepted once": func(s *suite) {
		c := s.newConversation()
		first := s.send(c.ID, chat.Submission{Content: "x"})
		again, replayed, err := s.Submit(s.Context(), owner, chat.Submission{ConversationID: c.ID, Content: "x"}, chat.SubmitOptions{TaskID: first.TaskID})
		s.must(err)
		if again != first || replayed {
			s.Errorf("%+v (replayed %v), want %+v", again, replayed, first)
		}
		if list, err := s.Messages(s.Context(), owner, c.ID); err != nil || len(list) != 2 {
			s.Errorf("%d messages, %v", len(list), err)
		}
	},

	"another conversation is not busy": func(s *suite) {
		s.enqueue()
		s.enqueue()
	},

	"one of many concurrent messages is accepted": func(s *suite) {
		for _, fresh := range []bool{true, false} {
			for _, keyed := range []bool{false, true} {
				s.wantOneAccepted(fresh, keyed)
			}
		}
	},
}

// wantBusy checks that every call that adds to the conversation of acc is refused, and
// that it stores nothing.
func (s *suite) wantBusy(acc chat.Accepted, when string) {
	s.Helper()
	before := s.export(acc.ConversationID)
	for name, add := range map[string]func(o chat.SubmitOptions) error{
		"a message": func(o chat.SubmitOptions) error {
			_, _, err := s.Submit(s.Context(), owner, chat.Submission{ConversationID: acc.ConversationID, Content: "y"}, o)
			return err
		},
		"a second root": func(o chat.SubmitOptions) error {
			_, _, err := s.Submit(s.Context(), owner, chat.Submission{ConversationID: acc.ConversationID, Content: "y", ParentID: chat.RootParent}, o)
			return err
		},
		"another answer": func(o chat.SubmitOptions) error {
			_, _, err := s.Regenerate(s.Context(), owner, acc.MessageID, chat.Regeneration{}, o)
			return err
		},
	} {
		for _, key := range []string{"", "key of " + name} {
			err := add(chat.SubmitOptions{IdempotencyKey: key, BodyHash: "hash"})
			if !chat.IsCode(err, chat.CodeBusy) || !strings.Contains(err.Error(), acc.TaskID[28:]) {
				s.Errorf("%s, %s with key %q: %v (%s)", when, name, key, err, chat.CodeOf(err))
			}
			if known, err := s.KeyKnown(s.Context(), owner, key); err != nil || known {
				s.Errorf("%s, %s: the key of a refusal is taken: %v", when, name, err)
			}
		}
	}
	s.wantSame(s.export(acc.ConversationID), before)
}

// wantOneAccepted submits many messages to one conversation at the same time, each twice,
// with or without a key of its own.
func (s *suite) wantOneAccepted(fresh, keyed bool) {
	s.Helper()
	const crowd = 12
	c := s.newConversation()
	if !fresh {
		s.sendAndCancel(c.ID, chat.Submission{Content: "before"})
	}
	before := len(s.export(c.ID).Messages)
	start := make(chan struct{})
	won := make(chan chat.Accepted, 2*crowd)
	var wg sync.WaitGroup
	for i := range crowd {
		wg.Go(func() {
			<-start
			o := chat.SubmitOptions{BodyHash: "hash"}
			if keyed {
				o.IdempotencyKey = c.ID + string(rune('a'+i))
			}
			for range 2 {
				acc, _, err := s.Submit(s.Context(), owner, chat.Submission{ConversationID: c.ID, Content: "x"}, o)
				if err == nil {
					won <- acc
				} else if !chat.IsCode(err, chat.CodeBusy) {
					s.Error(err)
				}
			}
		})
	}
	close(start)
	wg.Wait()
	close(won)
	var accepted []chat.Accepted
	for acc := range won {
		accepted = append(accepted, acc)
	}
	want := 1
	if keyed {
		want = 2 // the first and its repetition
	}
	if len(accepted) != want || accepted[0] != accepted[want-1] {
		s.Fatalf("fresh %v, keyed %v: accepted %+v", fresh, keyed, accepted)
	}
	if n := len(s.export(c.ID).Messages) - before; n != 2 {
		s.Fatalf("fresh %v, keyed %v: %d messages were added", fresh, keyed, n)
	}
	_, _, err := s.Cancel(s.Context(), owner, accepted[0].TaskID)
	s.must(err)
}
