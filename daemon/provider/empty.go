package provider

import (
	"fmt"

	"chat"
)

// emptyAnswer is a proper end without any text. Asking again would bring the same.
func (e *endpoint) emptyAnswer(reason string, came extras) *chat.Error {
	ending := chat.EndingOf(reason)
	switch {
	case came.Pictures > 0:
		return chat.Errorf(chat.CodeProviderNoText, "%s answered with %s and no text, and chat keeps text only: ask for a description, or choose another model", e.host, pictures(came.Pictures))
	case came.Sounds > 0:
		return chat.Errorf(chat.CodeProviderNoText, "%s answered with sound and no text, and chat keeps text only: choose another model", e.host)
	case ending == chat.EndingTool:
		return chat.Errorf(chat.CodeProviderNoText, "the model asked for a tool and said nothing, and chat has no tools: put the question so that none is needed, or choose another model")
	case ending == chat.EndingFilter:
		return chat.Errorf(chat.CodeProviderFilter, "the content filter of %s stopped the answer before its first word: put the question differently", e.host)
	case ending == chat.EndingLength:
		return chat.Errorf(chat.CodeProviderEmpty, "%s had no room left for an answer: start a new conversation, or choose a model with a larger context", e.host)
	case ending == chat.EndingOther:
		return chat.Errorf(chat.CodeProviderEmpty, "%s ended its answer before its first word (%s): put the question differently, or choose another model", e.host, reason)
	}
	return chat.Errorf(chat.CodeProviderEmpty, "%s ended its answer without any text: put the question differently, or choose another model", e.host)
}

// leftOut are the notices about what came beside a text.
func (e *endpoint) leftOut(came extras) (notices []string) {
	if came.Pictures > 0 {
		notices = append(notices, fmt.Sprintf("%s also sent %s, which chat does not keep", e.host, pictures(came.Pictures)))
	}
	if came.Sounds > 0 {
		notices = append(notices, fmt.Sprintf("%s also sent sound, of which chat keeps the text only", e.host))
	}
	return notices
}

func pictures(n int) string {
	if n == 1 {
		return "a picture"
	}
	return fmt.Sprintf("%d pictures", n)
}
