// Package shorthand reads the short notation of a JSON Schema:
//
//	name str, age int, tags [str], address {street str, zip str?}, status "open|closed"
//
// A schema is a list of fields, separated by commas or line ends. A field is a name, its type,
// and after a colon its description; a description ends at the comma, or, if the fields stand
// on several lines, at the end of the line. The types are str, int, num, bool and any; [T] is
// a list, {…} an object, and "a|b" one of several texts. Without a type a field is a str. A ?
// after the type marks an optional field, which may also be null.
//
// Schemas of the program llm (fields of str, int, float and bool, with descriptions) mean the
// same here, except that no other fields are allowed.
package shorthand

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"chat"
)

const (
	maxText  = 64 << 10 // bytes
	maxDepth = 20       // of nested objects and lists
)

// Parse returns the JSON Schema that text means: an object without other fields. The error is
// CodeInvalid and shows the place.
func Parse(text string) ([]byte, error) {
	if len(text) > maxText {
		return nil, chat.Errorf(chat.CodeTooLarge, "a schema in short notation has at most %d KiB: write it as a file of JSON Schema", maxText>>10)
	}
	if !utf8.ValidString(text) || strings.Contains(text, "\x00") {
		return nil, chat.Errorf(chat.CodeInvalid, "the schema is not a text in UTF-8")
	}
	p := &parser{text: strings.ReplaceAll(text, "\r\n", "\n")}
	root, err := p.fields(false)
	if err != nil {
		return nil, err
	}
	return root.json(false), nil
}

// typ is the type of a field.
type typ struct {
	name   string // of JSON Schema; "" is any
	values []string
	items  *typ
	fields []field
}

type field struct {
	name, description string
	of                *typ
	optional          bool
}

// json returns the type as a JSON Schema, with null as another value of an optional one.
func (t *typ) json(optional bool) []byte { return field{of: t, optional: optional}.json() }

func (f field) json() []byte {
	var b bytes.Buffer
	t := f.of
	b.WriteByte('{')
	member := func(name string, value []byte) {
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%s:%s", quote(name), value)
	}
	null := ""
	if f.optional {
		null = `,null`
	}
	switch {
	case t.name == "":
	case f.optional:
		member("type", []byte(`["`+t.name+`","null"]`))
	default:
		member("type", quote(t.name))
	}
	if f.description != "" {
		member("description", quote(f.description))
	}
	if t.values != nil {
		member("enum", []byte("["+string(join(t.values))+null+"]"))
	}
	if t.items != nil {
		member("items", t.items.json(false))
	}
	if t.name == "object" {
		t.members(member)
	}
	b.WriteByte('}')
	return b.Bytes()
}

// members adds what makes a type an object with these fields only.
func (t *typ) members(member func(string, []byte)) {
	var properties bytes.Buffer
	var required []string
	for i, f := range t.fields {
		if i > 0 {
			properties.WriteByte(',')
		}
		fmt.Fprintf(&properties, "%s:%s", quote(f.name), f.json())
		if !f.optional {
			required = append(required, f.name)
		}
	}
	member("properties", []byte("{"+properties.String()+"}"))
	if required != nil { // draft 4 forbids an empty list
		member("required", []byte("["+string(join(required))+"]"))
	}
	member("additionalProperties", []byte("false"))
}

func join(texts []string) []byte {
	var out [][]byte
	for _, s := range texts {
		out = append(out, quote(s))
	}
	return bytes.Join(out, []byte(","))
}

func quote(s string) []byte {
	out, _ := jsontext.AppendQuote(nil, s) // valid UTF-8, as Parse has checked
	return out
}

// parser reads a text from its beginning.
type parser struct {
	text  string
	at    int // the next byte
	depth int
}

// failed is the error at byte at of the text: a sentence, the line, and a mark below the place.
func (p *parser) failed(at int, format string, args ...any) error {
	begin := strings.LastIndexByte(p.text[:at], '\n') + 1
	line, _, _ := strings.Cut(p.text[begin:], "\n")
	column := utf8.RuneCountInString(p.text[begin:at])
	shown, mark := window(line, column)
	return chat.Errorf(chat.CodeInvalid, "the schema: %s, at character %d\n  %s\n  %s^",
		fmt.Sprintf(format, args...), utf8.RuneCountInString(p.text[:at])+1, shown, strings.Repeat(" ", mark))
}

// window returns at most 70 characters of a line around a column, and the column in it.
func window(line string, column int) (string, int) {
	const width, before = 70, 50
	runes := []rune(strings.ReplaceAll(line, "\t", " "))
	from := max(0, column-before)
	return string(runes[from:min(len(runes), from+width)]), column - from
}

// space skips white space, and line ends if they mean nothing here.
func (p *parser) space(lines bool) {
	for p.at < len(p.text) {
		r, size := utf8.DecodeRuneInString(p.text[p.at:])
		if !unicode.IsSpace(r) || r == '\n' && !lines {
			return
		}
		p.at += size
	}
}

// next is the next byte, 0 at the end.
func (p *parser) next() byte {
	if p.at == len(p.text) {
		return 0
	}
	return p.text[p.at]
}

// found describes what stands at the next byte.
func (p *parser) found() string {
	if p.at == len(p.text) {
		return "the end"
	}
	r, _ := utf8.DecodeRuneInString(p.text[p.at:])
	if r == '\n' {
		return "the end of the line"
	}
	return fmt.Sprintf("%q", string(r))
}

