package openai

import (
	"context"
	"slices"
	"strings"

	goopenai "github.com/sashabaranov/go-openai"

	"chat"
	"chat/daemon/model"
	"chat/daemon/model/apierror"
	"chat/daemon/model/continuation"
	"chat/daemon/model/draft"
	"chat/daemon/model/openai/wire"
)

// form is the form of requests to one model, without what it refused.
type form struct {
	whole    bool // not streamed
	noUsage  bool // no stream_options
	noSystem bool // the system prompt stands in the first message
	// otherTokens says that the limit of tokens has its other name.
	otherTokens bool
	noPrefill   bool // the last message has to be the user's
	format      formatForm
}

// request is the draft of a request for an answer.
type request struct {
	*draft.Draft[form]
	// completionTokens says that the server knows max_completion_tokens.
	completionTokens bool
	// streamed says that the request is for the Responses API, where an answer is always a
	// stream that has its usage.
	streamed bool
	known    formatForm // before the first refusal
	to       *endpoint
	prefill  prefill // how the server is told to continue an answer
	cacheKey string  // names the conversation; only OpenAI itself gets it
}

// newRequest returns the draft of a request to e.
func newRequest(e *endpoint, learned *draft.Learned[form], req model.Request) *request {
	d := &request{
		Draft:            learned.Draft(draft.Server{Base: e.Base, Key: e.Key, Host: e.Host}, req.Model, req),
		completionTokens: e.isOpenAI(), to: e, prefill: prefillOf(e),
	}
	d.known = d.Form.format
	if e.isOpenAI() { // others may refuse the field
		d.cacheKey = req.Conversation
	}
	d.Adapts(d.adaptations)
	d.Parameter = d.omitParameter
	return d
}

func (d *request) omitParameter(r *apierror.RefusalError) bool {
	name := d.ParameterOf(r, d.Form.noUsage || d.Form.whole || d.streamed)
	switch {
	case name == "":
		return false
	case name == "max_tokens" && !d.streamed && !d.Form.otherTokens && !r.OfValue():
		d.Form.otherTokens = true // the field has two names
	default:
		d.Withhold(name, r)
	}
	return true
}

func (d *request) adaptations() []draft.Adaptation {
	return d.WithMessages(
		draft.Adaptation{Of: ofPrefill, Adapt: d.omitPrefill, Form: true},
		draft.Adaptation{Of: (*apierror.RefusalError).OfSchema, Adapt: d.loosenSchema, Form: true},
		draft.Adaptation{Of: (*apierror.RefusalError).OfFormat, Adapt: d.askForObject, Form: true},
		draft.Adaptation{Of: (*apierror.RefusalError).OfFormat, Adapt: d.describeFormat, Form: true},
		draft.Adaptation{Of: func(r *apierror.RefusalError) bool { return r.OfUsage() || r.OfUnknown() }, Adapt: d.omitUsage, Form: true},
		draft.Adaptation{Of: (*apierror.RefusalError).OfStream, Adapt: d.disableStreaming, Form: true},
		draft.Adaptation{Of: (*apierror.RefusalError).OfSystem, Adapt: d.moveSystem, Form: true},
	)
}

// completion is d in the form of Chat Completions. Only the parameters that were asked for are
// set, so that every model accepts it.
func (d *request) completion(ctx context.Context) (*wire.Request, error) {
	out := &wire.Request{ChatCompletionRequest: goopenai.ChatCompletionRequest{Model: d.Model, Stream: !d.Form.whole}}
	out.Set(d.parameters(), d.completionTokens != d.Form.otherTokens)
	out.PromptCacheKey = d.cacheKey
	if out.Stream && !d.Form.noUsage {
		out.StreamOptions = &goopenai.StreamOptions{IncludeUsage: true}
	}
	d.Way = continuation.Asked
	if d.prefills() {
		d.Way = d.prefill.way
	}
	system, messages, err := d.messages(ctx)
	if system != "" {
		out.Messages = append(out.Messages, wire.Message{Role: goopenai.ChatMessageRoleSystem, Content: system})
	}
	out.Messages = append(out.Messages, messages...)
	if d.to.isOpenRouter() && wire.HasFile(messages) {
		out.Plugins = wire.NativeDocuments() // otherwise models get a reading that costs extra
	}
	if n := len(out.Messages); n > 0 && d.prefills() {
		out.Messages[n-1].Continue = d.prefill.field
	}
	return out, err
}

// hasResponse reports whether d can be a request for the Responses API, which lacks some
// parameters. peer says that the server is a chatd.
func (d *request) hasResponse(peer bool) bool { return wire.HasResponse(&d.Request.Parameters, peer) }

// response is d in the form of the Responses API, without how it is to be made.
func (d *request) response(ctx context.Context) (*wire.Response, error) {
	d.Way = continuation.Asked
	system, messages, err := d.messages(ctx)
	out := &wire.Response{Model: d.Model, Instructions: system, PromptCacheKey: d.cacheKey}
	out.Set(d.parameters())
	for i := range messages {
		out.Add(messages[i])
	}
	return out, err
}

// messages returns the messages to send, and the system prompt if it does not stand in the
// first of them.
func (d *request) messages(ctx context.Context) (system string, out []wire.Message, err error) {
	if !d.acceptsDocuments() {
		d.SendText()
	}
	list, err := d.Thread(nil)
	if err != nil {
		return "", nil, err
	}
	switch system = d.system(); {
	case strings.TrimSpace(system) == "":
		system = ""
	case d.Form.noSystem:
		list[0].Parts, system = slices.Concat(chat.TextParts(system), list[0].Parts), ""
	}
	for _, m := range list {
		messages, err := wire.Messages(ctx, m, d.Load)
		if err != nil {
			return "", nil, err
		}
		out = append(out, messages...)
	}
	return system, out, nil
}

// acceptsDocuments reports whether the server is known to accept PDFs. Others may ignore them
// without saying so.
func (d *request) acceptsDocuments() bool {
	switch {
	case d.to.isOpenAI():
		return true
	case d.streamed: // Azure and other chatds have the Responses API
		return true
	}
	return d.to.isOpenRouter()
}

func (d *request) omitUsage() (string, bool) {
	if d.Form.noUsage || d.Form.whole || d.streamed {
		return "", false
	}
	d.Form.noUsage = true
	return d.Name() + " refused the parameter stream_options, which was left out: it may not report how many tokens an answer took", true
}

func (d *request) disableStreaming() (string, bool) {
	if d.Form.whole || d.streamed {
		return "", false
	}
	d.Form.whole = true
	return d.Name() + " refused to stream: the answer came whole", true
}

func (d *request) moveSystem() (string, bool) {
	if d.Form.noSystem || d.system() == "" {
		return "", false
	}
	d.Form.noSystem = true
	return d.Name() + " refused the system role: the system prompt was sent at the beginning of the first message", true
}
