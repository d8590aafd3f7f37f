package provider

import (
	"errors"
	"net/http"
	"strings"

	"chat"
	"chat/internal/lazyregexp"
)

// refusal is the cause of an error that a provider answered with, whole: the sentence
// for the user is cut, and does not name fields.
type refusal struct {
	error         // what it said
	status int    // of the response, or as the error object has it
	body   string // lower case, quotes not escaped
	filter bool   // the content filter stopped it
}

// maxRefusal bounds what is searched of a body, in bytes: some echo the request.
const maxRefusal = 8 << 10

func (r *refusal) Unwrap() error { return r.error }

func newRefusal(said error, status int, body []byte) *refusal {
	text := strings.ToLower(string(body[:min(len(body), maxRefusal)]))
	return &refusal{error: said, status: status, body: strings.ReplaceAll(text, `\`, "")}
}

// refusalIn is the refusal that err is, nil for an error of another kind.
func refusalIn(err error) *refusal {
	filter := chat.IsCode(err, chat.CodeProviderFilter)
	r, ok := errors.AsType[*refusal](err)
	switch {
	case ok:
		r.filter = filter
	case filter: // a response without text
		r = &refusal{error: err, filter: true}
	}
	return r
}

// The wordings of servers, in lower case: OpenAI, Azure, Mistral, Groq, Together,
// Fireworks, DeepSeek, xAI, Cohere, Perplexity, Gemini, Anthropic, OpenRouter, LiteLLM,
// Databricks, vLLM, SGLang, TGI, llama.cpp, Ollama, LM Studio.
var (
	usageWords  = lazyregexp.New(`stream[_ -]?options|include_?usage`)
	streamParam = lazyregexp.New(`"param": ?"stream"|"loc": ?\[[^\]]*"stream"`)
	streamWords = lazyregexp.New(`\bstream(s|ed|ing)?\b|\bsse\b|server-sent events`)
	onlyStreams = lazyregexp.New(`only supports? (the )?stream|enable (the )?stream|non-?streaming .{0,20}not`)
	systemWords = lazyregexp.New(`\b(system|developer)['"]?[ _](role|message|instruction|prompt)|role.{0,40}\b(system|developer)\b|supports? .{0,20}\bsystem\b|\bsystem\b.{0,20}\bsupported|['"` + "`" + `](system|developer)['"` + "`" + `]`)
	// roleWords say which roles there are, without a word of the one that is not.
	roleWords = lazyregexp.New(`roles? (must|should|have to|need to)( be)? alternat|only .{0,12}\buser\b.{0,12}\b(assistant|model)\b.{0,20}\brole|` +
		`\bvalid role|(should|must) be (one of )?.{0,12}\buser\b.{0,12}\b(assistant|model)\b`)
	unknownWords = lazyregexp.New(`extra (inputs|fields)|extra_forbidden|additional propert|cannot find field|` +
		`(unknown|unrecognized|unsupported|unexpected)[_ ](\w+ )?(parameter|field|name|argument|key|property|option)`)

	imageWords   = lazyregexp.New(`image|picture|photo|vision|multi-?modal|mmproj|media[_ -]?type`)
	partWords    = lazyregexp.New(`sequence, expected a string|untagged enum|expected .{0,2}text\b|content.{0,60}(should|must) be a (valid )?string`)
	pictureFault = lazyregexp.New(`format|mime|media.?type|corrupt|invalid|decod|size|dimension|pixel|large|could not process|too (many|big)`)

	faultWords = lazyregexp.New(`invalid|decod|corrupt|truncated|identify|(failed|unable|cannot|could not) (to )?(load|read|open|process|parse)`)
	// kindWords are codes of errors that say nothing of a picture.
	kindWords = lazyregexp.New(`invalid[_ ](request|argument|parameter|content|type|chat|value)\w*`)

	noWords      = lazyregexp.New(`\bnot?\b|n't\b|\bcannot\b|\bonly\b|unsupported|unexpected|unknown|unrecognized|invalid|must be|should be|disable|verified|extra|forbidden|permitted|remove`)
	supportWords = lazyregexp.New(`(not|n't)( yet| currently)? (be )?(support|enabled|available|implemented|allowed|compiled|accept|take|have)|unsupported|only supported|mmproj|` +
		`not a multi|no endpoints|missing data required|at most 0`)
)

// ofRequest reports whether the provider refused something in the request, as opposed
// to being out of order, or closed to this key.
func (r *refusal) ofRequest() bool {
	switch r.status {
	case 0, http.StatusUnauthorized, http.StatusPaymentRequired, http.StatusTooManyRequests, http.StatusRequestTimeout:
		return false
	}
	// Several servers answer 500 for what a model or its template does not take.
	return r.status < 500 || supportWords.MatchString(r.body) || roleWords.MatchString(r.body)
}

// ofContent reports whether the messages may be what was refused, by the status.
func (r *refusal) ofContent() bool {
	switch r.status {
	case http.StatusBadRequest, http.StatusNotFound, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity:
		return true
	}
	return false
}

func (r *refusal) ofUsage() bool { return r.ofRequest() && usageWords.MatchString(r.body) }

func (r *refusal) ofStream() bool {
	if !r.ofRequest() {
		return false
	}
	text := usageWords.ReplaceAllString(r.body, "")
	return streamParam.MatchString(text) || streamWords.MatchString(text) && noWords.MatchString(text) && !onlyStreams.MatchString(text)
}

func (r *refusal) ofSystem() bool {
	return r.ofRequest() && (systemWords.MatchString(r.body) && noWords.MatchString(r.body) || roleWords.MatchString(r.body))
}

// ofUnknown reports whether a field was refused that the provider does not name.
func (r *refusal) ofUnknown() bool {
	return r.ofRequest() && unknownWords.MatchString(r.body) && !r.ofStream() && !r.ofSystem() && !r.ofImages()
}

func (r *refusal) ofImages() bool {
	if r.status == http.StatusInternalServerError && imageWords.MatchString(r.body) && faultWords.MatchString(r.body) {
		return true // of a decoder, which says nothing of the status
	}
	return r.ofRequest() && (imageWords.MatchString(r.body) || partWords.MatchString(r.body))
}

// ofAllImages reports whether the model takes no pictures, rather than not this one.
func (r *refusal) ofAllImages() bool {
	return r.ofImages() && !pictureFault.MatchString(kindWords.ReplaceAllString(r.body, "")) &&
		(partWords.MatchString(r.body) || supportWords.MatchString(r.body))
}
