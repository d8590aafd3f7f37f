package daemon

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"chat"
	"chat/daemon/model"
	"chat/daemon/model/anthropic"
	"chat/daemon/model/network"
	"chat/daemon/model/openai"
	"chat/daemon/model/providers"
	"chat/daemon/model/transport"
)

// NamedProvider is a table [providers.NAME] of the config file.
type NamedProvider struct {
	Name    string
	Kind    string // one of Kinds
	BaseURL string
	Key     string // as in the file until FetchKey: the key, or a reference to it
	CAFile  string
	API     openai.API
	Model   string            // answers where only the provider is named
	Headers map[string]string // sent with every request
	From    transport.Sources
	Trouble error // why it cannot be asked

	knownURL bool // BaseURL is not in the file
}

// The kinds of named providers.
const (
	KindOpenAI    = providers.OpenAI // any server that is compatible with OpenAI's
	KindAnthropic = providers.Anthropic
)

// Kinds returns the kinds of named providers.
func Kinds() []string { return []string{KindOpenAI, KindAnthropic} }

// KnownKind returns the kind of a provider that people know by name, KindOpenAI for others.
func KnownKind(name string) string {
	if name == anthropic.Name {
		return KindAnthropic
	}
	return KindOpenAI
}

// DefaultBaseURLOf returns the base URL of a provider that has none of its own, "" if it needs
// one.
func DefaultBaseURLOf(name, kind string) string {
	if kind == KindAnthropic {
		return anthropic.DefaultBaseURL
	}
	return network.KnownBaseURL(name)
}

// envPrefix begins a reference to a key that is in a variable of the environment.
const envPrefix = "env:"

// KeyVariable is the variable to which the setting of a key refers; false for others.
func KeyVariable(value string) (string, bool) { return strings.CutPrefix(value, envPrefix) }

// ProvidersTable is the table of named providers in the config file.
const ProvidersTable = "providers"

// ProviderFields are the fields of a named provider.
func ProviderFields() []string {
	return []string{"kind", "base_url", "api_key", "ca_file", "api", "model", "headers"}
}

// FileProblem is an error in a table of the config file.
type FileProblem struct{ Key, What string }

// NamedProviders reads the tables [providers.NAME] in the text of a config file, in the
// file's order, and returns what is wrong with them. The error is for a text that is not
// TOML.
func NamedProviders(text string) (named []NamedProvider, wrong []FileProblem, err error) {
	var file struct {
		Providers any `toml:"providers"`
	}
	meta, err := toml.Decode(text, &file)
	if err != nil || file.Providers == nil {
		return nil, nil, err
	}
	const as = "for example: [providers.work]"
	tables, ok := file.Providers.(map[string]any)
	if !ok {
		return nil, []FileProblem{{ProvidersTable, "providers must be tables, " + as}}, nil
	}
	for _, name := range providerNames(meta, tables) {
		key := ProvidersTable + "." + name
		fields, ok := tables[name].(map[string]any)
		if !ok {
			wrong = append(wrong, FileProblem{key, "a provider must be a table, " + as})
			continue
		}
		p := NamedProvider{Name: name, Kind: KnownKind(name), API: openai.Auto}
		if what := ProviderNameProblem(name); what != "" {
			wrong = append(wrong, FileProblem{key, what})
		}
		for _, field := range slices.Sorted(maps.Keys(fields)) {
			if what := p.set(field, fields[field]); what != "" {
				wrong = append(wrong, FileProblem{key + "." + field, what})
			}
		}
		_, given := fields["base_url"]
		p.BaseURL, p.knownURL = cmp.Or(p.BaseURL, DefaultBaseURLOf(name, p.Kind)), !given
		if !given && p.BaseURL == "" {
			wrong = append(wrong, FileProblem{key, "it needs a base_url, such as " + DefaultBaseURL})
		}
		if _, given := fields["api"]; given && p.Kind != KindOpenAI {
			wrong = append(wrong, FileProblem{key + ".api", "only the kind " + KindOpenAI + " has several APIs"})
		}
		named = append(named, p)
	}
	return named, wrong, nil
}

// providerNames are the names of the tables in the file's order.
func providerNames(meta toml.MetaData, tables map[string]any) []string {
	var names []string
	for _, key := range meta.Keys() {
		if len(key) > 1 && key[0] == ProvidersTable && !slices.Contains(names, key[1]) {
			names = append(names, key[1])
		}
	}
	return slices.DeleteFunc(names, func(name string) bool { _, ok := tables[name]; return !ok })
}

// ProviderNameProblem returns why a provider cannot have the name, or "".
func ProviderNameProblem(name string) string {
	switch {
	case name == model.DemoModel:
		return "the built-in demo has this name: use another"
	case name == "" || len(name) > MaxProviderName || strings.Trim(strings.ToLower(name), "abcdefghijklmnopqrstuvwxyz0123456789_-.") != "":
		return fmt.Sprintf("a provider's name has 1 to %d letters, digits, dots, _ and -", MaxProviderName)
	}
	return ""
}

// MaxProviderName is the length of a provider's name, in bytes. A longer one may be a key.
const MaxProviderName = 32

