package provider

import (
	"fmt"
	"strings"

	"github.com/sashabaranov/go-openai"

	"chat"
	"chat/daemon/model"
)

// draft is a request that a provider has yet to accept. After a refusal it leaves out
// what was refused, if an answer makes sense without it.
type draft struct {
	key  modelKey
	id   string // of the model
	host string
	req  model.Request
	form form
	omit []omission // by message

	told  []string // what was adapted in form, for the user
	tried int      // how many steps
	steps []step   // those that are left
	last  *step
	undo  form // before last
}

// request is d for the wire. No sampling parameters and no token limit are set, so that
// every model takes it.
func (d *draft) request() (*openai.ChatCompletionRequest, error) {
	out := &openai.ChatCompletionRequest{Model: d.id, Stream: !d.form.whole, Tools: tools(d.req.Tools)}
	if out.Stream && !d.form.noUsage {
		out.StreamOptions = &openai.StreamOptions{IncludeUsage: true}
	}
	thread := conversation(d.req.Messages, d.omit)
	if len(thread) == 0 || thread[len(thread)-1].Role != chat.RoleUser {
		return nil, chat.Errorf(chat.CodeInvalid, "there is nothing to answer: the conversation has no message of a user")
	}
	switch system := d.req.System; {
	case strings.TrimSpace(system) == "":
	case d.form.noSystem:
		thread[0].Content = system + "\n\n" + thread[0].Content
	default:
		out.Messages = append(out.Messages, openai.ChatCompletionMessage{Role: openai.ChatMessageRoleSystem, Content: system})
	}
	for _, m := range thread {
		out.Messages = append(out.Messages, wireMessage(m))
	}
	return out, nil
}

// notices say what the answer is made without.
func (d *draft) notices() []string {
	out := d.told
	var names []string
	for i, o := range d.omit {
		switch m := d.req.Messages[i]; o {
		case nothing:
		case itsPictures:
			names = append(names, pictureNames(m)...)
		case all:
			out = append(out, fmt.Sprintf("the message %q was left out: %s refused it", clean(chat.WithoutImages(m.Content), maxQuoted), d.model()))
		}
	}
	if len(names) > 0 {
		out = append(out, fmt.Sprintf("%s left out: %s did not take %s", listed(names), d.model(), pronoun(names)))
	}
	return out
}

// maxQuoted is how much of a message is quoted in a notice, in characters.
const maxQuoted = 40

// maxListed is how many pictures a sentence names.
const maxListed = 3

// listed is names in a sentence, with the verb.
func listed(names []string) string {
	if len(names) == 1 {
		return "the picture " + names[0] + " was"
	}
	if more := len(names) - maxListed; more > 0 {
		return fmt.Sprintf("the pictures %s and %d more were", strings.Join(names[:maxListed], ", "), more)
	}
	return "the pictures " + strings.Join(names, ", ") + " were"
}

func pronoun(names []string) string {
	if len(names) == 1 {
		return "it"
	}
	return "them"
}

func (d *draft) model() string { return clean(d.id, maxModelID) }

// explained is err, with the sentence that helps when the newest message has pictures
// that were refused.
func (d *draft) explained(err error, r *refusal) error {
	names := d.asked()
	if r == nil || len(names) == 0 || !r.ofImages() {
		return err
	}
	what := strings.TrimSuffix(strings.TrimSuffix(listed(names), " was"), " were")
	out := chat.Errorf(chat.CodeProviderRefused, "%s at %s refused %s (%d): see whether the file is whole, or send the message without %s",
		d.model(), d.host, what, r.status, pronoun(names))
	if r.ofAllImages() {
		out = chat.Errorf(chat.CodeProviderRefused, "%s at %s does not take pictures: send the message without %s, or choose another model (\"chat models\" lists them)",
			d.model(), d.host, pronoun(names))
	}
	if _, said, ok := strings.Cut(err.Error(), itSaid); ok {
		out.Message += itSaid + said
	}
	out.Cause = r
	return out
}

// asked are the names of the pictures that the newest message asks about.
func (d *draft) asked() []string {
	if n := len(d.req.Messages); n > 0 {
		return pictureNames(d.req.Messages[n-1])
	}
	return nil
}
