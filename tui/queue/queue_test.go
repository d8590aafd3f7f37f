package queue

import (
	"context"
	"testing"

	"chat"
	"chat/tui/jobs"
	"chat/tui/transcript"
)

// fakeBackend has one conversation whose last answer is in a state.
type fakeBackend struct {
	last    chat.TaskState
	sendErr error
}

func (f fakeBackend) Messages(context.Context, string) (chat.Conversation, []chat.Message, error) {
	return chat.Conversation{}, []chat.Message{{State: f.last}}, nil
}

func (f fakeBackend) Send(context.Context, string, chat.Submission) (chat.Accepted, error) {
	return chat.Accepted{}, f.sendErr
}

func filled(t *testing.T, backend Backend, id string, texts ...string) *Queue {
	t.Helper()
	q := New(jobs.New(t.Context()), backend)
	for i, text := range texts {
		q.Insert(id, i, transcript.NewMessage(chat.Message{Role: chat.RoleUser, Content: text}, &transcript.Style{}))
	}
	return q
}

func TestTakingKeepsTheOrder(t *testing.T) {
	q := filled(t, nil, "", "one", "two", "three")
	q.Move("c")
	if got := q.Text("c"); got != "one\n\ntwo\n\nthree" || q.Len() != 3 {
		t.Fatalf("%d wait: %q", q.Len(), got)
	}
	if first, last := q.TakeFirst("c"), q.TakeLast("c"); first != "one" || last != "three" {
		t.Errorf("took %q and %q", first, last)
	}
	if rest := q.TakeAll("c"); rest != "two" || q.Len() != 0 {
		t.Errorf("took %q, %d wait", rest, q.Len())
	}
}

func TestSendFirst(t *testing.T) {
	for name, c := range map[string]struct {
		backend       fakeBackend
		sent, dropped string
		waiting       int
	}{
		"accepted":        {fakeBackend{last: chat.TaskDone}, "one", "", 1},
		"answer failed":   {fakeBackend{last: chat.TaskFailed}, "", "one\n\ntwo", 0},
		"refused":         {fakeBackend{last: chat.TaskDone, sendErr: chat.Errorf(chat.CodeInvalid, "no")}, "", "one\n\ntwo", 0},
		"busy":            {fakeBackend{last: chat.TaskDone, sendErr: chat.Errorf(chat.CodeBusy, "wait")}, "", "", 2},
		"temporary error": {fakeBackend{last: chat.TaskDone, sendErr: chat.Retryable(chat.Errorf(chat.CodeStorage, "down"))}, "", "", 2},
	} {
		t.Run(name, func(t *testing.T) {
			q := filled(t, c.backend, "c", "one", "two")
			if q.SendFirst("c", "", nil) != nil || q.SendFirst("", "", []chat.Task{{ConversationID: "c"}}) != nil {
				t.Fatal("sends to the open conversation, or to a busy one")
			}
			cmd := q.SendFirst("", "", nil)
			if !q.Sending("c") || q.SendFirst("", "", nil) != nil {
				t.Fatal("sends the same message twice")
			}
			msg, ok := cmd().(SentMsg)
			if !ok {
				t.Fatal("no result")
			}
			if sent, dropped := q.Sent(msg); sent != c.sent || dropped != c.dropped || q.Len() != c.waiting {
				t.Errorf("sent %q, dropped %q, %d wait", sent, dropped, q.Len())
			}
		})
	}
}
