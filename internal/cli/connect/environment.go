package connect

import (
	"strings"

	"chat"
)

// EnvironmentHint returns a hint for an error of the connection to a provider: the
// certificate and proxy variables that differ between this shell and the running
// daemon. It returns "" for other errors.
func (p *Connector) EnvironmentHint(err error) string {
	if !chat.IsCode(err, chat.CodeProviderConnect) || p.InProcess || p.remote {
		return ""
	}
	s, err := p.Starter()
	if err != nil {
		return ""
	}
	ours, theirs := s.OtherEnvironment(p.Lookup)
	switch {
	case len(ours) > 0:
		are := " is"
		if len(ours) > 1 {
			are = " are"
		}
		return "; " + strings.Join(ours, ", ") + are + " set in this shell, but the running daemon was started with another value or none: run chat daemon restart"
	case len(theirs) > 0:
		return "; the running daemon was started with " + strings.Join(theirs, " and ") + ", which this shell does not have: run chat daemon restart"
	}
	return ""
}