// fields reads fields up to the end, or up to the brace that closes them.
func (p *parser) fields(closed bool) (*typ, error) {
	begin := p.at
	severalLines := strings.Contains(p.group(closed), "\n")
	out := &typ{name: "object"}
	names := map[string]bool{}
	for {
		p.space(true)
		switch c := p.next(); {
		case c == ',' && len(out.fields) > 0:
			p.at++
			continue
		case c == '}' && closed, c == 0 && !closed:
			if len(out.fields) == 0 {
				return nil, p.failed(begin, "there are no fields")
			}
			return out, nil
		case c == 0:
			return nil, p.failed(p.at, "a } is missing")
		}
		at := p.at
		f, err := p.field(closed, severalLines)
		if err != nil {
			return nil, err
		}
		if names[f.name] {
			return nil, p.failed(at, "the field %q is there twice", f.name)
		}
		names[f.name] = true
		out.fields = append(out.fields, f)
		if p.space(false); !strings.ContainsRune(",\n}\x00", rune(p.next())) || p.next() == '}' && !closed {
			return nil, p.failed(p.at, "expected a comma after the field %q, found %s", f.name, p.found())
		}
	}
}

// group is the text of the fields from here on, without that of objects within them.
func (p *parser) group(closed bool) string {
	var b strings.Builder
	depth := 0
	for _, r := range p.text[p.at:] {
		switch {
		case r == '{':
			depth++
		case r == '}' && depth > 0:
			depth--
		case r == '}' && closed:
			return strings.TrimSpace(b.String())
		case depth == 0:
			b.WriteRune(r)
		}
	}
	return strings.TrimSpace(b.String())
}

// special are the characters that cannot be in a name.
const special = ",:?{}[]\"|"

// word reads a name.
func (p *parser) word() string {
	begin := p.at
	for p.at < len(p.text) {
		r, size := utf8.DecodeRuneInString(p.text[p.at:])
		if unicode.IsSpace(r) || strings.ContainsRune(special, r) {
			break
		}
		p.at += size
	}
	return p.text[begin:p.at]
}

// optional reads a question mark.
func (p *parser) optional() bool {
	if p.next() != '?' {
		return false
	}
	p.at++
	return true
}

func (p *parser) field(closed, severalLines bool) (f field, err error) {
	if f.name = p.word(); f.name == "" {
		return f, p.failed(p.at, "expected the name of a field, found %s", p.found())
	}
	f.optional = p.optional()
	p.space(false)
	f.of = &typ{name: "string"}
	if c := p.next(); !strings.ContainsRune(",:\n}?\x00", rune(c)) {
		if f.of, err = p.typ(); err != nil {
			return f, err
		}
		p.space(false)
	}
	f.optional = p.optional() || f.optional
	p.space(false)
	if p.next() == ':' {
		p.at++
		f.description = p.description(closed, severalLines)
	}
	return f, nil
}

// description reads to the end of the field.
func (p *parser) description(closed, severalLines bool) string {
	ends := "\n"
	if !severalLines {
		ends += ","
	}
	if closed {
		ends += "}"
	}
	rest := p.text[p.at:]
	if end := strings.IndexAny(rest, ends); end >= 0 {
		rest = rest[:end]
	}
	p.at += len(rest)
	return strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), ","))
}

// basic are the names of types without parts.
func basic(name string) (json string, known bool) {
	switch strings.ToLower(name) {
	case "str", "string", "text":
		return "string", true
	case "int", "integer":
		return "integer", true
	case "num", "number", "float":
		return "number", true
	case "bool", "boolean":
		return "boolean", true
	case "any":
		return "", true
	}
	return "", false
}

// typ reads a type.
func (p *parser) typ() (*typ, error) {
	at := p.at
	switch p.next() {
	case '"':
		return p.choice()
	case '[', '{':
		if p.depth++; p.depth > maxDepth {
			return nil, p.failed(at, "more than %d levels", maxDepth)
		}
		defer func() { p.depth-- }()
		if p.at++; p.text[at] == '[' {
			return p.list(at)
		}
		out, err := p.fields(true)
		p.at++ // the brace
		return out, err
	}
	name := p.word()
	if name == "" {
		return nil, p.failed(at, "expected a type, found %s", p.found())
	}
	json, known := basic(name)
	if !known {
		return nil, p.failed(at, `unknown type %q: use str, int, num, bool, any, [T], {…} or "a|b"; a description follows a colon`, name)
	}
	return &typ{name: json}, nil
}

// list reads the rest of a list that begins at the byte at.
func (p *parser) list(at int) (*typ, error) {
	p.space(true)
	items, err := p.typ()
	if err != nil {
		return nil, err
	}
	if p.space(true); p.next() != ']' {
		return nil, p.failed(p.at, "expected a ] for the list at character %d, found %s", utf8.RuneCountInString(p.text[:at])+1, p.found())
	}
	p.at++
	return &typ{name: "array", items: items}, nil
}

// choice reads "a|b".
func (p *parser) choice() (*typ, error) {
	at := p.at
	inside, _, closed := strings.Cut(p.text[at+1:], `"`)
	if !closed {
		return nil, p.failed(at, "the \" is not closed")
	}
	p.at += len(inside) + 2
	out := &typ{name: "string"}
	known := map[string]bool{}
	for value := range strings.SplitSeq(inside, "|") {
		value = strings.TrimSpace(value)
		if value == "" || known[value] {
			return nil, p.failed(at, "each value of \"a|b\" must be there once, and not be empty")
		}
		known[value] = true
		out.values = append(out.values, value)
	}
	return out, nil
}
