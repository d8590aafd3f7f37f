package apierror

import (
	"errors"
	"strings"

	"chat/daemon/model"
	"chat/internal/lazyregexp"
)

// maxQuote bounds what is quoted of a provider's words, in characters.
const maxQuote = 300

// Quote returns s for a message to a user: one short line, without control characters,
// the keys and anything that looks like a secret.
func Quote(s string, keys ...string) string {
	// The line is cleaned first: a key with a zero-width space in it is still the key.
	return model.OneLine(withoutSecrets(withoutKeys(model.OneLine(withoutKeys(s, keys), MaxBody), keys)), maxQuote)
}

// Redact returns err's text without the keys, as an error for logs.
func Redact(err error, keys ...string) error {
	if text := withoutSecrets(withoutKeys(err.Error(), keys)); text != err.Error() {
		return errors.New(text)
	}
	return err
}

// minSecret is the shortest key that is masked; local servers accept any word as a key.
const minSecret = 4

func withoutKeys(s string, keys []string) string {
	for _, key := range keys {
		if len(key) >= minSecret {
			s = strings.ReplaceAll(s, key, "(the key)")
		}
	}
	return s
}

var (
	// keyShapes match keys by their form, whole or masked with stars or dots.
	keyShapes = lazyregexp.New(`\b(?:(?:sk|pk|rk|ak|gsk|csk|xai|pplx|hf|r8|nvapi|fw|tgp|ghp|gho|ghu|ghs|github_pat|glpat)[-_]|AIza|AKIA|ya29\.|eyJ)[A-Za-z0-9_*.…/+-]{5,}[A-Za-z0-9*…]`)
	// keysNamed match keys by the words before them.
	keysNamed = lazyregexp.New(`(?i)((?:api[-_ ]?key|access[-_ ]?token|key hash \(token\)|authorization|password|secret)(?: provided| is)?["']?\s*[:=]\s*["'` + "`" + `]?(?:bearer\s+)?)([^\s"'` + "`" + `,;(){}<>]{6,})`)
	bearers   = lazyregexp.New(`(?i)(\bbearer\s+)([A-Za-z0-9_.~+/=*-]{8,})`)
	keysInURL = lazyregexp.New(`(?i)([?&](?:key|api[-_]?key|token|access_token|sig|signature)=)([^&\s"']+)`)
	userInfo  = lazyregexp.New(`(://)([^/\s@"']+@)`)
)

// withoutSecrets masks everything that looks like a key.
func withoutSecrets(s string) string {
	s = keyShapes.ReplaceAllString(s, "(the key)")
	for _, named := range []*lazyregexp.Regexp{keysNamed, bearers, keysInURL} {
		s = named.ReplaceAllStringFunc(s, func(m string) string {
			parts := named.FindStringSubmatch(m)
			if strings.HasPrefix(parts[2], "http") {
				return m
			}
			return parts[1] + "(the key)"
		})
	}
	return userInfo.ReplaceAllString(s, "$1")
}
