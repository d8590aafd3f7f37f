package apierror

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"chat"
	"chat/daemon/model"
	"chat/internal/lazyregexp"
)

// RefusalError is the cause of an error from a provider, with its body: the message for the user
// is shortened, and does not name fields.
type RefusalError struct {
	error         // what it said
	Status int    // of the response, or as the error object has it
	body   string // lower case, quotes not escaped
	Filter bool   // the content filter stopped it
}

// maxRefusal bounds how much of a body is searched, in bytes: some echo the request.
const maxRefusal = 8 << 10

func (r *RefusalError) Unwrap() error { return r.error }

// HTTPStatus is the Status, for those that do not know this package.
func (r *RefusalError) HTTPStatus() int { return r.Status }

// Limit returns what the error of a response, which may be nil, says of rate limits, and how long
// the provider asks to wait.
func Limit(err error) (model.Outcome, time.Duration) {
	if err == nil {
		return model.Accepted, 0
	}
	said, ok := errors.AsType[*Error](err)
	// The request alone may be more than a minute's allowance; and a wait that is too long ends
	// the task instead of all others waiting, too.
	if !ok || !chat.IsCode(err, chat.CodeProviderRateLimit) || said.Limit > 0 || said.Delay > MaxRetryAfter {
		return model.Failed, 0
	}
	return model.Limited, said.Delay
}

