package main

import (
	"strings"

	"chat"
)

// environmentHint is what to add to an error of the connection to a provider: the
// variables for certificates and proxies that this shell and the running daemon do
// not have in common. It is "" for other errors.
func (p *program) environmentHint(err error) string {
	if !chat.IsCode(err, chat.CodeProviderConnect) || p.inProcess || p.remote {
		return ""
	}
	s, err := p.starter()
	if err != nil {
		return ""
	}
	ours, theirs := s.OtherEnvironment(p.lookup)
	switch {
	case len(ours) > 0:
		are := " is"
		if len(ours) > 1 {
			are = " are"
		}
		return "; " + strings.Join(ours, ", ") + are + " set in this shell, and the running daemon was started with another value or none: chat daemon restart"
	case len(theirs) > 0:
		return "; the running daemon was started with " + strings.Join(theirs, " and ") + ", which this shell does not have: chat daemon restart"
	}
	return ""
}
