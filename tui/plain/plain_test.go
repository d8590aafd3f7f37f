package plain

import (
	"context"
	"errors"
	"io"
	"iter"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"chat"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// scripted is a backend whose answers are fed by the test.
type scripted struct {
	sent    chan chat.Submission
	stopped chan string
	updates chan chat.FollowEvent
	list    []chat.Conversation
	history map[string][]chat.Message
	err     error
}

func newScripted() *scripted {
	return &scripted{
		sent: make(chan chat.Submission, 10), stopped: make(chan string, 10), updates: make(chan chat.FollowEvent, 100),
		list:    []chat.Conversation{{ID: "c1", Title: "Tides"}, {ID: "c2", Title: "Evil \x1b]0;x\x07"}},
		history: map[string][]chat.Message{"c1": {{Role: chat.RoleUser, Content: "Why?"}, {Role: chat.RoleAssistant, State: chat.TaskDone, Content: "The moon."}}},
	}
}

func (s *scripted) Conversations(context.Context, string) ([]chat.Conversation, error) {
	return s.list, s.err
}

func (s *scripted) Messages(_ context.Context, id string) (chat.Conversation, []chat.Message, error) {
	if s.history[id] == nil {
		return chat.Conversation{}, nil, chat.Errorf(chat.CodeNotFound, "there is no such conversation")
	}
	return chat.Conversation{ID: id, Title: "Tides"}, s.history[id], nil
}

func (s *scripted) Send(_ context.Context, id string, sub chat.Submission) (chat.Accepted, error) {
	if s.err != nil {
		return chat.Accepted{}, s.err
	}
	if id == "" {
		id = "c9"
	}
	s.sent <- sub
	return chat.Accepted{TaskID: "t1", ConversationID: id}, nil
}

func (s *scripted) Continue(_ context.Context, id, _ string) (chat.Accepted, error) {
	if id == "" {
		return chat.Accepted{}, chat.Errorf(chat.CodeConflict, "the answer is complete: send a message to ask for more")
	}
	s.sent <- chat.Submission{ParentID: id}
	return chat.Accepted{TaskID: "t1", ConversationID: "c3"}, nil
}

func (s *scripted) Stop(_ context.Context, id string) error {
	s.stopped <- id
	return nil
}

func (s *scripted) Models(context.Context) ([]chat.Model, error) {
	return []chat.Model{{ID: "demo", Provider: "demo", Default: true}}, nil
}

func (s *scripted) Follow(ctx context.Context, _ string, _ chat.Position) iter.Seq2[chat.FollowEvent, error] {
	return func(yield func(chat.FollowEvent, error) bool) {
		for {
			select {
			case <-ctx.Done():
				return
			case u := <-s.updates:
				if !yield(u, nil) || u.Chunk != nil && u.Chunk.Terminal() {
					return
				}
			}
		}
	}
}

func (s *scripted) chunk(kind chat.ChunkType, text string) {
	s.updates <- chat.FollowEvent{Chunk: &chat.Chunk{Type: kind, Content: text}}
}

// session is a running conversation in lines.
type session struct {
	t    *testing.T
	in   *io.PipeWriter
	mu   sync.Mutex
	out  strings.Builder
	news chan struct{}
	done chan struct{}
	exit Exit
	err  error
}

func (x *session) Write(p []byte) (int, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	select {
	case x.news <- struct{}{}:
	default:
	}
	return x.out.Write(p)
}

func (x *session) text() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.out.String()
}

func begin(t *testing.T, b *scripted, change ...func(*Options)) *session {
	t.Helper()
	r, w := io.Pipe()
	x := &session{t: t, in: w, news: make(chan struct{}, 1), done: make(chan struct{})}
	o := Options{Backend: b, In: r, Out: x}
	for _, c := range change {
		c(&o)
	}
	go func() {
		defer close(x.done)
		x.exit, x.err = Run(t.Context(), o)
	}()
	t.Cleanup(func() {
		if err := errors.Join(w.Close(), r.Close()); err != nil {
			t.Error(err)
		}
	})
	return x
}

