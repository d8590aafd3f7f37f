package hostile

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/ansi/parser"
)

// Check parses output as a terminal does. It returns an error for the first byte
// that is not text, a newline, or an SGR sequence with parameters of our own. A tab
// is text.
func Check(output string, ours func(sgr string) bool) error {
	c := &checker{output: output, ours: ours}
	if err := c.characters(); err != nil {
		return err
	}
	var p ansi.Parser
	p.SetParamsSize(parser.MaxParamsSize)
	p.SetDataSize(1) // the contents of strings are not checked
	p.SetHandler(c.handler())
	for c.at = range len(output) {
		before := p.State()
		if before == parser.GroundState {
			c.began = c.at
		}
		p.Advance(output[c.at])
		if before != parser.GroundState && before != parser.Utf8State && p.State() == parser.Utf8State {
			c.found("a sequence cut short")
		}
		if before != parser.EscapeState && p.State() == parser.EscapeState {
			c.began = c.at
		}
		if c.offence != nil {
			return c.offence
		}
	}
	if p.State() != parser.GroundState {
		c.found("a sequence without an end")
	}
	return c.offence
}

// NoSGR is for output that must not contain any sequence.
func NoSGR(string) bool { return false }

// SGR allows the given parameters, alone or combined.
func SGR(allowed ...string) func(string) bool {
	known := map[string]bool{"0": true}
	for _, sgr := range allowed {
		known[sgr] = true
	}
	return func(sgr string) bool {
		for part := range strings.SplitSeq(sgr, ";") {
			if !known[part] {
				return false
			}
		}
		return true
	}
}

type checker struct {
	output    string
	ours      func(sgr string) bool
	began, at int // of what is being read
	offence   error
}

func (c *checker) found(what string) {
	if c.offence != nil {
		return
	}
	from := max(c.began-20, 0)
	c.offence = fmt.Errorf("byte %d is %s: %q after %q", c.began, what, c.output[c.began:c.at+1], c.output[from:c.began])
}

// characters finds bytes that a byte-wise parser takes for text and a terminal does
// not.
func (c *checker) characters() error {
	for i, r := range c.output {
		c.began, c.at = i, i
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(c.output[i:], string(utf8.RuneError)):
			c.found("not UTF-8")
		case r >= 0x80 && r <= 0x9F:
			c.found(fmt.Sprintf("the C1 control %U", r))
		case r == 0x7F:
			c.found("DEL")
		case unicode.Is(unicode.Bidi_Control, r):
			c.found(fmt.Sprintf("the bidirectional control %U", r))
		case r == 0x2028 || r == 0x2029:
			c.found(fmt.Sprintf("the line separator %U", r))
		}
	}
	return c.offence
}

func (c *checker) handler() ansi.Handler {
	str := func(what string) func([]byte) { return func([]byte) { c.found(what) } }
	return ansi.Handler{
		Execute: func(b byte) {
			if b != '\n' && b != '\t' {
				c.found(fmt.Sprintf("the control %#02x", b))
			}
		},
		HandleCsi: func(cmd ansi.Cmd, _ ansi.Params) {
			sequence := c.output[c.began : c.at+1]
			sgr, isSGR := strings.CutSuffix(strings.TrimPrefix(sequence, "\x1b["), "m")
			if !isSGR || cmd.Prefix() != 0 || cmd.Intermediate() != 0 || !c.ours(sgr) {
				c.found("a control sequence that is not ours")
			}
		},
		HandleEsc: func(ansi.Cmd) { c.found("an escape sequence") },
		HandleDcs: func(ansi.Cmd, ansi.Params, []byte) { c.found("a device control string") },
		HandleOsc: func(int, []byte) { c.found("an operating system command") },
		HandlePm:  str("a privacy message"),
		HandleApc: str("an application command"),
		HandleSos: str("a string"),
	}
}
