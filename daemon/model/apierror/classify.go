package apierror

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"chat/internal/lazyregexp"
)

// Kind is what an error is about.
type Kind int

const (
	KindOther     Kind = iota // any other fault of the request
	KindContext               // the conversation is too long for the model
	KindTooFast               // the request alone is more than a minute's allowance
	KindRate                  // too many requests
	KindQuota                 // no credit, or a spent allowance
	KindAuth                  // the key
	KindForbidden             // what the key may do
	KindModel                 // no such model
	KindPath                  // no such URL
	KindFilter                // the content filter
	KindPayload               // too many bytes
	KindBusy                  // overloaded
	KindLoading               // the model is being loaded
	KindServer                // it failed
	KindPlainHTTP             // HTTP was spoken to a TLS port
	KindProxy                 // a proxy wants a login
)

func anyOf(text string, parts ...string) bool {
	for _, p := range parts {
		if strings.Contains(text, p) {
			return true
		}
	}
	return false
}

// Classify returns the kind of an error. The order matters: providers use many statuses for
// the same error, and the statuses with many uses say least.
func (c *Error) Classify(status int) Kind {
	client := status < 500
	switch {
	case status == http.StatusProxyAuthRequired:
		return KindProxy
	case client && anyOf(c.whole, "http request to an https server", "plain http request was sent to https", "speaking plain http to an ssl-enabled", "combination of host and port requires tls"):
		return KindPlainHTTP
	case c.tooFast():
		return KindTooFast
	case !c.rateLimited(status) && c.contextFull():
		return KindContext
	case c.noQuota(status):
		return KindQuota
	case c.filtered():
		return KindFilter
	case status == http.StatusUnauthorized || client && c.badKey():
		return KindAuth
	case client && c.noModel():
		return KindModel
	case status == http.StatusNotFound || status == http.StatusMethodNotAllowed:
		if c.noPath() {
			return KindPath
		}
		return KindModel
	case c.busy(status):
		return KindBusy
	case c.rateLimited(status):
		return KindRate
	case anyOf(c.says, "model is loading", "loading model", "is currently loading", "still loading") && !client:
		return KindLoading
	case status == http.StatusRequestTimeout || status == http.StatusConflict || status == http.StatusTooEarly || status >= 500:
		return KindServer
	case status == http.StatusForbidden:
		return KindForbidden
	case status == http.StatusRequestEntityTooLarge:
		return KindPayload
	}
	return KindOther
}

// rateLimited reports whether the error is about requests or tokens in a period.
func (c *Error) rateLimited(status int) bool {
	return status == http.StatusTooManyRequests || status < 500 && (anyOf(c.kinds, "rate_limit", "ratelimit", "throttl", "too_many_requests", "toomanyrequests", "resource_exhausted") ||
		anyOf(c.says, "rate limit", "too many requests", "tokens per min", "requests per min", "per minute", "throttl"))
}

// maxContext is more tokens than any model accepts; larger numbers are ignored.
const maxContext = 100_000_000

var perMinute = lazyregexp.New(`limit:? ?([\d,]+).{0,20}requested:? ?([\d,]+)`)

// tooFast reports whether the request alone exceeds the allowance of a minute.
func (c *Error) tooFast() bool {
	if !anyOf(c.says, "tokens per min", "tpm", "per minute") {
		return false
	}
	m := perMinute.FindStringSubmatch(c.says)
	if m == nil {
		return false
	}
	limit, requested := digits(m[1]), digits(m[2])
	if limit <= 0 || requested <= limit {
		return false
	}
	c.Limit, c.Used = limit, requested
	return true
}

func digits(s string) int {
	n, err := strconv.Atoi(strings.ReplaceAll(s, ",", ""))
	if err != nil || n < 0 || n > maxContext {
		return 0
	}
	return n
}

var overlong = lazyregexp.New(`(?:prompt|input|messages?|request|conversation|context|sequence|tokens?)\b[^.]{0,80}(?:exceed|longer than|too long|too large|too many|greater than|larger than)[^.]{0,80}(?:token|context)|` +
	`(?:prompt|input)[ _]length\b[^.]{0,40}exceed|` +
	`context[ _-]?(?:window|length|size|limit)\b[^.]{0,60}exceed|exceed[^.]{0,60}context[ _-]?(?:window|length|size|limit)`)

