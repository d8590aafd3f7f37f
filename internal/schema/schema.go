// Package schema checks answers against JSON Schemas (drafts 4, 6, 7, 2019-09 and 2020-12).
//
// Schemas and answers come from strangers, so that everything is bounded: a reference leads
// nowhere but into its own schema, depth and numbers are limited, and a schema that multiplies
// its evaluations is stopped. Nothing is compiled before the first Compile.
package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"chat"
)

// The limits.
const (
	// MaxViolations is how many violations are reported.
	MaxViolations = 20
	// maxSteps bounds the work of one check: a step is the comparison with one value of
	// an enum, or something that takes as long.
	maxSteps = 1 << 21
	// maxSentence bounds a violation, in characters.
	maxSentence = 200
)

// Schema is a compiled JSON Schema. It is safe for concurrent use.
type Schema struct {
	mu       sync.Mutex // one check after the other: they share the budget
	compiled *jsonschema.Schema
	budget   *budget
}

// address is the URL of a schema without $id. References are resolved against it.
const address = "chat:///schema"

// Compile compiles a schema. Without $schema it is one of draft 2020-12. The error is
// CodeInvalid and says what is wrong, and where.
func Compile(raw []byte) (*Schema, error) {
	return compileWith(raw, jsonschema.Draft2020, noLoader{})
}

// compileWith is Compile with a draft for schemas without $schema, and a loader.
func compileWith(raw []byte, draft *jsonschema.Draft, loader jsonschema.URLLoader) (*Schema, error) {
	if err := check(raw); err != nil {
		return nil, chat.Errorf(chat.CodeInvalid, "the schema cannot be read: %w", err)
	}
	document, err := decode(raw)
	if err != nil {
		return nil, chat.Errorf(chat.CodeInvalid, "the schema cannot be read: %w", err)
	}
	b := &budget{left: maxSteps}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(draft)
	c.UseLoader(loader)
	c.RegisterVocabulary(&jsonschema.Vocabulary{
		URL: "chat:///budget",
		Compile: func(_ *jsonschema.CompilerContext, object map[string]any) (jsonschema.SchemaExt, error) {
			return b.costOf(object), nil
		},
	})
	c.AssertVocabs()
	if err := c.AddResource(address, document); err != nil {
		return nil, chat.Errorf(chat.CodeInvalid, "the schema cannot be used: %w", err)
	}
	compiled, err := compile(c)
	if err != nil {
		return nil, chat.Errorf(chat.CodeInvalid, "the schema is not a valid JSON Schema: %s", reason(err))
	}
	return &Schema{compiled: compiled, budget: b}, nil
}

// compile compiles the resource at address. The library panics for some schemas, such as one
// with a number that is none.
func compile(c *jsonschema.Compiler) (compiled *jsonschema.Schema, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("it cannot be compiled (%v)", v)
		}
	}()
	return c.Compile(address)
}

// noLoader refuses every reference to another document.
type noLoader struct{}

func (noLoader) Load(url string) (any, error) {
	return nil, chat.Errorf(chat.CodeInvalid, "it refers to %s: put that schema into its $defs, because references are not loaded", line(url))
}

// reason is why a schema could not be compiled, as one sentence.
func reason(err error) string {
	if e, ok := errors.AsType[*chat.Error](err); ok {
		return e.Message
	}
	if e, ok := errors.AsType[*jsonschema.SchemaValidationError](err); ok {
		err = e.Err // which it does not unwrap
	}
	if e, ok := errors.AsType[*jsonschema.ValidationError](err); ok {
		return strings.Join(sentences(e), "; ")
	}
	return line(strings.ReplaceAll(strings.TrimPrefix(err.Error(), "jsonschema: "), address, ""))
}

// Check returns how a JSON value violates s: at most MaxViolations sentences, each of which
// begins with the JSON pointer of the place, or with "top level". It returns none for a
// value that matches.
func (s *Schema) Check(value []byte) []string {
	document, err := decode(value)
	if err != nil {
		return []string{line("top level: " + err.Error())}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.budget.left = maxSteps
	err = s.validate(document)
	var e *jsonschema.ValidationError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &e):
		return sentences(e)
	}
	return []string{line("top level: " + err.Error())}
}

// validate returns a *jsonschema.ValidationError, or errTooMuch.
func (s *Schema) validate(document any) (err error) {
	defer func() {
		if v := recover(); v != nil {
			if v != any(errTooMuch) {
				panic(v)
			}
			err = errTooMuch
		}
	}()
	return s.compiled.Validate(document)
}

// budget has the steps that are left of a check.
type budget struct{ left int }

var errTooMuch = fmt.Errorf("the schema takes more than %d steps for this value", maxSteps)

// cost is what an evaluation of one subschema costs. The library calls it before each.
type cost struct {
	of      *budget
	steps   int
	pattern bool
}

func (b *budget) costOf(object map[string]any) cost {
	values, _ := object["enum"].([]any)
	patterns, _ := object["patternProperties"].(map[string]any)
	return cost{b, 4*(1+len(patterns)) + len(values), object["pattern"] != nil}
}

// Validate implements jsonschema.SchemaExt.
func (c cost) Validate(_ *jsonschema.ValidatorContext, v any) {
	c.of.left -= c.steps
	if text, ok := v.(string); ok && c.pattern {
		c.of.left -= len(text) / 16
	}
	if c.of.left < 0 {
		panic(errTooMuch)
	}
}

// decode decodes JSON with its numbers as they are written.
func decode(raw []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	err := d.Decode(&v)
	return v, err
}

// sentences are the innermost causes of e, sorted by place.
func sentences(e *jsonschema.ValidationError) []string {
	printer := message.NewPrinter(language.English)
	var out []string
	var walk func(*jsonschema.ValidationError)
	walk = func(e *jsonschema.ValidationError) {
		if len(out) >= 4*MaxViolations {
			return
		}
		if len(e.Causes) > 0 && !alternatives(e.ErrorKind) {
			for _, c := range e.Causes {
				walk(c)
			}
			return
		}
		if k, ok := e.ErrorKind.(*kind.AdditionalProperties); ok {
			slices.Sort(k.Properties)
		}
		out = append(out, line(place(e.InstanceLocation)+": "+e.ErrorKind.LocalizedString(printer)))
	}
	walk(e)
	slices.Sort(out)
	out = slices.Compact(out)
	return out[:min(len(out), MaxViolations)]
}

// alternatives reports whether the causes of an error are alternatives, of which one would
// have been enough.
func alternatives(k jsonschema.ErrorKind) bool {
	switch k.(type) {
	case *kind.AnyOf, *kind.OneOf, *kind.Contains:
		return true
	}
	return false
}

// place is a JSON pointer (RFC 6901), or "top level".
func place(location []string) string {
	if len(location) == 0 {
		return "top level"
	}
	var b strings.Builder
	for _, name := range location {
		b.WriteString("/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name))
	}
	return b.String()
}

// line returns s on one line of at most maxSentence characters.
func line(s string) string {
	s = strings.Join(strings.Fields(chat.NormalizeText(s)), " ")
	if runes := []rune(s); len(runes) > maxSentence {
		return string(runes[:maxSentence-1]) + "…"
	}
	return s
}
