package plain

import (
	"context"
	"strings"

	"chat"
	"chat/internal/term/citation"
	"chat/internal/term/sanitize"
)

// send sends what was entered, with the files that it mentions, and reads its answer out.
func (t *talk) send(ctx context.Context, text string) error {
	message, ok, err := t.attached(ctx, text)
	if err != nil || !ok {
		return err
	}
	return t.deliver(ctx, message)
}

// attached is a text with the files that it mentions; ok is false if it is not to be
// sent, which was said.
func (t *talk) attached(ctx context.Context, text string) (message string, ok bool, err error) {
	if t.attach == nil {
		return text, true, nil
	}
	message, missing, err := t.attach(text)
	switch {
	case err != nil && t.insisted != text:
		t.insisted = text
		t.say("The message was not sent: %s. Enter it again to send it as text.", clause(chat.AsError(err).Message))
		return "", false, context.Cause(ctx)
	case len(missing) > 0 && t.insisted != text:
		t.insisted = text
		t.say("The message was not sent: there is no file %s. Enter it again to send it as text.", strings.Join(missing, ", "))
		return "", false, nil
	case len(missing) == 0 && strings.TrimRight(message, "\n") != strings.TrimRight(text, "\n"):
		t.say("The files are attached.")
	}
	t.insisted = ""
	return message, true, nil
}

// deliver sends a message as it is, and reads its answer out.
func (t *talk) deliver(ctx context.Context, message string) error {
	accepted, err := t.backend.Send(ctx, t.conversation, chat.Submission{Content: message, Model: t.model})
	if err != nil {
		return t.complain(ctx, "The message was not sent", err)
	}
	t.conversation = accepted.ConversationID
	return t.follow(ctx, accepted.TaskID)
}

// complain says what went wrong; only an end of ctx ends the conversation.
func (t *talk) complain(ctx context.Context, what string, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	t.say("%s: %s.", what, clause(chat.AsError(err).Message))
	return nil
}

// update is what a stream yields.
type update struct {
	chat.FollowEvent
	err error
}

// follow reads an answer out as it comes. Commands are taken meanwhile, and
// messages wait until it has ended.
func (t *talk) follow(ctx context.Context, task string) error {
	t.task = task
	inner, cancel := context.WithCancel(ctx)
	updates := make(chan update)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer close(updates)
		for u, err := range t.backend.Follow(inner, task, chat.Start()) {
			select {
			case updates <- update{u, err}:
			case <-inner.Done():
				return
			}
		}
	}()
	err := t.read(ctx, updates)
	cancel()
	<-done
	return err
}

// maxWaiting bounds the messages that wait for an answer to end.
const maxWaiting = 20

func (t *talk) read(ctx context.Context, updates <-chan update) error {
	a := answer{talk: t}
	lines := t.lines
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case u, ok := <-updates:
			if !ok || u.err != nil {
				return t.lost(ctx, u.err)
			}
			if a.take(u.FollowEvent) {
				t.task = ""
				return t.failed
			}
		case line, ok := <-lines:
			if !ok {
				return errLeave
			}
			if err := t.during(ctx, sanitize.String(line)); err != nil {
				return err
			}
		}
	}
}

// lost says that the stream has ended without an end of the answer.
func (t *talk) lost(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		t.say("The answer cannot be followed any more: %s.", clause(chat.AsError(err).Message))
	}
	t.task = ""
	return nil
}

// during takes a line while an answer is being read out.
func (t *talk) during(ctx context.Context, line string) error {
	name, _, ok := command(line)
	switch {
	case ok && name == "stop":
		if err := t.backend.Stop(ctx, t.task); err != nil {
			return t.complain(ctx, "The answer was not stopped", err)
		}
		t.say("Stopping the answer.")
	case ok && name == "quit":
		return errLeave
	case line == "":
	case !ok && slip.MatchString(line):
		t.sayNoCommand(line)
	case len(t.waiting) >= maxWaiting:
		t.say("Enough messages are waiting: this one was not taken.")
	default:
		q := queued{line: line}
		if !ok { // a message: its files are those of now
			message, ready, err := t.attached(ctx, line)
			if err != nil || !ready {
				return err
			}
			q.message = message
		}
		t.waiting = append(t.waiting, q)
		t.say("That waits until the answer has ended. Enter /stop to stop the answer.")
	}
	return nil
}

// answer is one answer as it is read out.
type answer struct {
	talk     *talk
	begun    bool
	thinking bool
	offline  bool
	parts    chat.Parts
	attempt  int // of the last chunk
	text     sentences
	clean    sanitize.Stream
	cites    citation.Stream
}

// take reads an update out; true when the answer has ended.
func (a *answer) take(u chat.FollowEvent) bool {
	if u.Conn != nil {
		a.link(*u.Conn)
	}
	if u.Chunk == nil {
		return false
	}
	c := *u.Chunk
	defer func() { a.attempt = c.Attempt }()
	a.parts.Apply(c)
	switch c.Type {
	case chat.ChunkReasoning:
		if !a.thinking {
			a.thinking = true
			a.talk.say("The model is thinking.")
		}
	case chat.ChunkContent:
		if !a.begun {
			a.begun = true
			a.talk.last.Reset()
			a.talk.say("Assistant:")
		}
		text := a.cites.Append(a.clean.Append(c.Content))
		a.talk.last.WriteString(text)
		a.talk.write(a.text.add(text))
	case chat.ChunkReset:
		if a.begun {
			a.talk.write("\n")
			a.talk.say("%s", a.dropped(c))
		}
		*a = answer{talk: a.talk, thinking: c.Resorts(a.attempt)}
	case chat.ChunkDone, chat.ChunkError:
		a.end(c)
		return true
	case chat.ChunkToolCall:
		if c.Name != "" {
			a.talk.say("The model calls the tool %s.", sanitize.Line(c.Name))
		}
	default: // of no interest to a reader
	}
	return false
}

// dropped says why what was read out is no part of the answer.
func (a *answer) dropped(c chat.Chunk) string {
	if c.Resorts(a.attempt) {
		return "That was the model's reasoning."
	}
	return "The answer begins again."
}

func (a *answer) link(l chat.ConnState) {
	switch {
	case l.State == chat.ConnReconnecting && !a.offline:
		a.offline = true
		a.talk.say("The connection is lost: %s. It is being restored.", clause(l.Reason))
	case l.State == chat.ConnLive && a.offline:
		a.offline = false
		a.talk.say("The connection is back.")
	}
}

func (a *answer) end(c chat.Chunk) {
	held := a.cites.Flush()
	a.talk.last.WriteString(held)
	if rest := a.text.add(held) + a.text.rest(); a.begun {
		a.talk.write(rest + "\n")
	}
	switch {
	case c.Type == chat.ChunkError && a.begun:
		a.talk.say("The answer ended early: %s. What there is of it is kept.", clause(c.Content))
	case c.Type == chat.ChunkError:
		a.talk.say("There is no answer: %s.", clause(c.Content))
	case c.State == chat.TaskCancelled:
		a.talk.say("The answer was stopped.")
	default:
		if why := chat.Shortfall(c.FinishReason, a.parts); why != "" {
			a.talk.say("%s.", strings.ToUpper(why[:1])+why[1:])
			return
		}
		a.talk.say("End of the answer.")
	}
	for _, notice := range c.Notices {
		a.talk.say("Note: %s.", clause(notice))
	}
}

// clause is a sentence without its end, to stand inside another.
func clause(s string) string { return strings.TrimRight(strings.TrimSpace(s), ".") }
