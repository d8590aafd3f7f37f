package settings

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

// settingProblem returns an error in a value that the daemon's own checks miss, or "". A
// daemon starts with such a value, and fails when it uses it.
func settingProblem(key, value string) string {
	switch {
	case value == "":
		return ""
	case !utf8.ValidString(value) || strings.ContainsFunc(value, unicode.IsControl):
		return "it contains invalid characters"
	}
	switch key {
	case "base_url":
		if u, err := url.Parse(value); err == nil && u.User != nil {
			return "a base URL must not contain a user name or a password: store a key with chat auth login"
		}
		if daemon.CheckBaseURL(value) != nil {
			return fmt.Sprintf("%q is not a base URL, such as %s or http://localhost:11434/v1", WithoutSecrets(value), daemon.DefaultBaseURL)
		}
	case "api_key":
		if _, elsewhere := keyring.Host(value); !elsewhere && strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return "this is not a key: it contains spaces or invalid characters"
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
				return fmt.Sprintf("%q is not a host name, such as chat.example.org", strings.TrimSpace(host))
			}
		}
	case "token_file":
		if info, err := os.Stat(value); err == nil && !info.Mode().IsRegular() {
			return "it is not a regular file"
		}
	}
	return ""
}

// WithoutSecrets removes the user info and the query from a URL.
func WithoutSecrets(value string) string {
	u, err := url.Parse(value)
	if err != nil || u.User == nil && u.RawQuery == "" {
		return value
	}
	u.User, u.RawQuery = nil, ""
	return u.String()
}

// ExposedSecrets reports secrets that other users can read, in the config file and in the
// token file.
func (f *File) ExposedSecrets(paths local.Paths) []string {
	var found []string
	for _, key := range []string{"api_key", "database_url", "redis_url"} {
		e, ok := f.Find(key)
		if value := e.Plain(); ok && isSecret(key, value) {
			if who := local.ReadableByOthers(f.Path); who != "" {
				found = append(found, who+", because it contains "+key)
			}
			break
		}
	}
	token := paths.Data + "/token"
	if e, ok := f.Find("token_file"); ok {
		token = e.Plain()
	}
	if who := local.ReadableByOthers(token); who != "" {
		found = append(found, who+", because it contains the server's token")
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

// tomlProblem returns why a text is not TOML, or "".
func tomlProblem(path, text string) (string, error) {
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

// Mask returns a secret in a form that may be shown.
func Mask(secret string) string {
	const shown = 4
	if len(secret) < 4*shown {
		return "••••"
	}
	return "••••" + secret[len(secret)-shown:]
}

// Set changes a setting, if its value is valid.
func Set(f *File, key, value string) error {
	if isFallback(key) {
		return writeFallback(f, key, value)
	}
	if table, _ := splitKey(key); table != "" {
		text, err := WithProvider(f, strings.TrimPrefix(table, daemon.ProvidersTable+"."), []Field{{key[len(table)+1:], value}})
		if err != nil {
			return err
		}
		return f.Write(text)
	}
	_, what, err := tryConfig(key + " = " + tomlValue(value) + "\n")
	if err != nil {
		return err
	}
	if key == ThemeKey {
		what = themeProblem(value)
	}
	if key == FailoverKey {
		what = failoverProblem(value)
	}
	if what == "" {
		what = settingProblem(key, value)
	}
	if what != "" && value != "" {
		return chat.Errorf(chat.CodeInvalid, "%s: %s", key, what)
	}
	text := f.With(key, value)
	if what, err := tomlProblem(f.Path, text); err != nil || what != "" {
		if what != "" {
			err = chat.Errorf(chat.CodeInvalid, "%s was not changed, because it cannot be read: %s (chat config edit)", f.Path, what)
		}
		return err
	}
	return f.Write(text)
}

// Field is a field of a named provider with its value; an empty value removes it.
type Field struct{ Name, Value string }

// WithProvider returns the text of the file with changed fields of a named provider, if the
// provider is valid with them.
func WithProvider(f *File, name string, fields []Field) (string, error) {
	changed := &File{Path: f.Path}
	changed.parse(f.Text())
	table := daemon.ProvidersTable + "." + name
	for _, field := range fields {
		changed.parse(changed.With(table+"."+field.Name, field.Value))
	}
	_, wrong, err := daemon.NamedProviders(changed.Text())
	if err != nil {
		return "", chat.Errorf(chat.CodeInvalid, "%s was not changed, because it cannot be read: chat config check explains why", f.Path)
	}
	for _, w := range wrong {
		if w.Key == table || strings.HasPrefix(w.Key, table+".") {
			return "", chat.Errorf(chat.CodeInvalid, "%s: %s", w.Key, w.What)
		}
	}
	return changed.Text(), nil
}
