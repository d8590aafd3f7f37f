package answer

import (
	"fmt"

	"chat"
	"chat/daemon/model/completion"
)

// emptyAnswer returns the error of a proper end without text. It is not retryable: another
// attempt would bring the same.
func emptyAnswer(host, reason string, came completion.Extras) *chat.Error {
	ending := chat.EndingOf(reason)
	switch {
	case came.Pictures > 0:
		return chat.Errorf(chat.CodeProviderNoText, "%s answered with %s and no text, and chat keeps text only: ask for a description, or choose another model", host, pictures(came.Pictures))
	case came.Sounds > 0:
		return chat.Errorf(chat.CodeProviderNoText, "%s answered with sound and no text, and chat keeps text only: choose another model", host)
	case ending == chat.EndingTool:
		return chat.Errorf(chat.CodeProviderNoText, "the model asked for a tool and said nothing, and chat has no tools: rephrase the message so that none is needed, or choose another model")
	case ending == chat.EndingFilter:
		return chat.Errorf(chat.CodeProviderFilter, "the content filter of %s stopped the answer before its first word: rephrase the message", host)
	case ending == chat.EndingLength:
		return chat.Errorf(chat.CodeProviderEmpty, "%s had no room left for an answer: start a new conversation, or choose a model with a larger context", host)
	case ending == chat.EndingOther:
		return chat.Errorf(chat.CodeProviderEmpty, "%s ended its answer before its first word (%s): rephrase the message, or choose another model", host, reason)
	}
	return chat.Errorf(chat.CodeProviderEmpty, "%s ended its answer without any text: rephrase the message, or choose another model", host)
}

// leftOut returns the notices about what came beside the text.
func leftOut(host string, came completion.Extras) (notices []string) {
	if came.Pictures > 0 {
		notices = append(notices, fmt.Sprintf("%s also sent %s, which chat does not keep", host, pictures(came.Pictures)))
	}
	if came.Sounds > 0 {
		notices = append(notices, fmt.Sprintf("%s also sent sound, of which chat keeps the text only", host))
	}
	return notices
}

func pictures(n int) string {
	if n == 1 {
		return "an image"
	}
	return fmt.Sprintf("%d images", n)
}
