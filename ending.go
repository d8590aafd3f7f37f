package chat

import (
	"fmt"
	"strings"
	"unicode"
)

// Ending is the meaning of a provider's finish reason. Providers have many names for the
// same few endings.
type Ending string

// The endings.
const (
	EndingComplete Ending = "complete" // the model finished its answer
	EndingLength   Ending = "length"   // a limit on tokens was reached
	EndingFilter   Ending = "filter"   // a content filter stopped it, or the model refused
	EndingTool     Ending = "tool"     // the model asked for a tool
	EndingFailure  Ending = "failure"  // the server failed
	EndingOther    Ending = "other"    // an unknown name
)

// endings maps the names in use, in the form of plainReason, to their meanings.
var endings = func() map[string]Ending { //nolint:gochecknoglobals // a constant in all but type
	names := map[Ending]string{
		EndingComplete: `stop stopped endturn turnend eos eostoken eosfound stoptoken stopsequence stopstring
			stopcriteria stopword complete completed finish finished done end endofturn endoftext success succeeded ok normal null none`,
		EndingLength: `length lengthlimit maxlength maxtokens maxtoken maxnewtokens maxoutputtokens maxcompletiontokens
			tokenlimit modellength modelcontextwindowexceeded contextlength contextlengthexceeded contextwindow
			contextwindowexceeded exceedcontextlength errorlimit limit truncated maxtokensreached`,
		EndingFilter: `contentfilter contentfiltered contentblocked contentpolicy contentpolicyviolation filter filtered
			safety unsafe recitation prohibitedcontent blocklist blocked spii refusal refused sensitive moderation
			guardrail guardrailintervened guardrails imagesafety imageprohibitedcontent imagerecitation errortoxic risk censored`,
		EndingTool: `toolcalls toolcall tooluse tools functioncall functioncalls function`,
		EndingFailure: `error errored failed failure fail exception abort aborted cancel cancelled canceled networkerror
			servererror internalerror internalservererror apierror modelerror timeout timedout insufficientsystemresource insufficientsystemresources
			insufficientresource insufficientresources resourceexhausted overloaded engineoverloaded serveroverloaded unavailable crashed`,
	}
	out := map[string]Ending{"": EndingComplete}
	for ending, list := range names {
		for _, name := range strings.Fields(list) {
			out[name] = ending
		}
	}
	return out
}()

// EndingOf returns the meaning of a finish reason, whatever its case and separators. An
// empty reason means a complete answer.
func EndingOf(finishReason string) Ending {
	plain := plainReason(finishReason)
	if e, ok := endings[plain]; ok {
		return e
	}
	if e, ok := endings[strings.TrimPrefix(plain, "finishreason")]; ok { // enumerations of Protocol Buffers
		return e
	}
	if strings.HasPrefix(plain, "contentfilter") { // with what was found
		return EndingFilter
	}
	return EndingOther
}

// plainReason returns the letters and digits of s in lower case.
func plainReason(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}

// Shortfall says why the result of a done task is not a complete answer, as a sentence
// without a capital and without a full stop; "" if it is complete.
func Shortfall(finishReason string, p Parts) string {
	ending := EndingOfParts(finishReason, p)
	why := ending.Why(finishReason)
	if n := len(p); ending == EndingTool && n > 0 && p[n-1].Type == PartToolCall {
		why = fmt.Sprintf("the model asked for the tool %q, and chat has no tools", p[n-1].Name)
	}
	if strings.TrimSpace(p.Text()) == "" {
		return missingAnswer(why, p.Reasoning() != "")
	}
	if why != "" {
		return "the answer is incomplete: " + why
	}
	return ""
}

// EndingOfParts is EndingOf for an answer with these parts. An answer whose last part is a
// tool call waits for the result, even if the finish reason says that it is complete.
func EndingOfParts(finishReason string, p Parts) Ending {
	ending := EndingOf(finishReason)
	if n := len(p); n > 0 && p[n-1].Type == PartToolCall && ending == EndingComplete {
		return EndingTool
	}
	return ending
}

// Shortfall is the function Shortfall for the message; "" unless its task is done.
func (m *Message) Shortfall() string {
	switch {
	case m.State != TaskDone:
		return ""
	case m.Error != nil: // CodeFormatMismatch
		return m.Error.Message
	}
	return Shortfall(m.FinishReason, m.AllParts())
}

func missingAnswer(why string, reasoned bool) string {
	switch {
	case why == "" && reasoned:
		return "there is no answer: the model ended after its reasoning"
	case why == "":
		return "there is no answer: it is empty"
	case reasoned:
		return "there is no answer, only reasoning: " + why
	}
	return "there is no answer: " + why
}

// Why returns the reason of an incomplete answer as a clause, "" for a complete one.
func (e Ending) Why(finishReason string) string {
	switch e {
	case EndingComplete:
		return ""
	case EndingLength:
		return "the model's limit on its length was reached"
	case EndingFilter:
		return "the provider's content filter ended it"
	case EndingTool:
		return "the model asked for a tool, and chat has none"
	case EndingFailure:
		return fmt.Sprintf("the provider failed (%s)", finishReason)
	case EndingOther:
	}
	return fmt.Sprintf("the provider ended it for another reason (%s)", finishReason)
}
