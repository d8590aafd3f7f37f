package main

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"chat"
	"chat/daemon"
	"chat/daemon/keyring"
	"chat/daemon/local"
	"chat/internal/term/charset"
)

// settingProblem is what is wrong with a value beyond what a daemon refuses: it starts
// with such a setting, and fails when that is needed. "" is for nothing.
func settingProblem(key, value string) string {
	switch {
	case value == "":
		return ""
	case !utf8.ValidString(value) || strings.ContainsFunc(value, unicode.IsControl):
		return "it has characters that no setting has"
	}
	switch key {
	case "base_url":
		if u, err := url.Parse(value); err == nil && u.User != nil {
			return "a base URL has no user name and no password in it: chat auth login keeps a key"
		}
		if daemon.CheckBaseURL(value) != nil {
			return fmt.Sprintf("%q is no base URL: it is like %s or http://localhost:11434/v1", withoutSecrets(value), daemon.DefaultBaseURL)
		}
	case "api_key":
		if _, elsewhere := keyring.Host(value); !elsewhere && strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return "this is no key: it has spaces or letters that no key has"
		}
	case "model":
		if len(value) > chat.MaxModel {
			return fmt.Sprintf("it is longer than %d bytes", chat.MaxModel)
		}
	case "redis_url":
		if u, err := url.Parse(value); err != nil || !slices.Contains([]string{"redis", "rediss", "unix"}, u.Scheme) {
			return "it must be redis://… or rediss://…"
		}
	case "concurrency", "database_pool", "redis_pool", "max_streams":
		if strings.Trim(value, "0") == "" {
			return "it must be at least 1"
		}
	case "lease":
		if d, err := time.ParseDuration(value); err == nil && d < time.Second {
			return "it must be at least 1s"
		}
	case "allow_host":
		for host := range strings.SplitSeq(value, ",") {
			if strings.ContainsAny(host, "/@") {
				return fmt.Sprintf("%q is no host name: it is like chat.example.org", strings.TrimSpace(host))
			}
		}
	case "token_file":
		if info, err := os.Stat(value); err == nil && !info.Mode().IsRegular() {
			return "it is no file"
		}
	}
	return ""
}

// withoutSecrets is a URL without its user info and query.
func withoutSecrets(value string) string {
	u, err := url.Parse(value)
	if err != nil || u.User == nil && u.RawQuery == "" {
		return value
	}
	u.User, u.RawQuery = nil, ""
	return u.String()
}

// exposed says which secrets others can read: the file itself, if it has one, and the
// file with the token.
func (f *configFile) exposed(paths local.Paths) []string {
	var found []string
	for _, key := range []string{"api_key", "database_url", "redis_url"} {
		e, ok := f.find(key)
		if value := e.plain(); ok && isSecret(key, value) {
			if who := local.ReadableByOthers(f.path); who != "" {
				found = append(found, who+", since it holds "+key)
			}
			break
		}
	}
	token := paths.Data + "/token"
	if e, ok := f.find("token_file"); ok {
		token = e.plain()
	}
	if who := local.ReadableByOthers(token); who != "" {
		found = append(found, who+", since it is the token of the server")
	}
	return found
}

// isSecret reports whether a value is a key, or a URL with a password.
func isSecret(key, value string) bool {
	if key == "api_key" {
		_, elsewhere := keyring.Host(value)
		return value != "" && !elsewhere
	}
	u, err := url.Parse(value)
	if err != nil || u.User == nil {
		return false
	}
	_, has := u.User.Password()
	return has
}

// unreadable is why a text is no TOML, "" if it is.
func unreadable(path, text string) (string, error) {
	_, what, err := tryConfig(text)
	at := tomlLine.FindStringSubmatch(what)
	switch {
	case err != nil:
		return "", err
	case at != nil:
		return "line " + at[1] + ": " + at[2], nil
	case !utf8.ValidString(text):
		if _, err := charset.Decode([]byte(text)); err != nil {
			if p := (*charset.DecodeError)(nil); errors.As(err, &p) {
				return p.Sentence(path, ""), nil
			}
		}
		return "it is not in UTF-8", nil
	}
	return "", nil
}
