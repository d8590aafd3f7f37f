package settings

import (
	"fmt"
	"slices"
	"strings"

	"chat"
)

// FailoverKey is the setting that says when another model may answer.
const FailoverKey = "failover"

// The values of the setting.
const (
	beforeText = "before-text" // only before the first text of an answer
	always     = "always"      // afterwards, too: the text is dropped
)

// FailoverUsage describes the setting and its variable.
const FailoverUsage = "when a fallback model may answer: before-text, or always (the text so far is dropped)"

// fallbackField is the field of a model and of a role with the models that answer if it does not.
const fallbackField = "fallback"

// Failover is what the config file says of other models that may answer.
type Failover struct {
	AfterText bool
	Models    Models
}

// Of returns the failover of an answer: with the models of own, if there are any, and otherwise
// with those that the file has for a model; nil without any.
func (f Failover) Of(own []string, model string) *chat.Failover {
	if len(own) == 0 {
		own = f.Models[model].fallback
	}
	if len(own) == 0 {
		return nil
	}
	return &chat.Failover{Models: own, AfterText: f.AfterText}
}

func failoverIn(value any) (afterText bool, wrong []fileProblem) {
	if value == nil {
		return false, nil
	}
	text, ok := value.(string)
	if what := failoverProblem(text); !ok || what != "" {
		return false, []fileProblem{{key: FailoverKey, what: "it must be " + beforeText + " or " + always}}
	}
	return text == always, nil
}

func failoverProblem(value string) string {
	if value == beforeText || value == always {
		return ""
	}
	return fmt.Sprintf("it must be %s or %s", beforeText, always)
}

// setFallback sets a list of models in a table of the file, and returns what is wrong with it.
func setFallback(to *[]string, value any) string {
	list, ok := value.([]any)
	if text, single := value.(string); single {
		list, ok = []any{text}, true
	}
	names, all := stringsIn(list)
	if !ok || !all {
		return `it must be a list of models, for example: ["anthropic/claude-sonnet-5-5", "ollama/qwen3:8b"]`
	}
	if what := FallbackProblem(names); what != "" {
		return what
	}
	*to = names
	return ""
}

// FallbackProblem returns what is wrong with a list of models, or "".
func FallbackProblem(names []string) string {
	switch {
	case len(names) == 0 || len(names) > chat.MaxFallbacks:
		return fmt.Sprintf("it must be a list of 1 to %d models", chat.MaxFallbacks)
	case slices.ContainsFunc(names, func(n string) bool { return strings.TrimSpace(n) == "" || len(n) > chat.MaxModel }):
		return fmt.Sprintf("a model's name has 1 to %d bytes", chat.MaxModel)
	}
	return ""
}

// isFallback reports whether a key is the fallback of a model or of a role.
func isFallback(key string) bool {
	table, field := splitKey(key)
	return field == fallbackField && (strings.HasPrefix(table, modelsTable+".") || strings.HasPrefix(table, rolesTable+"."))
}

// writeFallback changes the fallback of a model or a role to names with commas between them.
func writeFallback(f *File, key, value string) error {
	changed := &File{Path: f.Path}
	changed.parse(f.With(key, value))
	_, wrong, err := screenIn(changed.Text())
	_, more, rerr := rolesIn(changed.Text())
	if err != nil || rerr != nil {
		return chat.Errorf(chat.CodeInvalid, "%s was not changed, because it cannot be read: chat config check explains why", f.Path)
	}
	for _, w := range append(wrong, more...) {
		if w.key == key {
			return chat.Errorf(chat.CodeInvalid, "%s: %s", key, w.what)
		}
	}
	return f.Write(changed.Text())
}

// tomlList returns names with commas between them as a list in TOML syntax.
func tomlList(value string) string {
	var list []string
	for name := range strings.SplitSeq(value, ",") {
		list = append(list, tomlString(strings.TrimSpace(name)))
	}
	return "[" + strings.Join(list, ", ") + "]"
}