func (x *session) enter(line string) {
	x.t.Helper()
	if _, err := io.WriteString(x.in, line+"\n"); err != nil {
		x.t.Fatal(err)
	}
}

func (x *session) until(text string) {
	x.t.Helper()
	deadline := time.After(10 * time.Second)
	for !strings.Contains(x.text(), text) {
		select {
		case <-x.news:
		case <-deadline:
			x.t.Fatalf("timed out waiting for %q in\n%s", text, x.text())
		}
	}
}

func (x *session) leave() {
	x.t.Helper()
	if err := x.in.Close(); err != nil {
		x.t.Fatal(err)
	}
	<-x.done
}

func TestAnAnswerIsReadOutInSentences(t *testing.T) {
	b := newScripted()
	x := begin(t, b)
	x.enter("Why are there tides?")
	if got := text(<-b.sent); got != "Why are there tides?" {
		t.Fatalf("sent %q", got)
	}
	b.chunk(chat.ChunkReasoning, "hm")
	x.until("The model is thinking.\n")
	b.chunk(chat.ChunkContent, "Because of the moon. And the")
	x.until("Assistant:\nBecause of the moon. ")
	if strings.Contains(x.text(), "And") {
		t.Fatalf("half a sentence is read out:\n%s", x.text())
	}
	b.updates <- chat.FollowEvent{Conn: &chat.ConnState{State: chat.ConnReconnecting, Reason: "refused"}}
	x.until("The connection is lost: refused.")
	b.updates <- chat.FollowEvent{Conn: &chat.ConnState{State: chat.ConnLive}}
	x.until("The connection is back.")
	b.chunk(chat.ChunkContent, " sun\x1b[2J, a bit")
	b.updates <- chat.FollowEvent{Chunk: &chat.Chunk{Type: chat.ChunkDone, State: chat.TaskDone, Notices: []string{"the picture\x1b[2J was left out"}}}
	x.until("And the sun, a bit\nEnd of the answer.\nNote: the picture was left out.\nYou: ")
	x.enter("/read")
	x.until("Because of the moon. And the sun, a bit\nYou: ")
	x.leave()
	if x.err != nil || x.exit.ConversationID != "c9" || len(x.exit.Running) != 0 {
		t.Errorf("%+v, %v", x.exit, x.err)
	}
	if strings.ContainsAny(x.text(), "\x1b\r│─▍") {
		t.Errorf("not plain:\n%q", x.text())
	}
}

func TestMessagesWaitAndAnswersAreStopped(t *testing.T) {
	b := newScripted()
	x := begin(t, b, func(o *Options) { o.Prompt, o.Model = "first", "big" })
	if got := <-b.sent; text(got) != "first" || got.Model != "big" {
		t.Fatalf("sent %+v", got)
	}
	b.chunk(chat.ChunkContent, "Half")
	x.until("Assistant:")
	x.enter("second")
	x.until("That waits until the answer has ended.")
	x.enter("/stop")
	if got := <-b.stopped; got != "t1" {
		t.Fatalf("stopped %q", got)
	}
	b.updates <- chat.FollowEvent{Chunk: &chat.Chunk{Type: chat.ChunkDone, State: chat.TaskCancelled}}
	x.until("Half\nThe answer was stopped.\nYou: second\n")
	if got := text(<-b.sent); got != "second" {
		t.Fatalf("sent %q", got)
	}
	b.chunk(chat.ChunkContent, "One.")
	b.chunk(chat.ChunkReset, "")
	x.until("The answer restarts.")
	b.updates <- chat.FollowEvent{Chunk: &chat.Chunk{Type: chat.ChunkError, Content: "the provider refused", State: chat.TaskFailed}}
	x.until("There is no answer: the provider refused.")
	x.enter("third")
	<-b.sent
	x.leave() // in the middle of an answer
	if x.err != nil || len(x.exit.Running) != 1 {
		t.Errorf("%+v, %v", x.exit, x.err)
	}
}

