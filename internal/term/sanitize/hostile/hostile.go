// Package hostile has texts that would take over a terminal, and the check that
// none of them does. It serves the tests of all that shows foreign text.
package hostile

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
)

//go:embed payloads.txt
var payloads string

// Payload is a text that does harm when a terminal gets it as it is, unless it is
// Harmless.
type Payload struct {
	Group    string
	Text     string
	Harmless bool
}

// Name tells a payload from the others in what a test says.
func (p Payload) Name() string {
	quoted := strconv.QuoteToASCII(p.Text)
	const longest = 60
	if len(quoted) > longest {
		quoted = quoted[:longest] + "…"
	}
	return p.Group + ": " + quoted
}

// Payloads are all of them. It panics if the list cannot be read, since a test
// that passes without it tells nothing.
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
