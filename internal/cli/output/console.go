// Package output writes results and notices: text for a terminal, a pipe or a file, tables and
// JSON. It knows no command and no server.
package output

import (
	"os"
	"strings"
)

// Console has the input and output of one run of chat: the three standard files, the
// environment, and the flags for notices and colors.
type Console struct {
	In, Out, Err *os.File
	Lookup       func(string) (string, bool)
	Quiet        bool   // only warnings go to stderr
	Verbose      bool   // more notices go to stderr
	Color        string // auto, always or never
	lines        lines
}

// NewConsole returns a console with automatic colours.
func NewConsole(in, out, err *os.File, lookup func(string) (string, bool)) *Console {
	return &Console{In: in, Out: out, Err: err, Lookup: lookup, Color: "auto"}
}

// Env returns the value of an environment variable, or "" if it is not set.
func (p *Console) Env(name string) string {
	v, _ := p.Lookup(name)
	return v
}

// Truthy reports whether the value of an environment variable switches something on.
func Truthy(v string) bool {
	switch strings.ToLower(v) {
	case "", "0", "false", "no", "off":
		return false
	}
	return true
}
