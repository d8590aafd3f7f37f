package openai

import (
	"strings"

	"chat/daemon/model/apierror"
	"chat/daemon/model/continuation"
	"chat/internal/lazyregexp"
)

// prefill is how a server is told to continue its answer: by a field of the last message, which
// has the beginning.
type prefill struct {
	field string // "" if the server has none
	way   continuation.Way
}

// prefillOf returns the field of servers that document one:
// https://docs.mistral.ai/api, https://api-docs.deepseek.com/guides/chat_prefix_completion,
// https://platform.kimi.ai/docs/api/partial, https://www.alibabacloud.com/help/en/model-studio/partial-mode
func prefillOf(e *endpoint) prefill {
	switch {
	case e.Is("https://api.mistral.ai:443"):
		return prefill{"prefix", continuation.Echoed}
	case e.Is("https://api.deepseek.com:443") && strings.HasSuffix(e.Base, "/beta"):
		return prefill{"prefix", continuation.Prefilled}
	case e.Is("https://api.moonshot.ai:443"), e.Is("https://api.moonshot.cn:443"):
		return prefill{"partial", continuation.Prefilled}
	case e.Is("https://dashscope-intl.aliyuncs.com:443"), e.Is("https://dashscope.aliyuncs.com:443"):
		return prefill{"partial", continuation.Prefilled}
	}
	return prefill{}
}

// prefills reports whether the answer is prefilled with its beginning.
func (d *request) prefills() bool {
	return d.Request.Partial != "" && d.prefill.field != "" && !d.Form.noPrefill && !d.streamed
}

// prefillWords match what servers say about a message of the assistant at the end.
var prefillWords = lazyregexp.New(`prefi(?:x|ll)|\bpartial\b|last (?:message|role)|assistant message|enable_thinking|thinking mode`)

func ofPrefill(r *apierror.RefusalError) bool { return r.OfRequest() && r.Find(prefillWords) != nil }

// omitPrefill asks for the continuation in a message.
func (d *request) omitPrefill() (string, bool) {
	if !d.prefills() {
		return "", false
	}
	d.Form.noPrefill = true
	return "", true
}
