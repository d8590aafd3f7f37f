package schema

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Strict returns a schema for the strict mode of providers, in which a model cannot violate it.
// That mode knows a part of JSON Schema only: every object lists its properties, requires
// all of them and allows no others (https://platform.openai.com/docs/guides/structured-outputs).
// Each value of the returned schema is one of raw, too. ok is false if there is no such
// schema: an optional property then has to accept null.
func Strict(raw []byte) (strict []byte, ok bool) {
	d := jsontext.NewDecoder(bytes.NewReader(raw))
	root, err := readNode(d)
	object, isObject := root.(*node)
	if err != nil || !isObject || object.text("type") != "object" || !object.makeStrict() {
		return nil, false
	}
	var b bytes.Buffer
	object.write(&b)
	return b.Bytes(), true
}

// node is an object of a schema with its members in their order, which models follow. A value
// is a *node, a []any of values, or a jsontext.Value.
type node struct {
	names  []string
	values map[string]any
}

func readNode(d *jsontext.Decoder) (any, error) {
	switch d.PeekKind() {
	case '{':
		n := &node{values: map[string]any{}}
		if _, err := d.ReadToken(); err != nil {
			return nil, err
		}
		for d.PeekKind() != '}' {
			name, err := d.ReadToken()
			if err != nil {
				return nil, err
			}
			key := name.String()
			value, err := readNode(d)
			if err != nil {
				return nil, err
			}
			n.set(key, value)
		}
		_, err := d.ReadToken()
		return n, err
	case '[':
		list := []any{}
		if _, err := d.ReadToken(); err != nil {
			return nil, err
		}
		for d.PeekKind() != ']' {
			value, err := readNode(d)
			if err != nil {
				return nil, err
			}
			list = append(list, value)
		}
		_, err := d.ReadToken()
		return list, err
	default:
		value, err := d.ReadValue()
		return value.Clone(), err
	}
}

func (n *node) set(name string, value any) {
	if _, known := n.values[name]; !known {
		n.names = append(n.names, name)
	}
	n.values[name] = value
}

// remove removes the member with the name.
func (n *node) remove(name string) {
	delete(n.values, name)
	n.names = slices.DeleteFunc(n.names, func(s string) bool { return s == name })
}

// text is a member that is a string, "" if there is none.
func (n *node) text(name string) string {
	value, _ := n.values[name].(jsontext.Value)
	var s string
	_ = json.Unmarshal(value, &s) // another kind of value
	return s
}

// object is a member that is an object, nil if there is none.
func (n *node) object(name string) *node {
	object, _ := n.values[name].(*node)
	return object
}

func write(b *bytes.Buffer, v any) {
	switch v := v.(type) {
	case *node:
		v.write(b)
	case []any:
		for i := range v {
			b.WriteByte("[,"[min(i, 1)])
			write(b, v[i])
		}
		if len(v) == 0 {
			b.WriteByte('[')
		}
		b.WriteByte(']')
	case jsontext.Value:
		b.Write(v)
	}
}

func (n *node) write(b *bytes.Buffer) {
	b.WriteByte('{')
	for i, name := range n.names {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(quoted(name))
		b.WriteByte(':')
		write(b, n.values[name])
	}
	b.WriteByte('}')
}

func quoted(s string) []byte {
	out, _ := jsontext.AppendQuote(nil, s) // valid UTF-8, because it was decoded
	return out
}

// Keywords of the strict mode, and those that can be left out because they restrict nothing.
const (
	strictKeywords = ` type title description enum const properties required additionalProperties items anyOf $ref $defs definitions
		pattern format multipleOf minimum maximum exclusiveMinimum exclusiveMaximum minItems maxItems `
	annotations = ` $schema $id $comment default examples deprecated readOnly writeOnly `
)

func isIn(name, words string) bool { return slices.Contains(strings.Fields(words), name) }

// makeStrict changes a schema to one that the strict mode accepts, and reports whether it could.
func (n *node) makeStrict() bool {
	for _, name := range slices.Clone(n.names) {
		switch {
		case isIn(name, annotations):
			n.remove(name)
		case !isIn(name, strictKeywords):
			return false
		}
	}
	if ref := n.text("$ref"); ref != "" && !strings.HasPrefix(ref, "#") {
		return false
	}
	for _, name := range []string{"$defs", "definitions"} {
		if !n.object(name).eachStrict() {
			return false
		}
	}
	if list, ok := n.values["anyOf"].([]any); ok && !allStrict(list) {
		return false
	}
	return n.strictObject() && n.strictList() && n.saysType()
}

// eachStrict makes the values of an object strict, which are schemas.
func (n *node) eachStrict() bool {
	if n == nil {
		return true
	}
	values := make([]any, 0, len(n.names))
	for _, name := range n.names {
		values = append(values, n.values[name])
	}
	return allStrict(values)
}

func allStrict(list []any) bool {
	for _, v := range list {
		if object, ok := v.(*node); !ok || !object.makeStrict() {
			return false
		}
	}
	return true
}

// strictObject requires all properties and allows no others.
func (n *node) strictObject() bool {
	if !n.has("object") {
		return n.values["properties"] == nil
	}
	properties := n.object("properties")
	more, closed := n.values["additionalProperties"].(jsontext.Value)
	if n.values["anyOf"] != nil || n.values["$ref"] != nil { // their properties would be forbidden here
		return false
	}
	if properties == nil || len(properties.names) == 0 || n.values["additionalProperties"] != nil && !(closed && string(more) == "false") {
		return false
	}
	required, _ := n.values["required"].([]any)
	was := map[string]bool{}
	for _, v := range required {
		raw, _ := v.(jsontext.Value)
		var name string
		_ = json.Unmarshal(raw, &name) // another kind of value
		was[name] = true
	}
	all := make([]any, 0, len(properties.names))
	for _, name := range properties.names {
		if property := properties.object(name); !was[name] && (property == nil || !property.has("null")) {
			return false
		}
		delete(was, name)
		all = append(all, jsontext.Value(quoted(name)))
	}
	n.set("required", all)
	n.set("additionalProperties", jsontext.Value("false"))
	return len(was) == 0 && properties.eachStrict()
}

func (n *node) strictList() bool {
	if !n.has("array") {
		return n.values["items"] == nil
	}
	items := n.object("items")
	return items != nil && items.makeStrict()
}

// saysType reports whether the schema restricts the type of a value.
func (n *node) saysType() bool {
	for _, name := range []string{"type", "enum", "const", "anyOf", "$ref"} {
		if n.values[name] != nil {
			return true
		}
	}
	return false
}

// has reports whether the schema names the type.
func (n *node) has(typ string) bool {
	if n.text("type") == typ {
		return true
	}
	list, _ := n.values["type"].([]any)
	return slices.ContainsFunc(list, func(v any) bool {
		raw, _ := v.(jsontext.Value)
		return string(raw) == `"`+typ+`"`
	})
}