func NewRefusal(said error, status int, body []byte) *RefusalError {
	text := strings.ToLower(string(body[:min(len(body), maxRefusal)]))
	return &RefusalError{error: said, Status: status, body: strings.ReplaceAll(text, `\`, "")}
}

// RefusalIn returns the refusal in err, nil for an error of another kind.
func RefusalIn(err error) *RefusalError {
	filter := chat.IsCode(err, chat.CodeProviderFilter)
	r, ok := errors.AsType[*RefusalError](err)
	switch {
	case ok:
		r.Filter = filter
	case filter: // a response without text
		r = &RefusalError{error: err, Filter: true}
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
	// roleWords name the roles that exist, without the one that does not.
	roleWords = lazyregexp.New(`roles? (must|should|have to|need to)( be)? alternat|only .{0,12}\buser\b.{0,12}\b(assistant|model)\b.{0,20}\brole|` +
		`\bvalid role|(should|must) be (one of )?.{0,12}\buser\b.{0,12}\b(assistant|model)\b`)
	unknownWords = lazyregexp.New(`extra (inputs|fields)|extra_forbidden|additional propert|cannot find field|` +
		`(unknown|unrecognized|unsupported|unexpected)[_ ](\w+ )?(parameter|field|name|argument|key|property|option)`)

	formatWords = lazyregexp.New(`response[_ ]?format|text\.format|json[_ -]?(schema|object|mode)|structured[_ ]outputs?|guided[_ ]json|grammar`)
	schemaWords = lazyregexp.New(`invalid[_ ](json[_ ])?schema|schema (is )?(invalid|not valid)|additionalproperties|'required' is|\bstrict\b`)

	imageWords   = lazyregexp.New(`image|picture|photo|vision|multi-?modal|mmproj|media[_ -]?type`)
	partWords    = lazyregexp.New(`sequence, expected a string|untagged enum|expected .{0,2}text\b|content.{0,60}(should|must) be a (valid )?string`)
	pictureFault = lazyregexp.New(`format|mime|media.?type|corrupt|invalid|decod|size|dimension|pixel|large|could not process|too (many|big)`)

	documentWords = lazyregexp.New(`\bpdfs?\b|\bdocuments?\b|input_file|\bfiles?\b`)

	faultWords = lazyregexp.New(`invalid|decod|corrupt|truncated|identify|(failed|unable|cannot|could not) (to )?(load|read|open|process|parse)`)
	// kindWords are codes of errors that do not concern a picture.
	kindWords = lazyregexp.New(`invalid[_ ](request|argument|parameter|content|type|chat|value)\w*`)

	// parameterWords are the names of parameters in errors. All but the name of a field that
	// is also a common word are found anywhere.
	parameterWords = map[string]*lazyregexp.Regexp{ //nolint:gochecknoglobals // a constant in all but type
		"temperature": lazyregexp.New(`\btemperature\b`),
		"top_p":       lazyregexp.New(`\btop[-_ ]?p\b`),
		"max_tokens":  lazyregexp.New(`\bmax[-_ ]?(completion[-_ ]?|output[-_ ]?|new[-_ ]?)?tokens\b`),
		"effort":      lazyregexp.New(`reasoning|\bthinking\b|\beffort\b`),
		"stop": lazyregexp.New(`\bstop[-_ ]sequences?\b|['"` + "`" + `]stop['"` + "`" + `]|` +
			`(parameter|field|argument|property|key|name)(s|\(s\))?( supplied)?:? stop\b|: stop\b`),
		"seed": lazyregexp.New(`\bseed\b`),
	}
	// valueWords say that another value would be accepted.
	valueWords = lazyregexp.New(`too (large|big|high|long|low|small|many)|supported values|one of|\bexpected|between|range|at (most|least)|` +
		`less than|greater than|exceed|maximum|minimum|input should be|must be|should be`)
	onlyDefault = lazyregexp.New(`only the default`)

	noWords      = lazyregexp.New(`\bnot?\b|n't\b|\bcannot\b|\bonly\b|unsupported|unexpected|unknown|unrecognized|invalid|must be|should be|disable|verified|extra|forbidden|permitted|remove`)
	supportWords = lazyregexp.New(`(not|n't)( yet| currently)? (be )?(support|enabled|available|implemented|allowed|compiled|accept|take|have)|unsupported|only supported|mmproj|` +
		`not a multi|no endpoints|missing data required|at most 0`)
)

// OfRequest reports whether the provider refused something in the request, as opposed to
// a failure of the server or a refusal of the key.
func (r *RefusalError) OfRequest() bool {
	switch r.Status {
	case 0, http.StatusUnauthorized, http.StatusPaymentRequired, http.StatusTooManyRequests, http.StatusRequestTimeout:
		return false
	}
	// Several servers answer 500 for what a model or its template does not accept.
	return r.Status < 500 || supportWords.MatchString(r.body) || roleWords.MatchString(r.body)
}

// OfContent reports whether the messages may be what was refused, by the status.
func (r *RefusalError) OfContent() bool {
	switch r.Status {
	case http.StatusBadRequest, http.StatusNotFound, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity:
		return true
	}
	return false
}

// Find returns the first match of words, which are in lower case, and its groups; nil if there is
// none.
func (r *RefusalError) Find(words *lazyregexp.Regexp) []string {
	return words.FindStringSubmatch(r.body)
}

func (r *RefusalError) OfUsage() bool { return r.OfRequest() && usageWords.MatchString(r.body) }

func (r *RefusalError) OfStream() bool {
	if !r.OfRequest() {
		return false
	}
	text := usageWords.ReplaceAllString(r.body, "")
	return streamParam.MatchString(text) || streamWords.MatchString(text) && noWords.MatchString(text) && !onlyStreams.MatchString(text)
}

func (r *RefusalError) OfSystem() bool {
	return r.OfRequest() && (systemWords.MatchString(r.body) && noWords.MatchString(r.body) || roleWords.MatchString(r.body))
}

// OfFormat reports whether the provider refused the form that an answer should have.
func (r *RefusalError) OfFormat() bool { return r.OfRequest() && formatWords.MatchString(r.body) }

// OfSchema reports whether it refused the schema of that form, rather than all schemas.
func (r *RefusalError) OfSchema() bool { return r.OfFormat() && schemaWords.MatchString(r.body) }

// OfUnknown reports whether the provider refused a field without naming it.
func (r *RefusalError) OfUnknown() bool {
	return r.OfRequest() && unknownWords.MatchString(r.body) && !r.OfFormat() && !r.OfStream() && !r.OfSystem() && !r.OfImages()
}

// OfParameter reports whether the provider refused a parameter of chat.ParameterNames.
func (r *RefusalError) OfParameter(name string) bool {
	words := parameterWords[name]
	return words != nil && r.OfRequest() && words.MatchString(r.body) && (noWords.MatchString(r.body) || valueWords.MatchString(r.body))
}

// OfValue reports whether the provider refused the value of a parameter, and would accept
// another one.
func (r *RefusalError) OfValue() bool {
	return valueWords.MatchString(r.body) && !onlyDefault.MatchString(r.body) && !unknownWords.MatchString(r.body)
}

func (r *RefusalError) OfImages() bool {
	if r.Status == http.StatusInternalServerError && imageWords.MatchString(r.body) && faultWords.MatchString(r.body) {
		return true // from a decoder, whose status means nothing
	}
	return r.OfRequest() && (imageWords.MatchString(r.body) || partWords.MatchString(r.body))
}

// OfDocuments reports whether the provider may have refused a PDF.
func (r *RefusalError) OfDocuments() bool {
	return r.OfRequest() && (documentWords.MatchString(r.body) || partWords.MatchString(r.body))
}

// OfAllDocuments reports whether the model accepts no PDFs, rather than not this one.
func (r *RefusalError) OfAllDocuments() bool {
	return r.OfDocuments() && (partWords.MatchString(r.body) || supportWords.MatchString(r.body)) &&
		!pictureFault.MatchString(documentWords.ReplaceAllString(kindWords.ReplaceAllString(r.body, ""), ""))
}

// OfAllImages reports whether the model accepts no pictures, rather than not this one.
func (r *RefusalError) OfAllImages() bool {
	return r.OfImages() && !pictureFault.MatchString(kindWords.ReplaceAllString(r.body, "")) &&
		(partWords.MatchString(r.body) || supportWords.MatchString(r.body))
}