// contextFull reports whether the conversation is too long for the model.
func (c *Error) contextFull() bool {
	if anyOf(c.kinds, "context_length", "context_window", "exceed_context", "contextwindow", "contextlength", "prompt_too_long", "input_too_long", "max_prompt_tokens", "string_above_max_length", "tokens_limit_reached") {
		return true
	}
	if anyOf(c.says, "max_tokens", "max_completion_tokens", "max_output_tokens") && !anyOf(c.says, "prompt", "input", "message", "context") {
		return false // of the answer
	}
	return overlong.MatchString(c.says) || anyOf(c.says,
		"contextwindowexceeded", "context_length_exceeded", "context_window_exceeded", "context length exceeded", "context window exceeded",
		"maximum context length", "max context length", "maximum context size", "maximum prompt length", "maximum input length", "maximum allowed input length",
		"maximum allowed length", "maximum model length", "max_model_len", "max model len",
		"prompt is too long", "prompt too long", "input is too long", "input too long", "conversation is too long", "prompt exceeds max length",
		"context the overflows", "context overflow", "n_keep", "configured context size", "available context size", "not enough context",
		"range of input length", "reduce the length of the messages", "reduce the length of the prompt", "reduce the length of the input", "decrease input length",
		"`inputs` tokens", "`inputs` must have less than", "too large for model with", "exceeds the limit of", "token limit exceeded", "exceeded model token limit",
		"maximum number of tokens", "maximum number of input tokens", "input token count", "prompt token count", "too many input tokens", "too many tokens", "input tokens exceed", "tokens exceed")
}

// noQuota reports whether the account has no credit left. Gemini calls a limit per minute a
// quota, too, but says how long to wait.
func (c *Error) noQuota(status int) bool {
	switch {
	case status == http.StatusPaymentRequired:
		return true
	case anyOf(c.kinds, "insufficient_quota", "billing", "insufficient_balance", "insufficient_credit", "insufficient_funds", "payment_required", "exceeded_current_quota",
		"quota_exceeded", "budget_exceeded", "exceededbudget", "arrearage", "credits_exhausted", "out_of_credits", "spend_limit", "personal-team-blocked:spending-limit"):
		return true
	case anyOf(c.says, "insufficient_quota", "credit balance", "insufficient balance", "insufficient credit", "insufficient funds", "insufficient quota", "not enough credit", "out of credit", "no credits",
		"more credits", "available credits", "spending limit", "spend limit", "monthly limit", "included credits", "credit limit", "budget has been exceeded", "key limit exceeded", "billing hard limit", "billing to be enabled",
		"enable billing", "requires billing", "billing is not active", "billing details are not", "account is not active", "insufficient account balance", "余额不足", "欠费", "arrearage"):
		return true
	}
	return strings.Contains(c.says, "exceeded your current quota") && c.Delay == 0 && !anyOf(c.kinds, "resource_exhausted")
}

func (c *Error) filtered() bool {
	return anyOf(c.kinds, "content_filter", "contentfilter", "content_policy", "responsibleaipolicy", "prohibited_content", "data_inspection_failed", "datainspectionfailed", "moderation", "safety", "sensitive_content", "content_blocked") ||
		anyOf(c.says, "content management policy", "content_filter", "content filter", "content policy", "safety system", "usage polic", "usage guidelines", "prohibited_content", "content exists risk", "requires moderation", "was flagged", "blocked due to safety", "inappropriate content", "responsibleaipolicyviolation")
}

func (c *Error) badKey() bool {
	return anyOf(c.kinds, "invalid_api_key", "api_key_invalid", "invalidapikey", "authentication", "unauthenticated", "unauthorized", "invalid_token", "missing_api_key", "access_denied_invalid_key") ||
		anyOf(c.says, "incorrect api key", "invalid api key", "invalid api-key", "invalid_api_key", "api key not valid", "api key is not valid", "api key is invalid", "api key not found", "api key expired", "api key has expired", "invalid x-api-key",
			"no api key", "missing api key", "api key is missing", "api key is required", "didn't provide an api key", "pass a valid api key", "no auth credentials", "no cookie auth", "missing authentication", "authentication failed", "authentication error", "authenticationerror",
			"invalid subscription key", "invalid authentication", "invalid authorization", "invalid bearer", "invalid credentials", "unregistered callers", "jwt expired", "token expired", "login fail")
}

var missingModel = lazyregexp.New("models?[ :/]+(?:id |name )?[\"'`]?[^\\s\"'`]{1,200}[\"'`]? (?:was |is |could |cannot |can ?not |has |does |do |isn't |doesn't )*(?:be )?(?:not (?:be )?)?(?:found|exists?|available|decommissioned|deprecated and no longer|supported (?:by any|in the v1|for this)|a valid model)|" +
	"not found (?:the )?model|no such model|unknown model|invalid model|not a valid model|model (?:was )?not found|models? not exist|model does not exist|model (?:name |id )?is invalid|no endpoints found for|access to (?:the )?model|unable to access model|model identifier is invalid|deployment for this resource does not exist|模型不存在")

var vainModel = lazyregexp.New("(?:not|n't|no|unknown|invalid|fail|decommissioned|deprecated|unable|不)")

