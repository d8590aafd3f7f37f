package plain

import (
	"context"
	"strings"
	"testing"

	"chat/internal/term/attach"

	"chat"
)

func TestMentionedFilesAreAttached(t *testing.T) {
	b := newScripted()
	x := begin(t, b, func(o *Options) {
		o.Attach = func(_ context.Context, text string) (attach.Message, []string, error) {
			message := attach.Message{Parts: chat.TextParts(text)}
			switch {
			case strings.Contains(text, "@there"):
				message.Add("there", chat.Attachment{Digest: "d", MediaType: chat.TextType, Data: []byte("its text")})
			case strings.Contains(text, "@gone"):
				return message, []string{"gone"}, nil
			case strings.Contains(text, "@locked"):
				return message, nil, chat.Errorf(chat.CodeInvalid, "cannot read locked: permission denied")
			}
			return message, nil, nil
		}
	})
	x.enter("look @gone")
	x.until("there is no file gone. Enter it again")
	x.enter("look @gone")
	if got := text(<-b.sent); got != "look @gone" {
		t.Errorf("sent %q", got)
	}
	x.enter("read @locked") // cannot be attached, and can be sent
	x.until("cannot read locked: permission denied. Enter it again")
	x.enter("then @gone") // while the answer is being made
	x.until("there is no file gone. Enter it again")
	x.enter("look @there")
	x.until("The files are attached.")
	b.updates <- chat.FollowEvent{Chunk: &chat.Chunk{Type: chat.ChunkDone, State: chat.TaskDone}}
	if got := <-b.sent; got.Message().Text() != "look @there" || len(got.Parts) != 2 || len(got.Attachments) != 1 {
		t.Errorf("sent %+v", got)
	}
	b.updates <- chat.FollowEvent{Chunk: &chat.Chunk{Type: chat.ChunkDone, State: chat.TaskDone}}
}

// A file of the command line is sent unchanged, also if its text mentions files.
func TestPromptIsSentUnchanged(t *testing.T) {
	b := newScripted()
	begin(t, b, func(o *Options) {
		o.Prompt = "see @there"
		o.Attach = func(context.Context, string) (attach.Message, []string, error) { return attach.Message{}, nil, nil }
	})
	if got := text(<-b.sent); got != "see @there" {
		t.Errorf("sent %q", got)
	}
	b.updates <- chat.FollowEvent{Chunk: &chat.Chunk{Type: chat.ChunkDone, State: chat.TaskDone}}
}

func TestParametersAreSetInLines(t *testing.T) {
	b := newScripted()
	x := begin(t, b, func(o *Options) { o.Parameters = &chat.Parameters{Effort: "low"} })
	x.enter("/set temperature warm")
	x.until(`"temperature" must be a number from 0 to 2, not "warm".`)
	x.enter("/set top-p 0.5")
	x.until("The parameters are: top_p 0.5, effort low.")
	x.enter("/set effort")
	x.until("The parameters are: top_p 0.5.")
	x.enter("hello")
	if got := (<-b.sent).Parameters.String(); got != "top_p 0.5" {
		t.Errorf("sent %q", got)
	}
	b.chunk(chat.ChunkContent, "Yes.")
	b.updates <- chat.FollowEvent{Chunk: &chat.Chunk{Type: chat.ChunkDone, State: chat.TaskDone}}
	x.until("End of the answer.")
	x.enter("more")
	if got := (<-b.sent).Parameters; got != nil {
		t.Errorf("sent %v", got)
	}
	b.chunk(chat.ChunkContent, "Yes.")
	b.updates <- chat.FollowEvent{Chunk: &chat.Chunk{Type: chat.ChunkDone, State: chat.TaskDone}}
	x.enter("/new")
	x.until("This is a new conversation.")
	x.enter("hello")
	if got := (<-b.sent).Parameters.String(); got != "effort low" {
		t.Errorf("sent %q", got)
	}
	b.chunk(chat.ChunkContent, "Yes.")
	b.updates <- chat.FollowEvent{Chunk: &chat.Chunk{Type: chat.ChunkDone, State: chat.TaskDone}}
	x.leave()
}
