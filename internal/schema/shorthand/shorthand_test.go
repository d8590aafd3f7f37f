package shorthand_test

import (
	"encoding/json"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"chat"
	"chat/internal/schema"
	"chat/internal/schema/shorthand"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		"name":                              `{"type":"object","properties":{"name":{"type":"string"}},"required":["name"],"additionalProperties":false}`,
		"name str, age int":                 `{"type":"object","properties":{"name":{"type":"string"},"age":{"type":"integer"}},"required":["name","age"],"additionalProperties":false}`,
		"a float, b num, c bool, d any":     `{"type":"object","properties":{"a":{"type":"number"},"b":{"type":"number"},"c":{"type":"boolean"},"d":{}},"required":["a","b","c","d"],"additionalProperties":false}`,
		"tags [str]":                        `{"type":"object","properties":{"tags":{"type":"array","items":{"type":"string"}}},"required":["tags"],"additionalProperties":false}`,
		"address {street str, zip str?}":    `{"type":"object","properties":{"address":{"type":"object","properties":{"street":{"type":"string"},"zip":{"type":["string","null"]}},"required":["street"],"additionalProperties":false}},"required":["address"],"additionalProperties":false}`,
		`s "open | closed", t? "a|b"`:       `{"type":"object","properties":{"s":{"type":"string","enum":["open","closed"]},"t":{"type":["string","null"],"enum":["a","b",null]}},"required":["s"],"additionalProperties":false}`,
		"people [{name, age int?}]":         `{"type":"object","properties":{"people":{"type":"array","items":{"type":"object","properties":{"name":{"type":"string"},"age":{"type":["integer","null"]}},"required":["name"],"additionalProperties":false}}},"required":["people"],"additionalProperties":false}`,
		"name, short_bio: one sentence bio": `{"type":"object","properties":{"name":{"type":"string"},"short_bio":{"type":"string","description":"one sentence bio"}},"required":["name","short_bio"],"additionalProperties":false}`,
		"name: the person's name, in full\nage int: their age in years\n": `{"type":"object","properties":{"name":{"type":"string","description":"the person's name, in full"},"age":{"type":"integer","description":"their age in years"}},"required":["name","age"],"additionalProperties":false}`,
		"a {\n  b: x, y\n  c int,\n},\nd":                                 `{"type":"object","properties":{"a":{"type":"object","properties":{"b":{"type":"string","description":"x, y"},"c":{"type":"integer"}},"required":["b","c"],"additionalProperties":false},"d":{"type":"string"}},"required":["a","d"],"additionalProperties":false}`,
		"o? {x}":                                                          `{"type":"object","properties":{"o":{"type":["object","null"],"properties":{"x":{"type":"string"}},"required":["x"],"additionalProperties":false}},"additionalProperties":false}`,
		"größe num: \"quoted\"":                                           `{"type":"object","properties":{"größe":{"type":"number","description":"\"quoted\""}},"required":["größe"],"additionalProperties":false}`,
	} {
		got, err := shorthand.Parse(text)
		if err != nil || string(got) != want {
			t.Errorf("%q:\ngot  %s, %v\nwant %s", text, got, err, want)
			continue
		}
		if _, err := schema.Compile(got); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestErrorsShowThePlace(t *testing.T) {
	for text, want := range map[string]string{
		"":                          "there are no fields, at character 1",
		"name strr, age int":        "unknown type \"strr\": use str, int, num, bool, any, [T], {…} or \"a|b\"; a description follows a colon, at character 6\n  name strr, age int\n       ^",
		"name str age int":          "expected a comma after the field \"name\", found \"a\", at character 10\n  name str age int\n           ^",
		"a int, a str":              "the field \"a\" is there twice, at character 8\n  a int, a str\n         ^",
		"a [str":                    "expected a ] for the list at character 3, found the end, at character 7\n  a [str\n        ^",
		"a {b int":                  "a } is missing, at character 9",
		"a {}":                      "there are no fields, at character 4",
		"a int}":                    "expected a comma after the field \"a\", found \"}\", at character 6",
		", a":                       "expected the name of a field, found \",\", at character 1",
		"a \"x":                     "the \" is not closed, at character 3",
		"a \"x||y\"":                "must be there once, and not be empty, at character 3",
		"one int\ntwo wrong\n":      "at character 13\n  two wrong\n      ^",
		"a []":                      "expected a type, found \"]\", at character 4",
		"a [\nx":                    "unknown type \"x\"",
		"\xff":                      "not a text in UTF-8",
		"a\x00b":                    "not a text in UTF-8",
		strings.Repeat("a {", 30):   "more than 20 levels",
		strings.Repeat("x", 70<<10): "at most 64 KiB",
	} {
		got, err := shorthand.Parse(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %s\ngot:  %v\nwant: %s", text, got, err, want)
		}
		if code := chat.CodeOf(err); code != chat.CodeInvalid && code != chat.CodeTooLarge {
			t.Errorf("%.40q: %s", text, code)
		}
	}
}

// object is a random schema, a value that matches it, and the same in short notation.
func object(r *rand.Rand, depth int) (text string, value map[string]any) {
	var fields []string
	value = map[string]any{}
	for i := range 1 + r.IntN(4) {
		name := "f" + strconv.Itoa(i)
		typ, v := kind(r, depth)
		field := name + " " + typ
		switch r.IntN(4) {
		case 0:
			field += "?"
			if r.IntN(2) == 0 {
				v = nil
			}
		case 1:
			field += ": a description"
		}
		fields = append(fields, field)
		value[name] = v
	}
	return strings.Join(fields, ", "), value
}

func kind(r *rand.Rand, depth int) (string, any) {
	n := 7
	if depth == 0 {
		n = 5
	}
	switch r.IntN(n) {
	case 0:
		return "str", "x"
	case 1:
		return "int", r.IntN(100)
	case 2:
		return "num", r.Float64()
	case 3:
		return "bool", true
	case 4:
		return `"a|b"`, "b"
	case 5:
		text, v := kind(r, depth-1)
		return "[" + text + "]", []any{v, v}
	}
	text, v := object(r, depth-1)
	return "{" + text + "}", v
}

// A value made beside a schema matches it; with another field it does not; the same holds in
// strict mode, unless an optional field is left out.
func TestSchemasMatchTheirValues(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		text, value := object(r, 3)
		raw, err := shorthand.Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		strict, ok := schema.Strict(raw)
		if !ok {
			t.Fatalf("%s: no strict schema of %s", text, raw)
		}
		for _, s := range [][]byte{raw, strict} {
			compiled, err := schema.Compile(s)
			if err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			good, err := json.Marshal(value)
			if err != nil {
				t.Fatal(err)
			}
			if got := compiled.Check(good); got != nil {
				t.Errorf("%s: %s: %q", text, good, got)
			}
			value["another"] = 1
			bad, err := json.Marshal(value)
			delete(value, "another")
			if err != nil {
				t.Fatal(err)
			}
			if got := compiled.Check(bad); len(got) != 1 {
				t.Errorf("%s: %s: %q", text, bad, got)
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"name str, age int", "a {b [str], c? \"x|y\"}: d\ne", "a [{b {c}}]", "größe", "a: {", "a,,b", "a [[[int]]]?"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		raw, err := shorthand.Parse(text)
		if err != nil {
			if code := chat.CodeOf(err); code != chat.CodeInvalid && code != chat.CodeTooLarge {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		if _, err := schema.Compile(raw); err != nil {
			t.Errorf("%q: %s: %v", text, raw, err)
		}
		if again, err := shorthand.Parse(text); err != nil || string(again) != string(raw) {
			t.Errorf("%q is not the same twice", text)
		}
	})
}
