package responses

import (
	"encoding/json"
	"slices"

	"chat"
)

// CodeOf returns the code of a Failure in chatd's own words, and whether another response
// may succeed. It returns "" for a code of another server.
func CodeOf(failure json.RawMessage) (code chat.Code, retryable bool) {
	var v struct {
		Error struct {
			Code chat.Code `json:"code"`
		} `json:"error"`
	}
	if json.Unmarshal(failure, &v) != nil {
		return "", false // a code may also be a number
	}
	switch code := v.Error.Code; {
	case slices.Contains(temporary(), code):
		return code, true
	case slices.Contains(permanent(), code):
		return code, false
	}
	return "", false
}

func temporary() []chat.Code {
	return []chat.Code{
		chat.CodeProviderRateLimit, chat.CodeProviderServer, chat.CodeProviderConnect, chat.CodeProviderHeaders,
		chat.CodeProviderFirstToken, chat.CodeProviderIdle, chat.CodeProviderCut, chat.CodeAttemptsSpent, chat.CodeUnavailable,
	}
}

func permanent() []chat.Code {
	return []chat.Code{
		chat.CodeProviderAuth, chat.CodeProviderRefused, chat.CodeProviderContext, chat.CodeProviderModel, chat.CodeProviderQuota,
		chat.CodeProviderProtocol, chat.CodeProviderFilter, chat.CodeProviderEmpty, chat.CodeProviderNoText,
		chat.CodeDeadline, chat.CodeAnswerTooLarge, chat.CodeNotConfigured,
	}
}
