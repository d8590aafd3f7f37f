package local

import (
	"crypto/sha256"
	"encoding/hex"
	"path/filepath"
	"strings"
)

// connectionVariables returns the variables that affect connections to a provider. A daemon
// has the values of the shell that started it.
func connectionVariables() []string {
	return []string{"SSL_CERT_FILE", "SSL_CERT_DIR", "CHATD_PROVIDER_CA_FILE", "HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"}
}

// withFullPaths returns the environment with absolute paths of certificate files, because
// the daemon's working directory is /.
func withFullPaths(environment []string) []string {
	out := make([]string, 0, len(environment))
	for _, v := range environment {
		name, path, _ := strings.Cut(v, "=")
		switch name {
		case "SSL_CERT_FILE", "CHATD_PROVIDER_CA_FILE":
			if full, err := filepath.Abs(path); err == nil && path != "" {
				v = name + "=" + full
			}
		}
		out = append(out, v)
	}
	return out
}

// set returns the value of a variable in upper or lower case, and the name that is set.
func set(lookup func(string) (string, bool), name string) (as, value string) {
	for _, as := range []string{name, strings.ToLower(name)} {
		if v, ok := lookup(as); ok && v != "" {
			return as, v
		}
	}
	return name, ""
}

// fingerprints returns salted hashes of the variables that are set. They are hashed because
// the URL of a proxy may contain a password.
func fingerprints(lookup func(string) (string, bool), salt string) map[string]string {
	out := map[string]string{}
	for _, name := range connectionVariables() {
		if _, v := set(lookup, name); v != "" {
			_, v, _ = strings.Cut(withFullPaths([]string{name + "=" + v})[0], "=")
			sum := sha256.Sum256([]byte(salt + "\x00" + name + "\x00" + v))
			out[name] = hex.EncodeToString(sum[:8])
		}
	}
	return out
}

// OtherEnvironment compares the variables that affect connections to a provider. ours are
// set in this process and missing or different in the running daemon; theirs are set only in
// the daemon. Both are empty if no daemon runs.
func (s *Starter) OtherEnvironment(lookup func(string) (string, bool)) (ours, theirs []string) {
	i, err := readInfo(s.Paths)
	if err != nil || i.InProcess || i.Environment == nil { // nil: of an older daemon
		return nil, nil
	}
	here := fingerprints(lookup, i.Instance)
	for _, name := range connectionVariables() {
		switch as, _ := set(lookup, name); {
		case here[name] == i.Environment[name]:
		case here[name] != "":
			ours = append(ours, as)
		default:
			theirs = append(theirs, name)
		}
	}
	return ours, theirs
}
