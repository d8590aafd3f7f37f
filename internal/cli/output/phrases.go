package output

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"chat"
	"chat/internal/term/age"
)

// Age returns the time since t in words.
func Age(t time.Time) string { return age.Of(time.Since(t)) }

func Plural(n int, unit string) string {
	if n == 1 {
		return "1 " + unit
	}
	return fmt.Sprintf("%d %ss", n, unit)
}

func FirstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line
}

// CannotRead returns the error for a file that cannot be read.
func CannotRead(path string, err error) error {
	if inner := (*fs.PathError)(nil); errors.As(err, &inner) {
		err = inner.Err
	}
	return chat.Errorf(chat.CodeInvalid, "cannot read %s: %w", path, err)
}

// Tokens returns a sentence about the tokens of an answer, without a full stop.
func Tokens(u chat.Usage) string {
	prompt, answer := "", ""
	switch {
	case u.CachedTokens > 0 && u.CacheWriteTokens > 0:
		prompt = fmt.Sprintf(" (%d cached, %d written to the cache)", u.CachedTokens, u.CacheWriteTokens)
	case u.CachedTokens > 0:
		prompt = fmt.Sprintf(" (%d cached)", u.CachedTokens)
	case u.CacheWriteTokens > 0:
		prompt = fmt.Sprintf(" (%d written to the cache)", u.CacheWriteTokens)
	}
	if u.ReasoningTokens > 0 {
		answer = fmt.Sprintf(" (%d reasoning)", u.ReasoningTokens)
	}
	return fmt.Sprintf("%d tokens: %d of the prompt%s, %d of the answer%s", u.TotalTokens, u.PromptTokens, prompt, u.CompletionTokens, answer)
}
