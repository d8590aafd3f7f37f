package tui

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"sync"
	"time"

	"chat/internal/term/attach"

	"chat"
)

// fakeBackend keeps conversations in memory. The test supplies the updates of each
// task.
type fakeBackend struct {
	defaultModel  int // the default among its models
	mu            sync.Mutex
	conversations []chat.Conversation
	messages      map[string][]chat.Message
	tasks         map[string]*fakeTask
	sent          []chat.Submission
	stopped       []string
	uploadErr     error
	uploaded      []string
	sendErr       error
	runningErr    error
	trouble       string
	parametersErr error
	compacted     []string // what was asked of summaries
	compactErr    error
	modelInfo     chat.ModelInfo // of the model demo
	sendGate      chan struct{}  // if set, Send waits for it
	read          int            // how often messages were read
	seq           int
}

// fakeTask is a stream that can be followed any number of times from its start.
type fakeTask struct {
	resets  int
	task    chat.Task
	mu      sync.Mutex
	updates []chat.FollowEvent
	more    chan struct{} // closed and replaced at each update
	follows int
	broken  error // what the stream fails with next, once
}

func newFake() *fakeBackend {
	return &fakeBackend{messages: map[string][]chat.Message{}, tasks: map[string]*fakeTask{}}
}

// id makes ids that look like UUIDs and end in a number.
func (f *fakeBackend) id() string {
	f.seq++
	return fmt.Sprintf("0199aaaa-0000-7000-8000-%012d", f.seq)
}

func (f *fakeBackend) Conversations(_ context.Context, search string) ([]chat.Conversation, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []chat.Conversation
	for _, c := range f.conversations {
		hit := strings.Contains(strings.ToLower(c.Title), strings.ToLower(search))
		for _, m := range f.messages[c.ID] {
			hit = hit || strings.Contains(m.Content, search)
		}
		if hit {
			out = append(out, c)
		}
	}
	return out, nil
}

func (f *fakeBackend) Messages(_ context.Context, id string) (chat.Conversation, []chat.Message, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.read++
	for _, c := range f.conversations {
		if c.ID == id {
			return c, append([]chat.Message{}, f.messages[id]...), nil
		}
	}
	return chat.Conversation{}, nil, chat.Errorf(chat.CodeNotFound, "no such conversation")
}

