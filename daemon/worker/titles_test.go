package worker_test

import (
	"net/url"
	"strings"
	"testing"

	"chat"
	"chat/daemon/model/modeltest"
)

// begin sends the first message of a conversation whose title a model may write.
func (h *harness) begin(content string, more ...func(*chat.Submission)) chat.Accepted {
	h.Helper()
	sub := chat.Submission{Content: content, ModelTitle: true, Priority: chat.PriorityNormal}
	for _, change := range more {
		change(&sub)
	}
	acc, _, err := h.store.Submit(h.Context(), owner, sub, chat.SubmitOptions{})
	h.must(err)
	h.must(h.queue.Notify(h.Context(), sub.Priority, acc.TaskID))
	return acc
}

// titleTask waits for the task that writes the title of a conversation.
func (h *harness) titleTask(acc chat.Accepted) (task chat.Task) {
	h.Helper()
	h.eventually("the title is asked for", func() bool {
		list, err := h.store.Tasks(h.Context(), owner, chat.TaskQuery{ConversationID: acc.ConversationID})
		h.must(err)
		for _, t := range list {
			if t.Kind == chat.KindTitle {
				task = t
			}
		}
		return task.ID != ""
	})
	return task
}

func (h *harness) title(acc chat.Accepted) string {
	h.Helper()
	c, err := h.store.Conversation(h.Context(), owner, acc.ConversationID)
	h.must(err)
	return c.Title
}

func TestAModelWritesTheTitle(t *testing.T) {
	t.Parallel()
	h := newHarness(t, setup{})
	h.models.titles = "lying-too"
	h.work(workerOptions{})
	said := url.QueryEscape("\n**Title: \"The blue sky.\"**\n\nI hope that you like it!")
	acc := h.begin("lie: then chunks=1 text=" + said)
	h.endedAs(acc, chat.TaskDone, modeltest.Answer(1, 10))
	title := h.titleTask(acc)
	h.ended(chat.Accepted{TaskID: title.ID})
	task := h.task(chat.Accepted{TaskID: title.ID})
	if task.State != chat.TaskDone || task.Priority != chat.PriorityBackground || task.Usage == nil || task.DeadlineSeconds == 0 || h.title(acc) != "The blue sky" {
		t.Errorf("%+v, the title %q", task, h.title(acc))
	}
	calls := h.provider.Calls()
	if last := calls[1]; last.Model != "lying-too" || last.Messages != 3 || !strings.Contains(last.Prompt, "Write a title") {
		t.Errorf("the request: %+v", last)
	}
	// There is one title only, whatever follows.
	next, _, err := h.store.Submit(t.Context(), owner, chat.Submission{ConversationID: acc.ConversationID, Content: "more"}, chat.SubmitOptions{})
	h.must(err)
	h.ended(next)
	other := h.begin("hello")
	h.titleTask(other) // what came before it would have been asked for by now
	list, err := h.store.Tasks(t.Context(), owner, chat.TaskQuery{ConversationID: acc.ConversationID})
	if h.must(err); len(list) != 3 {
		t.Errorf("%+v", list)
	}
}

// The title of a user stays, also one that is set while the model writes.
func TestATitleOfTheUserStays(t *testing.T) {
	t.Parallel()
	h := newHarness(t, setup{})
	h.models.titles = "lying"
	h.work(workerOptions{})
	acc := h.begin("lie: then chunks=2 gate")
	title := h.titleTask(acc)
	h.provider.Step(1)
	h.logged(chat.Accepted{TaskID: title.ID}, modeltest.Answer(2, 1))
	mine := "lie: then chunks=2 gate" // even if it is the one that the conversation has
	_, err := h.store.UpdateConversation(t.Context(), owner, acc.ConversationID, chat.ConversationPatch{Title: &mine})
	h.must(err)
	h.provider.Step(1)
	h.endedAs(chat.Accepted{TaskID: title.ID}, chat.TaskDone, modeltest.Answer(2, 2))
	if got := h.title(acc); got != mine {
		t.Errorf("the title is %q", got)
	}
}

// A title that fails is not tried again, and changes nothing but its own state.
func TestATitleHasOneAttempt(t *testing.T) {
	t.Parallel()
	for name, then := range map[string]string{"fails": "status=500", "is cut": "finish=length", "is empty": "empty", "breaks off": "cut=2"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, setup{})
			h.models.titles = "lying"
			h.work(workerOptions{})
			acc := h.begin("lie: then " + then)
			title := h.titleTask(acc)
			h.ended(chat.Accepted{TaskID: title.ID})
			if task := h.task(chat.Accepted{TaskID: title.ID}); task.State == chat.TaskDone || task.Attempt != 1 || task.Error == nil {
				t.Errorf("%+v", task)
			}
			if m := h.answer(acc); m.State != chat.TaskDone || m.Error != nil || len(m.Notices) != 0 || h.title(acc) != "lie: then "+then {
				t.Errorf("%+v, the title %q", m, h.title(acc))
			}
			if n := len(h.provider.Calls()); n != 2 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

func TestNoTitleIsAskedFor(t *testing.T) {
	t.Parallel()
	h := newHarness(t, setup{})
	h.models.titles = "lying"
	h.work(workerOptions{})
	h.ended(h.submit("a conversation that was begun before"))
	h.ended(h.begin("not asked for", func(sub *chat.Submission) { sub.ModelTitle = false }))
	h.ended(h.begin("the user's", func(sub *chat.Submission) { sub.Title = "mine" }))
	h.ended(h.begin("temporary", func(sub *chat.Submission) { sub.Temporary = true }))
	h.ended(h.begin("lie: finish=length"))
	h.ended(h.begin("lie: status=400"))
	own, _, err := h.store.Submit(t.Context(), owner, chat.Submission{Content: "own key", ModelTitle: true}, chat.SubmitOptions{CredentialsHost: "w1"})
	h.must(err)
	h.ended(own)
	h.titleTask(h.begin("the last"))
	list, err := h.store.Tasks(t.Context(), owner, chat.TaskQuery{Limit: 100})
	h.must(err)
	titles := 0
	for _, task := range list {
		if task.Kind == chat.KindTitle {
			titles++
		}
	}
	if titles != 1 {
		t.Errorf("%d titles: %+v", titles, list)
	}
}

// An answer that was cut gets its title when it has been continued.
func TestATitleComesWithTheRestOfTheAnswer(t *testing.T) {
	t.Parallel()
	h := newHarness(t, setup{})
	h.models.titles = "lying"
	h.work(workerOptions{})
	acc := h.begin("lie: finish=length " + says(begun) + " then " + says(ended))
	h.endedAs(acc, chat.TaskDone, begun)
	h.endedAs(h.resume(acc), chat.TaskDone, begun+ended)
	h.titleTask(acc)
}
