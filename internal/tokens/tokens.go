// Package tokens estimates how many tokens a conversation takes. No two models count alike, so
// that an estimate may be wrong by a third; Factor corrects it with what a model has counted.
package tokens

import (
	"unicode"

	"chat"
)

const (
	perMessage = 4    // the role and the marks around a message
	perImage   = 1200 // between the prices of a small and of a large one
	perByte    = 0.25 // of text in the Latin script, and of a file
)

// Text estimates the tokens of a text: one for four letters of the Latin script or other
// characters of ASCII, one for two letters of other alphabets, and one for each character of
// Chinese, Japanese and Korean.
func Text(s string) int {
	sum := 0.0
	for _, r := range s {
		switch {
		case r < 0x80:
			sum += perByte
		case r < 0x250:
			sum += 0.4
		case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul):
			sum++
		case r < 0x2000:
			sum += 0.5
		default:
			sum++
		}
	}
	return int(sum + 0.999)
}

// Message estimates the tokens of a message as a provider gets it: without reasoning, unless
// it has data of the provider.
func Message(m *chat.Message) int {
	sum := perMessage
	parts := m.AllParts()
	for i := range parts {
		p := &parts[i]
		switch p.Type {
		case chat.PartImage:
			sum += perImage
		case chat.PartFile:
			sum += int(float64(p.Size) * perByte)
		case chat.PartReasoning:
			if p.ProviderData != nil {
				sum += Text(p.Text)
			}
		case chat.PartText, chat.PartToolCall, chat.PartToolResult:
			sum += Text(p.Text) + Text(p.Name)
		}
	}
	return sum
}

// Messages estimates the tokens of a system prompt and of messages.
func Messages(system string, list []chat.Message) int {
	sum := 0
	if system != "" {
		sum = perMessage + Text(system)
	}
	for i := range list {
		sum += Message(&list[i])
	}
	return sum
}

// MaxFactor is how wrong an estimate can be at most.
const MaxFactor = 3

// Factor is how many tokens a model counts for an estimated one, from a request of which both
// are known. Short requests and impossible numbers say nothing: 1.
func Factor(counted, estimated int) float64 {
	const enough = 200
	if counted < enough || estimated < enough {
		return 1
	}
	return min(max(float64(counted)/float64(estimated), 1.0/MaxFactor), MaxFactor)
}
