package settings

import (
	"fmt"
	"slices"
	"strings"

	"chat"
	"chat/internal/cli/spelling"
)

// Models are the tables [models."NAME"] of the config file, by name.
type Models map[string]modelEntry

type modelEntry struct {
	chat.ModelInfo

	parameters *chat.Parameters // nil if there are none
	fallback   []string         // the models that answer if it does not
}

// ReadFailover reads the models of the config file, and when others may answer. Only errors in
// their parameters and fallbacks are errors here: nothing else concerns an answer. A file that
// cannot be read has no models; the local daemon, which reads it too, names the error.
func ReadFailover(lookup func(string) (string, bool)) (Failover, error) {
	s, wrong, f, err := readScreen(lookup)
	if chat.IsCode(err, chat.CodeInvalid) {
		return Failover{}, nil
	}
	if err != nil {
		return Failover{}, err
	}
	for _, w := range wrong {
		field := w.key[strings.LastIndexByte(w.key, '.')+1:]
		if w.key == FailoverKey || tableOf(w.key) == modelsTable && (field == fallbackField || slices.Contains(chat.ParameterNames(), field)) {
			return Failover{}, chat.Errorf(chat.CodeInvalid, "%s (chat config edit)", f.format(w))
		}
	}
	if variable, _ := lookup("CHAT_FAILOVER"); variable != "" {
		if what := failoverProblem(variable); what != "" {
			return Failover{}, chat.Errorf(chat.CodeInvalid, "CHAT_FAILOVER: %s", what)
		}
		s.AfterText = variable == always
	}
	return Failover{s.AfterText, s.Models}, nil
}

// Info returns the data about a model.
func (m Models) Info(model string) chat.ModelInfo { return m[model].ModelInfo }

// Parameters returns the parameters of a model, nil if it has none.
func (m Models) Parameters(model string) *chat.Parameters { return m[model].parameters }

// HaveDefaults reports whether a model has parameters or a fallback.
func (m Models) HaveDefaults() bool {
	for _, entry := range m {
		if entry.parameters != nil || entry.fallback != nil {
			return true
		}
	}
	return false
}

// modelFields returns the fields of a model in the file.
func modelFields() []string {
	return append([]string{"context", "input_price", "output_price", "cached_input_price", "cache_write_price", fallbackField}, chat.ParameterNames()...)
}

func modelsIn(value any) (Models, []fileProblem) {
	if value == nil {
		return nil, nil
	}
	const as = `for example: [models."qwen3:8b"]`
	all, ok := value.(map[string]any)
	if !ok {
		return nil, []fileProblem{{key: modelsTable, what: "models must be tables, " + as}}
	}
	infos := Models{}
	var wrong []fileProblem
	for name, v := range all {
		key := modelsTable + "." + name
		fields, ok := v.(map[string]any)
		if !ok {
			wrong = append(wrong, fileProblem{key: key, what: "a model must be a table, " + as})
			continue
		}
		var f modelEntry
		for field, v := range fields {
			if what := f.set(field, v); what != "" {
				wrong = append(wrong, fileProblem{key: key + "." + field, what: what})
			}
		}
		infos[name] = f
	}
	return infos, wrong
}

func (f *modelEntry) set(field string, value any) string {
	if slices.Contains(chat.ParameterNames(), field) {
		return setParameter(&f.parameters, field, value)
	}
	if field == fallbackField {
		return setFallback(&f.fallback, value)
	}
	var n float64
	switch v := value.(type) {
	case int64:
		n = float64(v)
	case float64:
		n = v
	default:
		n = -1
	}
	switch field {
	case "context":
		if n < 1 || n != float64(int(n)) {
			return "it must be a whole number of tokens"
		}
		f.Context = int(n)
		return ""
	case "input_price":
		f.InputPrice = n
	case "output_price":
		f.OutputPrice = n
	case "cached_input_price":
		f.CachedInputPrice = n
	case "cache_write_price":
		f.CacheWritePrice = n
	default:
		if guess := spelling.Nearest(modelFields(), field); guess != "" {
			return fmt.Sprintf("a model has no %q; did you mean %q?", field, guess)
		}
		return fmt.Sprintf("a model has no %q: its fields are %s", field, strings.Join(modelFields(), ", "))
	}
	switch isOfCache := strings.HasPrefix(field, "cache"); {
	case isOfCache && !(n > 0):
		return "it must be dollars per million tokens, more than 0"
	case !(n >= 0):
		return "it must be dollars per million tokens, 0 or more"
	}
	return ""
}
