package sqltest

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"chat"
)

var queueTests = map[string]func(*suite){
	"a claim leases the task and counts the attempt": func(s *suite) {
		acc := s.enqueue()
		claims := s.claim(5)
		if len(claims) != 1 {
			s.Fatalf("%d claims, want 1", len(claims))
		}
		c := claims[0]
		if c.ID != acc.TaskID || c.State != chat.TaskRunning || c.Worker != worker || c.Attempt != 1 || c.LastAttempt || c.StartedAt == nil || c.Owner != owner {
			s.Fatalf("claimed %+v", c)
		}
		if got := c.LeaseUntil.Sub(*c.StartedAt); got < lease-time.Second || got > lease+time.Second {
			s.Fatalf("a lease of %v, want %v", got, lease)
		}
		if task := s.wantState(acc.TaskID, chat.TaskRunning); task.Worker != worker || task.Attempt != 1 {
			s.Fatalf("stored %+v", task)
		}
		if len(s.claim(5)) != 0 {
			s.Fatal("it was claimed twice")
		}
		if none, err := s.Claim(s.Context(), worker, 0, false); err != nil || len(none) != 0 {
			s.Fatalf("a claim of nothing got %v, %v", none, err)
		}
	},

	"tasks are claimed by priority, then by age": func(s *suite) {
		var want [3][]string
		for range 3 {
			for _, p := range []chat.Priority{chat.PriorityBackground, chat.PriorityUrgent, chat.PriorityNormal} {
				acc := s.enqueueAt(p)
				want[p.Rank()] = append(want[p.Rank()], acc.TaskID)
			}
		}
		all := slices.Concat(want[:]...)
		queued, err := s.Queued(s.Context(), 100)
		s.must(err)
		if got := ids(queued, taskID); !slices.Equal(got, all) {
			s.Fatalf("queued %v, want %v", got, all)
		}
		queued, err = s.Queued(s.Context(), 2)
		s.must(err)
		if got := ids(queued, taskID); !slices.Equal(got, all[:2]) {
			s.Fatalf("the first two are %v, want %v", got, all[:2])
		}
		claims, err := s.Claim(s.Context(), worker, 4, true)
		s.must(err)
		if got, want := ids(claims, claimID), append(slices.Clone(want[2]), want[1][0]); !slices.Equal(got, want) {
			s.Fatalf("background first claimed %v, want %v", got, want)
		}
		if got, want := ids(s.claim(100), claimID), append(slices.Clone(want[0]), want[1][1:]...); !slices.Equal(got, want) {
			s.Fatalf("then claimed %v, want %v", got, want)
		}
	},

	"a task with its client's own provider waits for the worker that has it": func(s *suite) {
		const holder = "holder"
		s.must(s.Heartbeat(s.Context(), chat.Worker{ID: holder, StartedAt: time.Now()}))
		own, _, err := s.Submit(s.Context(), owner, chat.Submission{ConversationID: s.newConversation().ID, Content: "x"}, chat.SubmitOptions{CredentialsHost: holder})
		s.must(err)
		other := s.enqueue()
		if got := ids(s.claim(10), claimID); !slices.Equal(got, []string{other.TaskID}) {
			s.Fatalf("another worker claimed %v", got)
		}
		claims, err := s.Claim(s.Context(), holder, 10, false)
		s.must(err)
		if len(claims) != 1 || claims[0].ID != own.TaskID || claims[0].CredentialsHost != holder {
			s.Fatalf("the holder claimed %+v", claims)
		}
		s.must(s.Release(s.Context(), chat.Release{TaskID: own.TaskID, Attempt: 1, Counts: true}))
		if got := s.claim(10); len(got) != 0 {
			s.Fatalf("another worker claimed its retry: %+v", got)
		}
		ended := s.sendAndCancel(s.newConversation().ID, chat.Submission{Content: "x"})
		again, _, err := s.Regenerate(s.Context(), owner, ended.MessageID, chat.Regeneration{Priority: chat.PriorityUrgent}, chat.SubmitOptions{CredentialsHost: holder})
		s.must(err)
		if got := s.claim(10); len(got) != 0 {
			s.Fatalf("another worker claimed a sibling: %+v", got)
		}
		// Once the holder is gone, any worker may claim them, to report the loss.
		s.must(s.RemoveWorker(s.Context(), holder))
		if got := ids(s.claim(10), claimID); !slices.Equal(got, []string{again.TaskID, own.TaskID}) {
			s.Fatalf("claimed %v", got)
		}
	},

	"reports which tasks are queued or running": func(s *suite) {
		queued, running, ended := s.enqueue(), s.enqueue(), s.enqueue()
		_, _, err := s.Cancel(s.Context(), owner, ended.TaskID)
		s.must(err)
		s.claim(1)
		got, err := s.Unfinished(s.Context(), []string{running.TaskID, ended.TaskID, queued.TaskID, missingID, "no id"})
		s.must(err)
		slices.Sort(got)
		if want := []string{queued.TaskID, running.TaskID}; !slices.Equal(got, want) {
			s.Fatalf("%v, want %v", got, want)
		}
		if none, err := s.Unfinished(s.Context(), nil); err != nil || len(none) != 0 {
			s.Fatalf("%v, %v", none, err)
		}
	},

	"many tasks of one owner do not delay another owner's first": func(s *suite) {
		for range 30 {
			s.enqueue()
		}
		theirs, err := s.CreateConversation(s.Context(), otherOwner, chat.Conversation{})
		s.must(err)
		acc, _, err := s.Submit(s.Context(), otherOwner, chat.Submission{ConversationID: theirs.ID, Content: "me too"}, chat.SubmitOptions{})
		s.must(err)
		got := ids(s.claim(100), claimID)
		if at := slices.Index(got, acc.TaskID); at < 1 || at > 20 {
			s.Fatalf("it was claimed at position %d of %d", at, len(got))
		}
	},

	"no task is claimed twice": func(s *suite) {
		const count, workers = 60, 8
		for range count {
			s.enqueue()
		}
		var mu sync.Mutex
		claimedBy := map[string]string{}
		start := make(chan struct{})
		var wg sync.WaitGroup
		for i := range workers {
			wg.Go(func() {
				<-start
				me := fmt.Sprint("worker-", i)
				for {
					claims, err := s.Claim(s.Context(), me, 3, i%2 == 0)
					if err != nil || len(claims) > 3 {
						s.Errorf("claimed %d: %v", len(claims), err)
						return
					}
					mu.Lock()
					for _, c := range claims {
						if before, ok := claimedBy[c.ID]; ok || c.Attempt != 1 || c.Worker != me {
							s.Errorf("%s claimed %+v, which %q has", me, c, before)
						}
						claimedBy[c.ID] = me
					}
					over := len(claimedBy) == count
					mu.Unlock()
					if over {
						return
					}
				}
			})
		}
		close(start)
		wg.Wait()
		_, running, err := s.QueueDepths(s.Context())
		s.must(err)
		if len(claimedBy) != count || running != count {
			s.Fatalf("%d claimed, %d running, want %d", len(claimedBy), running, count)
		}
	},

	"a task is not claimed before it is due": func(s *suite) {
		c := s.claimNew()
		s.must(s.Release(s.Context(), chat.Release{TaskID: c.ID, Attempt: c.Attempt, Delay: time.Hour, Counts: true}))
		task := s.wantState(c.ID, chat.TaskQueued)
		if wait := task.RunAfter.Sub(task.CreatedAt); wait < 59*time.Minute || wait > 61*time.Minute {
			s.Fatalf("it is due in %v, want an hour", wait)
		}
		queued, err := s.Queued(s.Context(), 10)
		s.must(err)
		if len(s.claim(5)) != 0 || len(queued) != 0 {
			s.Fatal("it was claimed before it was due")
		}
	},

	"depths are counted by priority": func(s *suite) {
		queued, running, err := s.QueueDepths(s.Context())
		s.must(err)
		if len(queued) != 3 || running != 0 {
			s.Fatalf("empty: %v, %d", queued, running)
		}
		for _, p := range []chat.Priority{chat.PriorityUrgent, chat.PriorityBackground, chat.PriorityBackground} {
			s.enqueueAt(p)
		}
		s.claim(1)
		queued, running, err = s.QueueDepths(s.Context())
		s.must(err)
		if queued[chat.PriorityUrgent] != 0 || queued[chat.PriorityNormal] != 0 || queued[chat.PriorityBackground] != 2 || running != 1 {
			s.Fatalf("queued %v, running %d", queued, running)
		}
	},

	"a renewal extends the leases of its worker": func(s *suite) {
		c := s.claimNew()
		s.enqueue()
		theirs, err := s.Claim(s.Context(), "worker-2", 1, false)
		s.must(err)
		s.expireLeases()
		leases, err := s.Renew(s.Context(), worker, []string{c.ID})
		s.must(err)
		if len(leases) != 1 || leases[0] != (chat.Lease{TaskID: c.ID, Attempt: 1}) {
			s.Fatalf("renewed %+v", leases)
		}
		requeued, _ := s.sweep()
		if len(requeued) != 1 || requeued[0].ID != theirs[0].ID || requeued[0].Worker != "worker-2" {
			s.Fatalf("expired: %+v, want the other worker's", requeued)
		}
		_, _, err = s.Cancel(s.Context(), owner, c.ID)
		s.must(err)
		leases, err = s.Renew(s.Context(), worker, []string{c.ID})
		s.must(err)
		if len(leases) != 1 || !leases[0].CancelRequested {
			s.Fatalf("the renewal does not report the cancel: %+v", leases)
		}
		s.must(s.Finish(s.Context(), chat.Result{TaskID: c.ID, Attempt: 1, State: chat.TaskCancelled}))
		if leases, err = s.Renew(s.Context(), worker, []string{c.ID}); err != nil || len(leases) != 0 {
			s.Fatalf("renewed an ended task: %+v, %v", leases, err)
		}
	},

	"lists are newest first and can be filtered": func(s *suite) {
		a, b := s.newConversation(), s.newConversation()
		first := s.send(a.ID, chat.Submission{Content: "1"}).TaskID
		s.must(s.Finish(s.Context(), doneResult(s.claim(1)[0], "1")))
		second := s.send(b.ID, chat.Submission{Content: "2"}).TaskID
		s.claim(1)
		third := s.send(a.ID, chat.Submission{Content: "3"}).TaskID
		for _, tt := range []struct {
			name string
			q    chat.TaskQuery
			want []string
		}{
			{"all", chat.TaskQuery{}, []string{third, second, first}},
			{"the newest", chat.TaskQuery{Limit: 1}, []string{third}},
			{"one state", chat.TaskQuery{States: []chat.TaskState{chat.TaskRunning}}, []string{second}},
			{"two states", chat.TaskQuery{States: []chat.TaskState{chat.TaskRunning, chat.TaskQueued}, Limit: 1000}, []string{third, second}},
			{"none of that state", chat.TaskQuery{States: []chat.TaskState{chat.TaskFailed}}, nil},
			{"a conversation", chat.TaskQuery{ConversationID: a.ID}, []string{third, first}},
			{"an id", chat.TaskQuery{ID: second}, []string{second}},
			{"the end of an id", chat.TaskQuery{ID: second[24:]}, []string{second}},
			{"nonsense", chat.TaskQuery{ID: "%"}, nil},
			{"an unknown conversation", chat.TaskQuery{ConversationID: "\x00"}, nil},
		} {
			list, err := s.Tasks(s.Context(), owner, tt.q)
			s.must(err)
			if got := ids(list, taskID); !slices.Equal(got, tt.want) {
				s.Errorf("%s: %v, want %v", tt.name, got, tt.want)
			}
		}
	},
}
