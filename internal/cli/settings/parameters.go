package settings

import (
	"strconv"

	"chat"
)

// setParameter sets a parameter in a table of the file, and returns what is wrong with its
// value, or "".
func setParameter(to **chat.Parameters, name string, value any) string {
	p := &chat.Parameters{}
	if *to != nil {
		p = *to
	}
	var problem string
	switch v := value.(type) {
	case string:
		if name == "stop" {
			problem = p.SetStop([]string{v})
		} else {
			problem = p.Set(name, v)
		}
	case int64:
		problem = p.Set(name, strconv.FormatInt(v, 10))
	case float64:
		problem = p.Set(name, strconv.FormatFloat(v, 'g', -1, 64))
	case []any:
		texts, ok := stringsIn(v)
		if name != "stop" || !ok {
			return listProblem(name)
		}
		problem = p.SetStop(texts)
	default:
		return listProblem(name)
	}
	if problem != "" {
		return "it " + problem
	}
	*to = p
	return ""
}

func listProblem(name string) string {
	if name == "stop" {
		return "it must be a string, or a list of strings"
	}
	return "it must be one value"
}

func stringsIn(list []any) ([]string, bool) {
	var out []string
	for _, v := range list {
		s, ok := v.(string)
		if !ok {
			return nil, false
		}
		out = append(out, s)
	}
	return out, true
}
