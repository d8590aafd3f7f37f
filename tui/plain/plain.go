// Package plain is a conversation in lines, for screen readers and for terminals
// that cannot repaint. It reads lines and only appends whole sentences: no colour,
// no boxes, no spinner, and the cursor never moves.
package plain

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"

	"github.com/muesli/cancelreader"

	"chat"
	"chat/internal/term/attach"
	"chat/internal/term/sanitize"
)

// Backend is what a conversation in lines needs from the server.
type Backend interface {
	Conversations(ctx context.Context, search string) ([]chat.Conversation, error)
	Messages(ctx context.Context, conversationID string) (chat.Conversation, []chat.Message, error)
	Send(ctx context.Context, conversationID string, sub chat.Submission) (chat.Accepted, error)
	Stop(ctx context.Context, taskID string) error
	Models(ctx context.Context) ([]chat.Model, error)
	Follow(ctx context.Context, taskID string, from chat.Position) iter.Seq2[chat.FollowEvent, error]
}

// Options configures a conversation. Backend, In and Out are required.
type Options struct {
	Backend        Backend
	In             io.Reader
	Out            io.Writer
	ConversationID string // the conversation to continue, "" for a new one
	Prompt         string // a draft as attach.Draft writes it; sent immediately if it is not empty
	Model          string
	// Parameters are those of the messages to the conversation that is opened first, and of
	// new conversations.
	Parameters *chat.Parameters
	Choose     bool // begin with the list of conversations
	// Attach adds the files that a message mentions, by @ and a path or a web address, and returns
	// the names of missing ones; nil leaves mentions as text.
	Attach func(ctx context.Context, text string) (message attach.Message, missing []string, err error)
}

// Exit is what the caller can report at the end.
type Exit struct {
	ConversationID string
	Running        []string // the tasks that continue
}

// Run runs the conversation until the input ends, the user leaves, or ctx ends.
func Run(ctx context.Context, o Options) (Exit, error) {
	ctx, cancel := context.WithCancel(ctx)
	lines, stop := readLines(ctx, o.In)
	defer stop()
	defer cancel()
	t := &talk{backend: o.Backend, out: o.Out, model: o.Model, parameters: o.Parameters, initial: o.Parameters, lines: lines, attach: o.Attach}
	t.say("Enter a message to send it. Enter /help for the commands.")
	err := t.begin(ctx, o)
	for err == nil {
		if len(t.waiting) > 0 {
			err = t.later(ctx)
			continue
		}
		t.write("You: ")
		var line string
		if line, err = t.next(ctx); err == nil {
			err = t.take(ctx, line)
		}
	}
	if errors.Is(err, errLeave) {
		err = nil
	}
	exit := Exit{ConversationID: t.conversation}
	if t.task != "" {
		exit.Running = []string{t.task}
	}
	return exit, errors.Join(err, t.failed)
}

// errLeave ends the conversation.
var errLeave = errors.New("leave")

// maxLine bounds a line of input, in bytes.
const maxLine = 768 << 10

// readLines reads lines until in ends, or until ctx has ended and stop is called.
func readLines(ctx context.Context, in io.Reader) (_ <-chan string, stop func()) {
	cancel := func() bool { return false } // not needed for files: they end
	if reader, err := cancelreader.NewReader(in); err == nil {
		in, cancel = reader, reader.Cancel
	}
	lines := make(chan string)
	go func() {
		defer close(lines)
		scanner := bufio.NewScanner(in)
		scanner.Buffer(nil, maxLine)
		for scanner.Scan() {
			select {
			case lines <- scanner.Text():
			case <-ctx.Done():
				return
			}
		}
	}()
	return lines, func() {
		if cancel() {
			for range lines { // until the goroutine has ended
			}
		}
	}
}

// talk is the state of one conversation.
type talk struct {
	backend Backend
	out     io.Writer
	lines   <-chan string
	failed  error // of out

	conversation  string
	model         string
	kept          *chat.Parameters    // those of the conversation
	parameters    *chat.Parameters    // those that the conversation does not have
	initial       *chat.Parameters    // those of new conversations
	last          strings.Builder     // the last answer
	listed        []chat.Conversation // the numbers of /open refer to it
	waiting       []queued            // entered while an answer was being made
	task          string              // the running task, "" for none
	attach        func(context.Context, string) (attach.Message, []string, error)
	confirmedText string // was not sent, since a file that it mentions is not there
}

// queued is a line that waits for the end of an answer, and its message with the
// files; the message has no parts if the line is a command.
type queued struct {
	line    string
	message attach.Message
}

// say writes one or more sentences on lines of their own.
func (t *talk) say(format string, args ...any) {
	t.write(sanitize.String(fmt.Sprintf(format, args...)) + "\n")
}

func (t *talk) write(text string) {
	if t.failed == nil {
		_, t.failed = io.WriteString(t.out, text)
	}
}

// later handles the line that has waited longest.
func (t *talk) later(ctx context.Context) error {
	q := t.waiting[0]
	t.waiting = t.waiting[1:]
	t.say("You: %s", q.line)
	if q.message.Parts == nil {
		return t.take(ctx, q.line)
	}
	return t.deliver(ctx, q.message)
}

// next returns the next line of the input. A line that ends with a backslash
// continues on the next one.
func (t *talk) next(ctx context.Context) (string, error) {
	var whole strings.Builder
	for {
		select {
		case <-ctx.Done():
			return "", context.Cause(ctx)
		case line, ok := <-t.lines:
			if !ok {
				t.write("\n")
				return "", errLeave
			}
			more, goesOn := strings.CutSuffix(line, `\`)
			whole.WriteString(more)
			if !goesOn || whole.Len() > maxLine {
				return whole.String(), nil
			}
			whole.WriteByte('\n')
		}
	}
}

// take handles a line.
func (t *talk) take(ctx context.Context, line string) error {
	line = sanitize.String(line)
	slipped := slip.MatchString(strings.TrimRight(line, " \t\r\n"))
	line = strings.TrimSpace(line)
	if t.failed != nil {
		return t.failed
	}
	if line == "" {
		return nil
	}
	if name, args, ok := command(line); ok {
		return t.do(ctx, name, args)
	}
	if slipped {
		t.sayNoCommand(line)
		return nil
	}
	return t.send(ctx, line)
}

func (t *talk) begin(ctx context.Context, o Options) error {
	switch {
	case o.ConversationID != "":
		if err := t.open(ctx, o.ConversationID); err != nil {
			return err
		}
	case o.Choose:
		if err := t.list(ctx, ""); err != nil {
			return err
		}
	}
	if strings.TrimSpace(o.Prompt) == "" {
		return nil
	}
	t.say("You: %s", o.Prompt)
	return t.deliver(ctx, attach.Message{Parts: attach.ParseDraft(o.Prompt)})
}
