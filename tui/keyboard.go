package tui

import (
	"bytes"
	"os"
	"regexp"
	"strconv"
)

// keyboard is the terminal as keys are read from it. The terminal's answer about
// its background comes the same way, whenever it likes; keyboard takes it out, so
// that it never reaches the input box.
type keyboard struct {
	*os.File
	answered func(background [3]uint8)
	held     []byte // may be the beginning of an answer
}

// answer is what terminals say when asked by OSC 11, as XParseColor writes it.
var (
	answer      = regexp.MustCompile(`\x1b\]11;rgba?:([0-9a-fA-F]{1,4})/([0-9a-fA-F]{1,4})/([0-9a-fA-F]{1,4})(?:/[0-9a-fA-F]{1,4})?(?:\x07|\x1b\\)`)
	answerBegun = regexp.MustCompile(`\x1b\]11?(?:;[rgba:0-9a-fA-F/]{0,32}\x1b?)?$`)
)

// Read reads what was typed.
func (k *keyboard) Read(p []byte) (int, error) {
	if len(k.held) >= len(p) {
		n := copy(p, k.held) // no answer is that long
		k.held = k.held[n:]
		return n, nil
	}
	n, err := k.File.Read(p[len(k.held):])
	if n <= 0 {
		return n, err
	}
	n = copy(p, append(bytes.Clone(k.held), p[len(k.held):len(k.held)+n]...))
	k.held = nil
	return k.strip(p[:n]), err
}

// strip takes answers out of what was read, holds back the beginning of one, and
// returns how much is left.
func (k *keyboard) strip(p []byte) int {
	n := len(p)
	for {
		at := answer.FindSubmatchIndex(p[:n])
		if at == nil {
			break
		}
		k.answered([3]uint8{level(p[at[2]:at[3]]), level(p[at[4]:at[5]]), level(p[at[6]:at[7]])})
		n = at[0] + copy(p[at[0]:], p[at[1]:n])
	}
	if at := answerBegun.FindIndex(p[:n]); at != nil {
		k.held = bytes.Clone(p[at[0]:n])
		n = at[0]
	}
	return n
}

// level is a hexadecimal part of a colour, of one to four digits, as 0 to 255.
func level(digits []byte) uint8 {
	n, err := strconv.ParseUint(string(digits), 16, 16)
	if err != nil {
		return 0 // the expression lets nothing else through
	}
	return uint8(n * 255 / (1<<(4*len(digits)) - 1))
}
