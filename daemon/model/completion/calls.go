package completion

import "encoding/json"

// CallDelta is a piece of a tool call.
type CallDelta struct {
	Index     int // NoIndex if the server gives none
	ID, Name  string
	Arguments string
}

// NoIndex is the index of a piece that names none.
const NoIndex = -1

// callsIn returns the tool calls in the fields of a delta or a message.
func callsIn(fields map[string]json.RawMessage) []CallDelta {
	var out []CallDelta
	var calls []toolCall
	if json.Unmarshal(fields["tool_calls"], &calls) == nil {
		for _, c := range calls {
			out = append(out, c.delta())
		}
	}
	var call functionCall
	if json.Unmarshal(fields["function_call"], &call) == nil && (call.Name != "" || len(call.Arguments) > 0) {
		out = append(out, toolCall{Function: call}.delta())
	}
	return out
}

// delta returns the call as a piece.
func (t toolCall) delta() CallDelta {
	d := CallDelta{Index: NoIndex, ID: string(t.ID), Name: string(t.Function.Name + t.Name)}
	if t.Index != nil && *t.Index >= 0 {
		d.Index = *t.Index
	}
	for _, raw := range []json.RawMessage{t.Function.Arguments, t.Arguments, t.Input} {
		if d.Arguments == "" {
			d.Arguments = argumentsOf(raw)
		}
	}
	return d
}

// argumentsOf returns the arguments of a call: a string with a piece of JSON or, from some
// servers, the JSON itself.
func argumentsOf(raw json.RawMessage) string {
	switch {
	case len(raw) == 0 || string(raw) == "null":
		return ""
	case raw[0] == '"':
		return unquote(raw)
	}
	return string(raw)
}
