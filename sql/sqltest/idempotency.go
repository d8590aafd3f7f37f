package sqltest

import (
	"sync"

	"chat"
)

var idempotencyTests = map[string]func(*suite){
	"a key is known after its first answer": func(s *suite) {
		c := s.newConversation()
		o := chat.SubmitOptions{IdempotencyKey: "k", BodyHash: "h"}
		known := func(owner, key string, want bool) {
			s.Helper()
			if got, err := s.KeyKnown(s.Context(), owner, key); err != nil || got != want {
				s.Fatalf("%s's key %q: %v, %v", owner, key, got, err)
			}
		}
		known(owner, "k", false)
		_, _, err := s.Submit(s.Context(), owner, chat.Submission{ConversationID: c.ID, Content: "x"}, o)
		s.must(err)
		known(owner, "k", true)
		known(otherOwner, "k", false)
		known(owner, "", false)
	},

	"the same key and body get the same answer": func(s *suite) {
		c := s.newConversation()
		o := chat.SubmitOptions{IdempotencyKey: "key", BodyHash: "hash"}
		first, replayed, err := s.Submit(s.Context(), owner, chat.Submission{ConversationID: c.ID, Content: "x"}, o)
		s.must(err)
		if replayed {
			s.Fatal("the first is no repetition")
		}
		again, replayed, err := s.Submit(s.Context(), owner, chat.Submission{ConversationID: c.ID, Content: "x"}, o)
		s.must(err)
		if !replayed || again != first {
			s.Fatalf("got %+v (replayed %v), want %+v", again, replayed, first)
		}
		o.BodyHash = "other"
		_, _, err = s.Submit(s.Context(), owner, chat.Submission{ConversationID: c.ID, Content: "y"}, o)
		s.wantCode(err, chat.CodeKeyReuse)
		list, err := s.Messages(s.Context(), owner, c.ID)
		s.must(err)
		if len(list) != 2 {
			s.Fatalf("%d messages, want 2", len(list))
		}
	},

	"two owners can use the same key": func(s *suite) {
		o := chat.SubmitOptions{IdempotencyKey: "key", BodyHash: "hash"}
		for _, who := range []string{owner, otherOwner} {
			c, err := s.CreateConversation(s.Context(), who, chat.Conversation{})
			s.must(err)
			_, replayed, err := s.Submit(s.Context(), who, chat.Submission{ConversationID: c.ID, Content: "x"}, o)
			s.must(err)
			if replayed {
				s.Fatalf("%s was answered for the other", who)
			}
		}
	},

	"a key outlives its conversation": func(s *suite) {
		c := s.newConversation()
		o := chat.SubmitOptions{IdempotencyKey: "key", BodyHash: "hash"}
		first, _, err := s.Submit(s.Context(), owner, chat.Submission{ConversationID: c.ID, Content: "x"}, o)
		s.must(err)
		_, err = s.DeleteConversation(s.Context(), owner, c.ID)
		s.must(err)
		again, replayed, err := s.Submit(s.Context(), owner, chat.Submission{ConversationID: c.ID, Content: "x"}, o)
		if err != nil || !replayed || again != first {
			s.Fatalf("got %+v, %v, %v; want %+v", again, replayed, err, first)
		}
	},

	"a conversation is made once": func(s *suite) {
		o := chat.SubmitOptions{IdempotencyKey: "key", BodyHash: "hash"}
		first, replayed, err := s.CreateConversationOnce(s.Context(), owner, chat.Conversation{Title: "T"}, o)
		if err != nil || replayed || first.Title != "T" {
			s.Fatalf("made %+v, %v, %v", first, replayed, err)
		}
		again, replayed, err := s.CreateConversationOnce(s.Context(), owner, chat.Conversation{Title: "T"}, o)
		if err != nil || !replayed || again != first {
			s.Fatalf("got %+v, %v, %v; want %+v", again, replayed, err, first)
		}
		o.BodyHash = "other"
		_, _, err = s.CreateConversationOnce(s.Context(), owner, chat.Conversation{}, o)
		s.wantCode(err, chat.CodeKeyReuse)
		for range 2 { // without a key there are two
			_, replayed, err = s.CreateConversationOnce(s.Context(), owner, chat.Conversation{}, chat.SubmitOptions{})
			if err != nil || replayed {
				s.Fatalf("replayed %v, %v", replayed, err)
			}
		}
		list, _, err := s.Conversations(s.Context(), owner, chat.ConversationQuery{})
		s.must(err)
		if len(list) != 3 {
			s.Fatalf("%d conversations, want 3", len(list))
		}
	},

	"regenerate uses keys, too": func(s *suite) {
		acc := s.sendAndCancel(s.newConversation().ID, chat.Submission{Content: "why?"})
		o := chat.SubmitOptions{IdempotencyKey: "key", BodyHash: "hash"}
		first, _, err := s.Regenerate(s.Context(), owner, acc.MessageID, chat.Regeneration{}, o)
		s.must(err)
		again, replayed, err := s.Regenerate(s.Context(), owner, acc.MessageID, chat.Regeneration{}, o)
		if err != nil || !replayed || again != first {
			s.Fatalf("got %+v, %v, %v; want %+v", again, replayed, err, first)
		}
	},

	"fifty concurrent requests with one key get one answer": func(s *suite) {
		const crowd = 50
		c := s.newConversation()
		answers := make([]chat.Accepted, crowd)
		fresh := make([]bool, crowd)
		start := make(chan struct{})
		var wg sync.WaitGroup
		for i := range crowd {
			wg.Go(func() {
				<-start
				acc, replayed, err := s.Submit(s.Context(), owner, chat.Submission{ConversationID: c.ID, Content: "x"}, chat.SubmitOptions{IdempotencyKey: "key", BodyHash: "hash"})
				if err != nil {
					s.Error(err)
				}
				answers[i], fresh[i] = acc, !replayed
			})
		}
		close(start)
		wg.Wait()
		winners := 0
		for i := range crowd {
			if answers[i] != answers[0] {
				s.Errorf("answers %+v and %+v", answers[i], answers[0])
			}
			if fresh[i] {
				winners++
			}
		}
		list, err := s.Messages(s.Context(), owner, c.ID)
		s.must(err)
		tasks, err := s.Tasks(s.Context(), owner, chat.TaskQuery{})
		s.must(err)
		if winners != 1 || len(list) != 2 || len(tasks) != 1 {
			s.Fatalf("%d winners, %d messages, %d tasks; want 1, 2, 1", winners, len(list), len(tasks))
		}
	},
}
