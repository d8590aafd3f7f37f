package plain

import (
	"context"
	"strings"

	"chat"
	"chat/internal/term/attach"
	"chat/internal/term/citation"
	"chat/internal/term/sanitize"
)

// send sends a message with the files that it mentions, and reads the answer out.
func (t *talk) send(ctx context.Context, text string) error {
	message, ok, err := t.attached(ctx, text)
	if err != nil || !ok {
		return err
	}
	return t.deliver(ctx, message)
}

// attached returns a text with the files that it mentions; ok is false if it must
// not be sent, which was reported to the user.
func (t *talk) attached(ctx context.Context, text string) (message attach.Message, ok bool, err error) {
	if t.attach == nil {
		return attach.Message{Parts: chat.TextParts(text)}, true, nil
	}
	message, missing, err := t.attach(ctx, text)
	switch {
	case err != nil && t.confirmedText != text:
		t.confirmedText = text
		t.say("The message was not sent: %s. Enter it again to send it as text.", clause(chat.AsError(err).Message))
		return attach.Message{}, false, context.Cause(ctx)
	case len(missing) > 0 && t.confirmedText != text:
		t.confirmedText = text
		t.say("The message was not sent: there is no file %s. Enter it again to send it as text.", strings.Join(missing, ", "))
		return attach.Message{}, false, nil
	case len(missing) == 0 && len(message.Attachments) > 0:
		t.say("The files are attached.")
	}
	t.confirmedText = ""
	return message, true, nil
}

// deliver sends a message unchanged, and reads the answer out.
func (t *talk) deliver(ctx context.Context, message attach.Message) error {
	sub := message.Submission()
	sub.Model, sub.Parameters = t.model, t.parameters.Lasting()
	accepted, err := t.backend.Send(ctx, t.conversation, sub)
	if err != nil {
		return t.reportError(ctx, "The message was not sent", err)
	}
	if t.conversation == "" {
		t.kept, t.parameters = sub.Parameters, nil
	}
	t.conversation = accepted.ConversationID
	return t.follow(ctx, accepted.TaskID)
}

// continuer is a Backend that can continue an answer that was cut.
type continuer interface {
	Continue(ctx context.Context, messageID, model string) (chat.Accepted, error)
}

// continueAnswer asks for the rest of the last answer, and reads the whole out.
func (t *talk) continueAnswer(ctx context.Context) error {
	backend, ok := t.backend.(continuer)
	if !ok || t.conversation == "" {
		t.say("There is no answer yet.")
		return nil
	}
	_, messages, err := t.backend.Messages(ctx, t.conversation)
	if err != nil {
		return t.reportError(ctx, "The answer was not continued", err)
	}
	for i := len(messages) - 1; i >= 0; i-- {
		if messages[i].Role != chat.RoleAssistant {
			continue
		}
		accepted, err := backend.Continue(ctx, messages[i].ID, t.model)
		if err != nil {
			return t.reportError(ctx, "The answer was not continued", err)
		}
		return t.follow(ctx, accepted.TaskID)
	}
	t.say("There is no answer yet.")
	return nil
}

// reportError reports a failure; only an end of ctx ends the conversation.
func (t *talk) reportError(ctx context.Context, what string, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	t.say("%s: %s.", what, clause(chat.AsError(err).Message))
	return nil
}

// update is an event of a stream.
type update struct {
	chat.FollowEvent
	err error
}

// follow reads an answer out as it arrives. Meanwhile it runs commands, and queues
// messages until the answer has ended.
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

// maxWaiting is how many messages may wait for the end of an answer.
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

// lost reports that the stream ended before the answer did.
func (t *talk) lost(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		t.say("The answer can no longer be followed: %s.", clause(chat.AsError(err).Message))
	}
	t.task = ""
	return nil
}

// during handles a line that is entered while an answer is read out.
func (t *talk) during(ctx context.Context, line string) error {
	name, _, ok := command(line)
	switch {
	case ok && name == "stop":
		if err := t.backend.Stop(ctx, t.task); err != nil {
			return t.reportError(ctx, "The answer was not stopped", err)
		}
		t.say("Stopping the answer.")
	case ok && name == "quit":
		return errLeave
	case line == "":
	case !ok && slip.MatchString(line):
		t.sayNoCommand(line)
	case len(t.waiting) >= maxWaiting:
		t.say("Too many messages are waiting: this one was discarded.")
	default:
		q := queued{line: line}
		if !ok { // a message: read its files now
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

// answer is an answer that is read out.
type answer struct {
	talk     *talk
	started  bool
	thinking bool
	offline  bool
	parts    chat.Parts
	attempt  int // of the last chunk
	text     sentences
	clean    sanitize.Stream
	cites    citation.Stream
}

// take reads an update out; it returns true when the answer has ended.
func (a *answer) take(u chat.FollowEvent) bool {
	if u.Conn != nil {
		a.connChanged(*u.Conn)
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
		if !a.started {
			a.started = true
			a.talk.last.Reset()
			a.talk.say("Assistant:")
		}
		text := a.cites.Append(a.clean.Append(c.Content))
		a.talk.last.WriteString(text)
		a.talk.write(a.text.add(text))
	case chat.ChunkReset:
		if a.started {
			a.talk.write("\n")
			a.talk.say("%s", a.dropped(c))
		}
		*a = answer{talk: a.talk, thinking: c.Retypes(a.attempt)}
	case chat.ChunkDone, chat.ChunkError:
		a.end(c)
		return true
	case chat.ChunkToolCall:
		if c.Name != "" {
			a.talk.say("The model calls the tool %s.", sanitize.Line(c.Name))
		}
	default: // of no use to a reader
	}
	return false
}

// dropped reports why the text that was read out is not part of the answer.
func (a *answer) dropped(c chat.Chunk) string {
	if c.Retypes(a.attempt) {
		return "That was the model's reasoning."
	}
	return "The answer restarts."
}

func (a *answer) connChanged(l chat.ConnState) {
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
	if rest := a.text.add(held) + a.text.rest(); a.started {
		a.talk.write(rest + "\n")
	}
	switch {
	case c.Type == chat.ChunkError && a.started:
		a.talk.say("The answer ended early: %s. The text so far is kept.", clause(c.Content))
	case c.Type == chat.ChunkError:
		a.talk.say("There is no answer: %s.", clause(c.Content))
	case c.State == chat.TaskCancelled:
		a.talk.say("The answer was stopped.")
	case c.Mismatch() != nil: // it is not in the form that was asked for
		a.talk.say("The answer is complete. Note: %s.", clause(c.Content))
	default:
		if why := chat.Shortfall(c.FinishReason, a.parts); why != "" {
			a.talk.say("%s.", strings.ToUpper(why[:1])+why[1:])
			if chat.EndingOfParts(c.FinishReason, a.parts) == chat.EndingLength && a.started {
				a.talk.say("Enter /continue for the rest.")
			}
			return
		}
		a.talk.say("End of the answer.")
	}
	for _, notice := range c.Notices {
		a.talk.say("Note: %s.", clause(notice))
	}
}

// clause returns a sentence without its final stop, for use inside another.
func clause(s string) string { return strings.TrimRight(strings.TrimSpace(s), ".") }