func (f *fakeBackend) Send(ctx context.Context, id string, sub chat.Submission) (chat.Accepted, error) {
	if f.sendGate != nil {
		select {
		case <-f.sendGate:
		case <-ctx.Done():
			return chat.Accepted{}, ctx.Err()
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.sendErr != nil {
		return chat.Accepted{}, f.sendErr
	}
	parts := sub.Message()
	sub.Content = attach.Draft(parts) // in the form that tests compare
	f.sent = append(f.sent, sub)
	if id == "" {
		id = f.id()
		f.conversations = append([]chat.Conversation{{ID: id, Title: parts.Title(), Parameters: sub.Parameters, UpdatedAt: noon}}, f.conversations...)
	}
	parent := sub.ParentID
	if parent == chat.RootParent {
		parent = ""
	} else if n := len(f.messages[id]); parent == "" && n > 0 {
		parent = f.messages[id][n-1].ID
	}
	user := chat.Message{ID: f.id(), ConversationID: id, ParentID: parent, Role: chat.RoleUser, Parts: parts, CreatedAt: noon}
	f.messages[id] = append(f.messages[id], user)
	return f.task(user), nil
}

// Upload keeps the data of an attachment.
func (f *fakeBackend) Upload(_ context.Context, data []byte) (chat.Attachment, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.uploadErr != nil {
		return chat.Attachment{}, f.uploadErr
	}
	f.uploaded = append(f.uploaded, string(data))
	return chat.NewAttachment(data)
}

// task makes the task that answers a question. The caller holds the lock.
func (f *fakeBackend) task(user chat.Message) chat.Accepted {
	id := user.ConversationID
	answer := chat.Message{ID: f.id(), ConversationID: id, ParentID: user.ID, Role: chat.RoleAssistant, Model: "demo", State: chat.TaskQueued, CreatedAt: noon}
	task := &fakeTask{more: make(chan struct{}), task: chat.Task{
		ID: f.id(), ConversationID: id, MessageID: answer.ID, State: chat.TaskRunning, Model: "demo", CreatedAt: noon,
	}}
	answer.TaskID = task.task.ID
	f.tasks[task.task.ID] = task
	f.messages[id] = append(f.messages[id], answer)
	for i := range f.conversations {
		if f.conversations[i].ID == id {
			f.conversations[i].UpdatedAt = noon.Add(time.Duration(f.seq) * time.Millisecond)
		}
	}
	return chat.Accepted{TaskID: task.task.ID, MessageID: answer.ID, UserMessageID: user.ID, ConversationID: id, Status: chat.StatusProcessing}
}

func (f *fakeBackend) Stop(_ context.Context, taskID string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stopped = append(f.stopped, taskID)
	return nil
}

func (f *fakeBackend) Running(context.Context) ([]chat.Task, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.runningErr != nil {
		return nil, f.runningErr
	}
	var out []chat.Task
	for _, t := range f.tasks {
		if !t.task.State.Terminal() {
			out = append(out, t.task)
		}
	}
	return out, nil
}

func (f *fakeBackend) Models(context.Context) ([]chat.Model, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	list := []chat.Model{{ID: "demo", Provider: "demo", ModelInfo: f.modelInfo}, {ID: "qwen3:8b", Provider: "ollama"}}
	list[f.defaultModel].Default = true
	return list, nil
}

func (f *fakeBackend) Follow(ctx context.Context, taskID string, _ chat.Position) iter.Seq2[chat.FollowEvent, error] {
	return func(yield func(chat.FollowEvent, error) bool) {
		f.mu.Lock()
		t := f.tasks[taskID]
		f.mu.Unlock()
		if t == nil {
			yield(chat.FollowEvent{}, chat.Errorf(chat.CodeNotFound, "no such task"))
			return
		}
		t.mu.Lock()
		t.follows++
		t.mu.Unlock()
		for i := 0; ; i++ {
			t.mu.Lock()
			more := t.more
			ready := i < len(t.updates)
			var u chat.FollowEvent
			if ready {
				u = t.updates[i]
			}
			broken := t.broken
			if !ready {
				t.broken = nil
			}
			t.mu.Unlock()
			if !ready && broken != nil {
				yield(chat.FollowEvent{}, broken)
				return
			}
			if !ready {
				select {
				case <-ctx.Done():
					return
				case <-more:
				}
				i--
				continue
			}
			if !yield(u, nil) || (u.Chunk != nil && u.Chunk.Terminal()) {
				return
			}
		}
	}
}

func (t *fakeTask) yield(u chat.FollowEvent) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.updates = append(t.updates, u)
	close(t.more)
	t.more = make(chan struct{})
}

// chunk yields a chunk; a reset begins the next attempt.
func (t *fakeTask) chunk(kind chat.ChunkType, text string) {
	if kind == chat.ChunkReset {
		t.resets++
	}
	t.yield(chat.FollowEvent{Chunk: &chat.Chunk{Type: kind, Content: text, Attempt: 1 + t.resets, Index: len(t.updates)}})
}

// breakOff makes the stream fail for its current readers.
func (t *fakeTask) breakOff(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.broken = err
	close(t.more)
	t.more = make(chan struct{})
}

func (t *fakeTask) following() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.follows
}

// newest is the task that was accepted last, nil if none was.
func (f *fakeBackend) newest() *fakeTask {
	f.mu.Lock()
	defer f.mu.Unlock()
	var last *fakeTask
	for _, t := range f.tasks {
		if last == nil || t.task.ID > last.task.ID {
			last = t
		}
	}
	return last
}

// finish ends a task in storage, and then in its stream.
func (f *fakeBackend) finish(t *fakeTask, state chat.TaskState, content string, failure *chat.Error) {
	f.mu.Lock()
	t.task.State, t.task.Error = state, failure
	messages := f.messages[t.task.ConversationID]
	for i := range messages {
		if messages[i].ID == t.task.MessageID {
			messages[i].State, messages[i].Content, messages[i].Error = state, content, failure
			messages[i].FinishReason = "stop"
		}
	}
	end, _ := t.task.TerminalChunk(1, 0)
	f.mu.Unlock()
	t.yield(chat.FollowEvent{Chunk: &end})
}

// add stores a conversation with finished messages.
func (f *fakeBackend) add(title string, texts ...string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	id := f.id()
	f.conversations = append(f.conversations, chat.Conversation{ID: id, Title: title, UpdatedAt: noon.Add(-time.Hour)})
	for i, text := range texts {
		m := chat.Message{ID: f.id(), ConversationID: id, Role: chat.RoleUser, Content: text, CreatedAt: noon}
		if i%2 == 1 {
			m.Role, m.State, m.Model = chat.RoleAssistant, chat.TaskDone, "demo"
		}
		if i > 0 {
			m.ParentID = f.messages[id][i-1].ID
		}
		f.messages[id] = append(f.messages[id], m)
	}
	return id
}

func (f *fakeBackend) reads() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.read
}
