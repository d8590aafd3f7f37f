// Package draft builds the request for an answer. It remembers what models refused, and
// leaves that out.
package draft

import (
	"context"
	"fmt"
	"slices"
	"strings"

	goopenai "github.com/sashabaranov/go-openai"

	"chat"
	"chat/daemon/model"
	"chat/daemon/model/openai/apierror"
	"chat/daemon/model/openai/wire"
)

// Server is what a Draft depends on of the server.
type Server struct {
	Base, Key string
	Host      string // for messages
	// CompletionTokens says that the server knows max_completion_tokens.
	CompletionTokens bool
}

// Draft is a request that the provider has not accepted yet. After a refusal it omits what
// was refused, if an answer makes sense without it.
type Draft struct {
	Model string // its id
	key   modelKey
	to    Server
	// streamed says that the request is for the Responses API, where an answer is always a
	// stream that has its usage.
	streamed bool

	req  model.Request
	form form
	omit []wire.Omission // by message

	formNotices []string // about changes of form, for the user
	tried       int      // how many adaptations
	left        []adaptation
	last        *adaptation
	undo        form       // before last
	ofSchema    bool       // the last refusal was of one schema
	known       formatForm // before the first refusal
}

// Request is d in the form of Chat Completions. Only the parameters that were asked for are set, so
// that every model accepts it.
func (d *Draft) Request(ctx context.Context) (*wire.Request, error) {
	out := &wire.Request{ChatCompletionRequest: goopenai.ChatCompletionRequest{Model: d.Model, Stream: !d.form.whole}}
	out.Set(d.parameters(), d.to.CompletionTokens)
	if out.Stream && !d.form.noUsage {
		out.StreamOptions = &goopenai.StreamOptions{IncludeUsage: true}
	}
	system, messages, err := d.messages(ctx)
	if system != "" {
		out.Messages = append(out.Messages, goopenai.ChatCompletionMessage{Role: goopenai.ChatMessageRoleSystem, Content: system})
	}
	out.Messages = append(out.Messages, messages...)
	return out, err
}

// HasResponse reports whether d can be a request for the Responses API, which lacks some
// parameters. peer says that the server is a chatd.
func (d *Draft) HasResponse(peer bool) bool { return wire.HasResponse(&d.req.Parameters, peer) }

// UseResponses says that the request will be for the Responses API.
func (d *Draft) UseResponses() { d.streamed = true }

// Response is d in the form of the Responses API, without how it is to be made.
func (d *Draft) Response(ctx context.Context) (*wire.Response, error) {
	system, messages, err := d.messages(ctx)
	out := &wire.Response{Model: d.Model, Instructions: system}
	out.Set(d.parameters())
	for i := range messages {
		out.Add(messages[i])
	}
	return out, err
}

// messages returns the messages to send, and the system prompt if it does not stand in the
// first of them.
func (d *Draft) messages(ctx context.Context) (system string, out []goopenai.ChatCompletionMessage, err error) {
	thread := wire.Conversation(d.req.Messages, d.omit)
	if len(thread) == 0 || thread[len(thread)-1].Role != chat.RoleUser {
		return "", nil, chat.Errorf(chat.CodeInvalid, "there is nothing to answer: the conversation has no message of a user")
	}
	switch system = d.system(); {
	case strings.TrimSpace(system) == "":
		system = ""
	case d.form.noSystem:
		thread[0].Parts, system = slices.Concat(chat.TextParts(system), thread[0].Parts), ""
	}
	for _, m := range thread {
		list, err := wire.Messages(ctx, m, d.req.Attachment)
		if err != nil {
			return "", nil, err
		}
		out = append(out, list...)
	}
	return system, out, nil
}

// Whole reports whether the answer is asked for whole, not as a stream.
func (d *Draft) Whole() bool { return d.form.whole }

// Notices say what was omitted from the request.
func (d *Draft) Notices() []string {
	out := slices.Concat(slices.DeleteFunc(slices.Clone(d.formNotices), func(s string) bool { return s == "" }), d.formatNotices())
	var names []string
	for i, o := range d.omit {
		switch m := d.req.Messages[i]; o {
		case wire.OmitNothing:
		case wire.OmitPictures:
			names = append(names, wire.PictureNames(m)...)
		case wire.OmitMessage:
			out = append(out, fmt.Sprintf("the message %q was left out: %s refused it", model.OneLine(m.AllParts().SearchText(nil), maxQuoted), d.model()))
		}
	}
	if len(names) > 0 {
		out = append(out, fmt.Sprintf("%s left out: %s did not accept %s", listed(names), d.model(), pronoun(names)))
	}
	return out
}

// maxQuoted is how much of a message is quoted in a notice, in characters.
const maxQuoted = 40

// maxListed is how many pictures a sentence names.
const maxListed = 3

// listed puts names into a sentence, with the verb.
func listed(names []string) string {
	if len(names) == 1 {
		return "the image " + names[0] + " was"
	}
	if more := len(names) - maxListed; more > 0 {
		return fmt.Sprintf("the images %s and %d more were", strings.Join(names[:maxListed], ", "), more)
	}
	return "the images " + strings.Join(names, ", ") + " were"
}

func pronoun(names []string) string {
	if len(names) == 1 {
		return "it"
	}
	return "them"
}

func (d *Draft) model() string { return model.OneLine(d.Model, model.MaxID) }

// Explained is err, or a more helpful error if the pictures of the newest message were
// refused.
func (d *Draft) Explained(err error, r *apierror.RefusalError) error {
	names := d.asked()
	if r == nil || len(names) == 0 || !r.OfImages() {
		return err
	}
	what := strings.TrimSuffix(strings.TrimSuffix(listed(names), " was"), " were")
	out := chat.Errorf(chat.CodeProviderRefused, "%s at %s refused %s (%d): see whether the file is whole, or send the message without %s",
		d.model(), d.to.Host, what, r.Status, pronoun(names))
	if r.OfAllImages() {
		out = chat.Errorf(chat.CodeProviderRefused, "%s at %s does not accept images: send the message without %s, or choose another model (\"chat models\" lists them)",
			d.model(), d.to.Host, pronoun(names))
	}
	if _, said, ok := strings.Cut(err.Error(), apierror.ItSaid); ok {
		out.Message += apierror.ItSaid + said
	}
	out.Cause = r
	return out
}

// asked are the names of the pictures in the newest message.
func (d *Draft) asked() []string {
	if n := len(d.req.Messages); n > 0 {
		return wire.PictureNames(d.req.Messages[n-1])
	}
	return nil
}
