package anthropic

import (
	"strconv"

	"chat/daemon/model/apierror"
	"chat/daemon/model/continuation"
	"chat/daemon/model/draft"
	"chat/internal/lazyregexp"
)

// form is the form of requests to one model, without what it refused.
type form struct {
	way           way
	maxTokens     int // the most that it accepts; 0 if unknown
	noTemperature bool
	noTopP        bool
	noEffort      bool
	noForcedTool  bool
	noStrict      bool
	noCache       bool
	noPrefill     bool // the last message has to be the user's
}

// The wordings of Anthropic's server, and of others with its API, in lower case.
var (
	tooManyTokens   = lazyregexp.New(`max_tokens: ?\d+ ?> ?(\d+)|max_tokens\b[^.]{0,80}?(?:\[1, ?|at most |less than or equal to |maximum(?: of| is|:)? ?)(\d+)`)
	noRoom          = lazyregexp.New(`exceed context limit: ?(\d+) ?\+ ?\d+ ?> ?(\d+)`)
	temperatureWord = lazyregexp.New(`temperature`)
	topPWord        = lazyregexp.New(`top_p`)
	effortWords     = lazyregexp.New(`\beffort\b`)
	reasoningWords  = lazyregexp.New(`thinking|budget_tokens`)
	missingThought  = lazyregexp.New(`expected .?thinking|must start with a thinking`)
	thoughtWords    = lazyregexp.New(`signature|(thinking|redacted_thinking)\W{0,3} blocks?|content\.\d+\.(thinking|redacted_thinking)`)
	choiceWords     = lazyregexp.New(`tool_choice|forced tool|forces tool`)
	strictWords     = lazyregexp.New(`\bstrict\b`)
	prefillWords    = lazyregexp.New(`prefill|end with a user message|last message .{0,40}\buser\b|final assistant content`)
	cacheWords      = lazyregexp.New(`cache_control`)
)

// adaptations returns what can be changed in the form of a request.
func (r *request) adaptations() []draft.Adaptation {
	omit := func(words *lazyregexp.Regexp, field *bool, asked bool, notice string) draft.Adaptation {
		return draft.Adaptation{Form: true, Of: mentions(words), Adapt: func() (string, bool) {
			if *field || !asked {
				return "", false
			}
			*field = true
			if notice != "" {
				notice = r.Name() + " refused " + notice
			}
			return notice, true
		}}
	}
	p, f := r.Request.Parameters, &r.Form
	strict := false
	for _, t := range p.Tools {
		strict = strict || t.Strict != nil && *t.Strict
	}
	return []draft.Adaptation{
		omit(prefillWords, &f.noPrefill, r.Request.Partial != "" && r.Way == continuation.Prefilled, ""),
		{Of: mentions(tooManyTokens), Adapt: r.lowerTokens, Form: true},
		{Of: mentions(noRoom), Adapt: r.fitRoom},
		omit(temperatureWord, &f.noTemperature, p.Temperature != nil, "the parameter temperature, which was left out"),
		omit(topPWord, &f.noTopP, p.TopP != nil, "the parameter top_p, which was left out"),
		{Of: mentions(missingThought), Adapt: r.skipReasoning},
		{Of: mentions(thoughtWords), Adapt: r.omitThoughts},
		{Of: mentions(reasoningWords), Adapt: r.switchWay, Form: true},
		omit(effortWords, &f.noEffort, p.Effort != "", "the parameter effort, which was left out"),
		{Of: mentions(reasoningWords), Adapt: r.omitReasoning, Form: true},
		omit(choiceWords, &f.noForcedTool, r.forced(), "to be forced to call a tool: it was free not to call one"),
		omit(strictWords, &f.noStrict, strict, "tools with the parameter strict, which was left out"),
		omit(cacheWords, &f.noCache, true, ""),
	}
}

func mentions(words *lazyregexp.Regexp) func(*apierror.RefusalError) bool {
	return func(r *apierror.RefusalError) bool { return r.OfRequest() && r.Find(words) != nil }
}

// lowerTokens limits the answer to what the model accepts.
func (r *request) lowerTokens() (string, bool) {
	first, second := r.numbers(tooManyTokens)
	most := max(first, second)
	if most <= 0 || r.Form.maxTokens > 0 && most >= r.Form.maxTokens {
		return "", false
	}
	r.Form.maxTokens = most
	if asked := r.Request.Parameters.MaxTokens; asked > most {
		return r.Name() + " makes answers of at most " + strconv.Itoa(most) + " tokens: max_tokens was lowered", true
	}
	return "", true
}

// minRoom is the least room for an answer that is worth a request, in tokens.
const minRoom = 1024

// fitRoom limits the answer to what the conversation leaves of the model's context.
func (r *request) fitRoom() (string, bool) {
	used, limit := r.numbers(noRoom)
	room := limit - used
	if room < minRoom || r.room > 0 {
		return "", false
	}
	r.room = room
	return "", true
}

// numbers returns the two groups of the last refusal's wording as numbers, 0 for one that is not
// there.
func (r *request) numbers(words *lazyregexp.Regexp) (first, second int) {
	m := r.Refused().Find(words)
	if len(m) != 3 {
		return 0, 0
	}
	number := func(group string) int {
		n, err := strconv.Atoi(group)
		if err != nil {
			return 0 // the group is not there
		}
		return n
	}
	return number(m[1]), number(m[2])
}

// skipReasoning does not ask for reasoning, where an earlier call was made without it.
func (r *request) skipReasoning() (string, bool) {
	if r.noReasoning || r.Request.Parameters.Effort == "" {
		return "", false
	}
	r.noReasoning = true
	return "", true
}

// omitThoughts leaves out the reasoning in the conversation.
func (r *request) omitThoughts() (string, bool) {
	if r.noThoughts || !r.hasThoughts() {
		return "", false
	}
	r.noThoughts = true
	return "", true
}

func (r *request) hasThoughts() bool {
	for i := range r.Request.Messages {
		parts := r.Request.Messages[i].Parts
		for j := range parts {
			if _, ok := r.own(&parts[j]); ok {
				return true
			}
		}
	}
	return false
}

// switchWay asks for reasoning in the other way.
func (r *request) switchWay() (string, bool) {
	effort := r.Request.Parameters.Effort
	if effort == "" || effort == none || r.Form.way != byModel {
		return "", false
	}
	switch r.facts().way {
	case adaptive:
		r.Form.way = budgeted
	case budgeted:
		r.Form.way = adaptive
	case byModel, unasked:
		return "", false
	}
	return "", true
}

// omitReasoning says nothing about reasoning.
func (r *request) omitReasoning() (string, bool) {
	if r.Request.Parameters.Effort == "" || r.way() == unasked {
		return "", false
	}
	r.Form.way = unasked
	return r.Name() + " refused the parameter effort, which was left out", true
}