// set sets a field, and returns what is wrong with its value, or "".
func (p *NamedProvider) set(field string, value any) string {
	if field == "headers" {
		return p.setHeaders(value)
	}
	text, ok := value.(string)
	if !ok && slices.Contains(ProviderFields(), field) {
		return "it must be a string"
	}
	switch field {
	case "kind":
		if !slices.Contains(Kinds(), text) {
			return fmt.Sprintf("unknown kind %q: use %s", text, strings.Join(Kinds(), " or "))
		}
		p.Kind = text
	case "base_url":
		if err := network.CheckBaseURL(text); err != nil {
			return err.Error()
		}
		p.BaseURL = text
	case "api_key":
		key := TrimKey(text)
		if strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return "this is not a key: it contains spaces or invalid characters"
		}
		p.Key = key
	case "ca_file":
		p.CAFile = text
	case "api":
		api, err := parseAPI(text)
		if err != nil {
			return err.Error()
		}
		p.API = api
	case "model":
		if len(text) > chat.MaxModel {
			return fmt.Sprintf("it is longer than %d bytes", chat.MaxModel)
		}
		p.Model = text
	default:
		return fmt.Sprintf("a provider has no %q: its fields are %s", field, strings.Join(ProviderFields(), ", "))
	}
	return ""
}

// setHeaders sets the headers, which cannot replace those that the program sends itself.
func (p *NamedProvider) setHeaders(value any) string {
	table, ok := value.(map[string]any)
	if !ok {
		return `headers must be a table, for example: headers = { "X-Team" = "search" }`
	}
	p.Headers = map[string]string{}
	for name, v := range table {
		text, ok := v.(string)
		canonical := http.CanonicalHeaderKey(name)
		switch {
		case !ok:
			return fmt.Sprintf("the value of %s must be a string", name)
		case !isHeaderName(name) || strings.ContainsAny(text, "\r\n\x00"):
			return fmt.Sprintf("%q is not a header of HTTP", name)
		case slices.Contains([]string{"Content-Type", "Content-Length", "Host", "Connection", "Transfer-Encoding", "Accept-Encoding"}, canonical):
			return fmt.Sprintf("%s is set by the program itself", canonical)
		}
		p.Headers[canonical] = text
	}
	return ""
}

// isHeaderName reports whether a header can have the name (RFC 9110, section 5.1).
func isHeaderName(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return r <= ' ' || r > '~' || strings.ContainsRune("\"(),/:;<=>?@[\\]{}", r)
	})
}

// source names a field of a named provider, for messages.
func (p *NamedProvider) source(field, file string) string {
	return fmt.Sprintf("%s of [%s.%s] in %s", field, ProvidersTable, p.Name, file)
}

// locate completes p with what depends on where the file and the environment are.
// variables looks up a key.
func (p *NamedProvider) locate(variables, lookup func(string) (string, bool), file string) {
	p.CAFile = fullPath(p.CAFile, lookup, file)
	p.From = transport.Sources{BaseURL: p.source("base_url", file), Key: p.source("api_key", file)}
	if p.knownURL {
		p.From.BaseURL = "the default " + p.From.BaseURL
	}
	variable, ok := KeyVariable(p.Key)
	if !ok {
		return
	}
	value, _ := variables(variable)
	if p.Key = TrimKey(value); p.Key == "" {
		p.Trouble = chat.Errorf(chat.CodeNotConfigured, "the key of %s is in the variable %s, which is not set for this daemon: set it, and then chat daemon restart", p.Name, variable)
	}
	p.From.Key = cmp.Or(variable, p.From.Key)
}

// withAnthropic returns the named providers with the one that the environment configures:
// a further one, unless the file has it. Variables complete a table without a key.
func withAnthropic(named []NamedProvider, variables func(string) (string, bool)) ([]NamedProvider, error) {
	value, _ := variables(anthropic.KeyVariable)
	key := TrimKey(value)
	base, _ := variables(anthropic.URLVariable)
	if base = strings.TrimSpace(base); base != "" {
		if err := network.CheckBaseURL(base); err != nil {
			return nil, chat.Errorf(chat.CodeInvalid, "%s: %w", anthropic.URLVariable, err)
		}
	}
	at := slices.IndexFunc(named, func(p NamedProvider) bool { return p.Name == anthropic.Name })
	switch {
	case at >= 0:
		if p := &named[at]; p.Kind == KindAnthropic && p.Key == "" && p.Trouble == nil && key != "" {
			p.Key, p.From.Key = key, anthropic.KeyVariable
		}
	case key != "":
		p := NamedProvider{Name: anthropic.Name, Kind: KindAnthropic, BaseURL: cmp.Or(base, anthropic.DefaultBaseURL), Key: key, From: transport.Sources{Key: anthropic.KeyVariable}}
		if base != "" {
			p.From.BaseURL = anthropic.URLVariable
		}
		named = append(named, p)
	}
	return named, nil
}

// Secrets returns the values that must not be logged.
func (c *Config) Secrets() []string {
	secrets := []string{c.ProviderKey, c.Token}
	for _, p := range c.Named {
		secrets = append(secrets, p.Key)
		secrets = slices.AppendSeq(secrets, maps.Values(p.Headers))
	}
	return secrets
}