func TestACutAnswerIsContinued(t *testing.T) {
	b := newScripted()
	b.history["c3"] = []chat.Message{{ID: "m1", Role: chat.RoleUser, Content: "Why?"}, {ID: "m2", Role: chat.RoleAssistant, State: chat.TaskDone, FinishReason: "length", Content: "The mo"}}
	b.list = append(b.list, chat.Conversation{ID: "c3", Title: "Cut"})
	x := begin(t, b, func(o *Options) { o.Choose = true })
	x.until("3: Cut.\n")
	x.enter("/continue")
	x.until("There is no answer yet.")
	x.enter("/open 1")
	x.until("The moon.\n")
	x.enter("/continue")
	x.until("The answer was not continued: the answer is complete: send a message to ask for more.")
	x.enter("/open 3")
	x.until("The mo\n")
	x.enter("/continue")
	if got := <-b.sent; got.ParentID != "m2" {
		t.Fatalf("continued %+v", got)
	}
	b.chunk(chat.ChunkContent, "The moon of")
	b.updates <- chat.FollowEvent{Chunk: &chat.Chunk{Type: chat.ChunkDone, State: chat.TaskDone, FinishReason: "length"}}
	x.until("The moon of\nThe answer is incomplete: the model's limit on its length was reached.\nEnter /continue for the rest.\n")
	x.leave()
}

func TestCommands(t *testing.T) {
	b := newScripted()
	x := begin(t, b, func(o *Options) { o.Choose = true })
	x.until("1: Tides.\n2: Evil .\n")
	x.enter("/open 7")
	x.until("Enter /list first")
	x.enter("/open 1")
	x.until("The conversation is \"Tides\". It has 2 messages.\nThe last answer was:\nThe moon.\n")
	for command, want := range map[string]string{
		"/help": "/open NUMBER opens a conversation", "/models": "demo, of demo, the default.", "/model big": "The next messages go to big.",
		"/stop": "No answer is being made.", "/new": "This is a new conversation.", "/open 2": "cannot be opened: there is no such conversation.",
	} {
		x.enter(command)
		x.until(want)
	}
	x.enter("/retry")
	x.until("There is no command /retry: enter /help")
	x.enter("/etc/hosts has \\")
	x.enter("two lines")
	if got := text(<-b.sent); got != "/etc/hosts has \ntwo lines" {
		t.Fatalf("sent %q", got)
	}
	x.enter("/quit")
	<-x.done
	if x.err != nil {
		t.Error(x.err)
	}
}

func TestRefusalsAreReported(t *testing.T) {
	b := newScripted()
	b.err = chat.Errorf(chat.CodeUnavailable, "the database is down")
	x := begin(t, b)
	x.enter("hello")
	x.until("The message was not sent: the database is down.\nYou: ")
	x.enter("/list")
	x.until("The conversations cannot be listed: the database is down.")
	x.leave()
}

func TestRunEndsWithItsContext(t *testing.T) {
	r, w := io.Pipe()
	ctx, cancel := context.WithCancelCause(t.Context())
	reason := errors.New("the terminal went away")
	cancel(reason)
	if _, err := Run(ctx, Options{Backend: newScripted(), In: r, Out: io.Discard}); !errors.Is(err, reason) {
		t.Errorf("%v", err)
	}
	if err := errors.Join(w.Close(), r.Close()); err != nil {
		t.Error(err)
	}
}

func TestSentences(t *testing.T) {
	for text, want := range map[string]string{
		"One. Two": "One. ", "No end": "", "Line\nnext": "Line\n", "3.14 is": "", "日本語。次": "日本語。", "(He said \"so.\") And": "(He said \"so.\") ",
	} {
		var s sentences
		got := s.add(text)
		if got != want || got+s.rest() != text {
			t.Errorf("%q: %q", text, got)
		}
	}
	var s sentences
	long := strings.Repeat("word ", 600)
	if got := s.add(long); len(got) < maxHeld {
		t.Errorf("%d bytes of a text without an end", len(got))
	}
}

// text is what a submission says.
func text(sub chat.Submission) string { return sub.Message().Text() }
