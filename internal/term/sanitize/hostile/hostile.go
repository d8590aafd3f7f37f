// Package hostile provides texts that would take over a terminal, and a check of
// output for them. It serves the tests of all packages that show foreign text.
package hostile

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
)

//go:embed payloads.txt
var payloads string

// Payload is a text that does harm when it reaches a terminal unchanged, unless it
// is Harmless.
type Payload struct {
	Group    string
	Text     string
	Harmless bool
}

// Name identifies a payload in the message of a test.
func (p Payload) Name() string {
	quoted := strconv.QuoteToASCII(p.Text)
	const longest = 60
	if len(quoted) > longest {
		quoted = quoted[:longest] + "…"
	}
	return p.Group + ": " + quoted
}

// Payloads returns all payloads. It panics if it cannot read the list, because a
// test without payloads would pass and prove nothing.
func Payloads() []Payload {
	var all []Payload
	var group string
	var harmless bool
	for i, line := range strings.Split(payloads, "\n") {
		if name, ok := strings.CutPrefix(line, "== "); ok {
			group, _, harmless = strings.Cut(name, "; harmless:")
			continue
		}
		if line == "" || line[0] == '#' {
			continue
		}
		text, err := read(line)
		if err != nil {
			panic(fmt.Sprintf("payloads.txt, line %d: %v", i+1, err))
		}
		all = append(all, Payload{group, text, harmless})
	}
	return all
}

// read reads a quoted string and how often it is repeated.
func read(line string) (string, error) {
	quoted, err := strconv.QuotedPrefix(line)
	if err != nil {
		return "", err
	}
	text, err := strconv.Unquote(quoted)
	if err != nil {
		return "", err
	}
	times := 1
	if rest := strings.TrimSpace(line[len(quoted):]); rest != "" {
		if times, err = strconv.Atoi(strings.TrimPrefix(rest, "* ")); err != nil {
			return "", err
		}
	}
	return strings.Repeat(text, times), nil
}