func (c *Error) noModel() bool {
	if anyOf(c.kinds, "model_not_found", "modelnotfound", "model_not_exist", "model_not_supported", "model_not_available", "model_decommissioned", "invalid_model", "unknown_model", "unsupported_model", "deploymentnotfound", "model_unavailable") {
		return true
	}
	m := missingModel.FindString(c.says)
	return m != "" && vainModel.MatchString(c.says)
}

// noPath reports whether a 404 or a 405 is about the URL and not about the model.
func (c *Error) noPath() bool {
	said := strings.TrimSpace(c.says)
	return said == "" || c.page || generic(said) || anyOf(c.kinds, "unknown_url") || anyOf(c.says,
		"page not found", "file not found", "resource not found", "route not found", "endpoint not found", "url not found", "path not found", "cannot post", "cannot get", "invalid url", "unknown url", "unexpected endpoint",
		"no route", "no such route", "requested url", "request url", "method not allowed", "no handler", "not found on this server", "no static resource", "no message available", "{\"detail\":\"not found\"}")
}

func (c *Error) busy(status int) bool {
	if status < 400 || status == http.StatusForbidden {
		return false
	}
	return status == 529 || anyOf(c.kinds, "overloaded", "capacity_exceeded", "server_busy") ||
		anyOf(c.says, "overloaded", "over capacity", "at capacity", "server is busy", "server busy", "no capacity", "high demand", "currently experiencing high", "no available slot", "queue is full", "capacity exceeded")
}

// Numbers that are an upper bound, in a sentence in lower case. If the first group says by
// how much the request is too long, the number is no bound.
var (
	boundOfLlama  = lazyregexp.New(`n_ctx()[:= ]+([\d,]{3,})\b`)
	boundCompared = lazyregexp.New(`>()\s*([\d,]{3,})\b`)
	boundOfRange  = lazyregexp.New(`should be \[1()[, ]+([\d,]{3,})\b`)
	boundNamed    = lazyregexp.New(`(?:context (?:length|size|window)|maximum|limit|max|<=|less than|at most|up to|allowed)([^0-9.]{0,60}?)\(?([\d,]{3,})\b`)
	boundOfTokens = lazyregexp.New(`(?:context (?:length|size|window)|maximum|limit|max|<=|less than|at most|up to|allowed)([^0-9.]{0,60}?)\(?([\d,]{3,})\)? tokens?\b`)

	counts = lazyregexp.New(`\b\d[\d,]*\d\b`)
	sum    = lazyregexp.New(`\d \+ \d`)
)

// countTokens finds the length of the conversation and its bound.
func (c *Error) countTokens() {
	if c.Limit > 0 {
		return
	}
	most := 0
	for _, m := range counts.FindAllString(c.says, 20) {
		most = max(most, digits(m))
	}
	for _, b := range []*lazyregexp.Regexp{boundOfLlama, boundCompared, boundOfRange, boundNamed, boundOfTokens} { // the clearest first
		for _, m := range b.FindAllStringSubmatch(c.says, 10) {
			n := digits(m[2])
			switch {
			case n < 100 || strings.Contains(m[1]+" ", " by "):
				continue
			case most > n && !sum.MatchString(c.says): // a sum is not the longest of its numbers
				c.Limit, c.Used = n, most
				return
			case b != boundNamed: // which alone may be any number
				c.Limit = n
				return
			}
		}
	}
}

// LikelyStatus is the status that fits an error inside a response with status 200.
func (c *Error) LikelyStatus() int {
	for _, k := range []struct {
		part   string
		status int
	}{
		{"rate_limit", http.StatusTooManyRequests},
		{"authentication", http.StatusUnauthorized},
		{"invalid_api_key", http.StatusUnauthorized},
		{"overloaded_error", 529}, // Anthropic's own status
		{"timeout_error", http.StatusGatewayTimeout},
		{"billing_error", http.StatusPaymentRequired},
		{"request_too_large", http.StatusRequestEntityTooLarge},
		{"permission", http.StatusForbidden},
		{"not_found", http.StatusNotFound},
		{"invalid_request", http.StatusBadRequest},
		{"context_length", http.StatusBadRequest},
	} {
		if strings.Contains(c.kinds, k.part) {
			return k.status
		}
	}
	return http.StatusInternalServerError
}

// Lengths returns the length of the conversation and its bound, in tokens; 0 for what is unknown.
func (c *Error) Lengths() (used, limit int) { return c.Used, c.Limit }

// Tokens formats the length of the conversation and its bound, as far as they are known.
func (c *Error) Tokens() string {
	switch {
	case c.Used > 0 && c.Limit > 0:
		return fmt.Sprintf(" (%d tokens, and it takes %d)", c.Used, c.Limit)
	case c.Limit > 0:
		return fmt.Sprintf(" (it takes %d tokens)", c.Limit)
	}
	return ""
}

// FromWebPage reports whether the body was a web page.
func (c *Error) FromWebPage() bool { return c.page && strings.HasPrefix(c.whole, "<") }
