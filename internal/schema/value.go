package schema

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// The limits of a JSON value.
const (
	maxDepth = 128 // of nested objects and lists
	// maxExponent and maxDigits bound a number, because the validator computes exactly.
	maxExponent = 1000
	maxDigits   = 1000
)

// Find returns the one JSON value in an answer. The answer is the value; or text with an
// object or a list in it, such as a code fence or a sentence before it, if the rest of the
// text has no braces and brackets. The error is a sentence without a capital.
func Find(text string) ([]byte, error) {
	text = strings.TrimSpace(strings.TrimPrefix(text, "\ufeff"))
	if text == "" {
		return nil, errors.New("the answer is empty")
	}
	begin := strings.IndexAny(text, "{[")
	if whole := []byte(unfenced(text)); begin < 0 || whole[0] == '"' && check(whole) == nil {
		if err := check(whole); err != nil {
			return nil, errors.New("the answer has no JSON in it")
		}
		return whole, nil
	}
	d := jsontext.NewDecoder(strings.NewReader(text[begin:]))
	value, err := d.ReadValue()
	if err != nil {
		return nil, fmt.Errorf("the answer is not JSON: %w", described(err))
	}
	rest := text[:begin] + text[begin+int(d.InputOffset()):]
	if strings.ContainsAny(rest, "{}[]") {
		return nil, errors.New("the answer has more than one JSON value, or other braces or brackets around it")
	}
	if err := check(value); err != nil {
		return nil, fmt.Errorf("the answer is not JSON: %w", err)
	}
	return bytes.Clone(value), nil
}

// unfenced returns the content of a code fence, or the text if it is none.
func unfenced(text string) string {
	inside, fenced := strings.CutPrefix(text, "```")
	inside, closed := strings.CutSuffix(inside, "```")
	_, inside, several := strings.Cut(inside, "\n") // the first line has the language
	if inside = strings.TrimSpace(inside); fenced && closed && several && inside != "" {
		return inside
	}
	return text
}

// check returns why raw is not one JSON value that can be checked. It must be I-JSON (RFC
// 7493): no name twice in an object, valid Unicode.
func check(raw []byte) error {
	d := jsontext.NewDecoder(bytes.NewReader(raw))
	for ended := false; ; ended = d.StackDepth() == 0 {
		token, err := d.ReadToken()
		switch {
		case ended && errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return described(err)
		case ended:
			return errors.New("it is more than one JSON value")
		case d.StackDepth() > maxDepth:
			return fmt.Errorf("it is nested deeper than %d levels", maxDepth)
		case token.Kind() == '0' && !isModest(token.String()):
			return fmt.Errorf("the number at %s is too long", orTop(d.StackPointer()))
		}
	}
}

// isModest reports whether exact arithmetic with a number is cheap.
func isModest(number string) bool {
	digits, exponent, found := strings.Cut(strings.ToLower(number), "e")
	if !found {
		return len(digits) <= maxDigits
	}
	n, err := strconv.Atoi(exponent)
	return err == nil && len(digits) <= maxDigits && n <= maxExponent && n >= -maxExponent
}

// described says what is wrong with JSON, and where.
func described(err error) error {
	syntax, ok := errors.AsType[*jsontext.SyntacticError](err)
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return errors.New("it ends in the middle")
	case !ok:
		return err
	}
	return fmt.Errorf("at %s: %w", orTop(syntax.JSONPointer), syntax.Err)
}

func orTop(p jsontext.Pointer) string {
	if p == "" {
		return "the top level"
	}
	return string(p)
}
