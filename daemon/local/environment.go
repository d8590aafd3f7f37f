package local

import (
	"crypto/sha256"
	"encoding/hex"
	"path/filepath"
	"strings"
)

// onTheWay are the variables that the way to a provider depends on. A daemon has
// those of the shell that started it.
func onTheWay() []string {
	return []string{"SSL_CERT_FILE", "SSL_CERT_DIR", "CHATD_PROVIDER_CA_FILE", "HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"}
}

// withFullPaths is an environment whose files of certificates are found from any
// directory: the daemon's is /.
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

// set is the value of a variable, in capitals or not, and its name as it is set.
func set(lookup func(string) (string, bool), name string) (as, value string) {
	for _, as := range []string{name, strings.ToLower(name)} {
		if v, ok := lookup(as); ok && v != "" {
			return as, v
		}
	}
	return name, ""
}

// fingerprints are those of the variables that are set. A proxy's URL may have a
// password in it.
func fingerprints(lookup func(string) (string, bool), salt string) map[string]string {
	out := map[string]string{}
	for _, name := range onTheWay() {
		if _, v := set(lookup, name); v != "" {
			_, v, _ = strings.Cut(withFullPaths([]string{name + "=" + v})[0], "=")
			sum := sha256.Sum256([]byte(salt + "\x00" + name + "\x00" + v))
			out[name] = hex.EncodeToString(sum[:8])
		}
	}
	return out
}

// OtherEnvironment are the variables on the way to a provider that are set in this
// process, and that the running daemon does not have, or has with another value;
// and those that only the daemon has. Without a daemon there are none.
func (s *Starter) OtherEnvironment(lookup func(string) (string, bool)) (ours, theirs []string) {
	i, err := readInfo(s.Paths)
	if err != nil || i.InProcess || i.Environment == nil { // nil: of an older daemon
		return nil, nil
	}
	here := fingerprints(lookup, i.Instance)
	for _, name := range onTheWay() {
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
