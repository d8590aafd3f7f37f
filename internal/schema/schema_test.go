package schema

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"

	"chat"
)

func mustCompile(t *testing.T, raw string) *Schema {
	t.Helper()
	s, err := Compile([]byte(raw))
	if err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return s
}

func TestViolationsNameTheirPlace(t *testing.T) {
	s := mustCompile(t, `{"type":"object","properties":{"a/b":{"type":"integer","maximum":9},"list":{"items":{"enum":["x","y"]}},
		"either":{"anyOf":[{"type":"string"},{"type":"null"}]}},"required":["a/b","name"],"additionalProperties":false}`)
	for value, want := range map[string][]string{
		`{"a/b":1,"name":1}`:           {"top level: additional properties 'name' not allowed"},
		`{"a/b":"1"}`:                  {"/a~1b: got string, want integer", "top level: missing property 'name'"},
		`{"a/b":10}`:                   {"/a~1b: maximum: got 10, want 9", "top level: missing property 'name'"},
		`{"a/b":1,"list":["x","z",1]}`: {"/list/1: value must be one of 'x', 'y'", "/list/2: value must be one of 'x', 'y'", "top level: missing property 'name'"},
		`{"a/b":1,"either":1,"z":1}`:   {"/either: 'anyOf' failed", "top level: additional properties 'z' not allowed", "top level: missing property 'name'"},
		`[]`:                           {"top level: got array, want object"},
		`{"a/b":1,"b":1,"a":1,"c":1}`:  {"top level: additional properties 'a', 'b', 'c' not allowed", "top level: missing property 'name'"},
	} {
		if got := s.Check([]byte(value)); strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("%s:\ngot  %q\nwant %q", value, got, want)
		}
	}
}

func TestViolationsAreBounded(t *testing.T) {
	s := mustCompile(t, `{"items":{"type":"string","maxLength":3}}`)
	var b bytes.Buffer
	b.WriteString(`["` + strings.Repeat("é", 10_000) + `"`)
	for i := range 10_000 {
		b.WriteString("," + strconv.Itoa(i))
	}
	b.WriteString("]")
	got := s.Check(b.Bytes())
	if len(got) != MaxViolations {
		t.Errorf("%d violations", len(got))
	}
	for _, v := range got {
		if len([]rune(v)) > maxSentence || strings.Contains(v, "\n") {
			t.Errorf("%q", v)
		}
	}
}

func TestSchemasThatCannotBeUsed(t *testing.T) {
	for raw, want := range map[string]string{
		`{"type":"objekt"}`:                      "/type: ",
		`{"$ref":"https://example.com/a.json"}`:  "references are not loaded",
		`{"$ref":"file:///etc/passwd"}`:          "references are not loaded",
		`{"$ref":"other.json"}`:                  "references are not loaded",
		`{"$schema":"https://example.com/meta"}`: "references are not loaded",
		`{"$ref":"#/$defs/none"}`:                "none",
		`{"pattern":"("}`:                        "(",
		`{"minimum":1e999999999}`:                "too long",
		`{"type":"object"} {}`:                   "more than one JSON value",
		`{"type":"object","type":"array"}`:       "type",
		`{"a":` + strings.Repeat("[", 200):       "nested deeper",
		strings.Repeat(`{"not":`, 200):           "nested deeper",
		``:                                       "ends in the middle",
		`{"type":`:                               "ends in the middle",
		`nonsense`:                               "invalid",
	} {
		_, err := Compile([]byte(raw))
		if !chat.IsCode(err, chat.CodeInvalid) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), address) || len(err.Error()) > 1000 {
			t.Errorf("%.80s: %v", raw, err)
		}
	}
}

// A schema that doubles its work with every reference is stopped, also where the library
// wants to know only whether a value is valid.
func TestSchemasThatMultiplyTheirWork(t *testing.T) {
	var defs strings.Builder
	for i := range 40 {
		n := strconv.Itoa(i + 1)
		defs.WriteString(`"d` + strconv.Itoa(i) + `":{"anyOf":[{"$ref":"#/$defs/d` + n + `"},{"$ref":"#/$defs/d` + n + `"}]},`)
	}
	chain := `"$defs":{` + defs.String() + `"d40":{"type":"null"}}`
	for name, root := range map[string]string{
		"errors": `{"$ref":"#/$defs/d0",` + chain + `}`, "not": `{"not":{"$ref":"#/$defs/d0"},` + chain + `}`,
		"if": `{"if":{"$ref":"#/$defs/d0"},` + chain + `}`, "names": `{"propertyNames":{"$ref":"#/$defs/d0"},` + chain + `}`,
		"enum":    `{"additionalProperties":{"items":{"enum":[` + strings.Repeat("1,", 9999) + `1]}}}`,
		"draft 7": `{"$schema":"http://json-schema.org/draft-07/schema#","allOf":[{"$ref":"#/$defs/d0"}],` + chain + `}`,
	} {
		t.Run(name, func(t *testing.T) {
			s := mustCompile(t, root)
			began := time.Now()
			got := s.Check([]byte(`{"a":[` + strings.Repeat("2,", 9999) + `2]}`))
			if len(got) != 1 || !strings.Contains(got[0], "steps") {
				t.Errorf("%q", got)
			}
			t.Logf("stopped after %s", time.Since(began).Round(time.Millisecond))
			if got := mustCompile(t, `{"type":"object"}`).Check([]byte(`{"a":1}`)); got != nil {
				t.Errorf("the next check: %q", got)
			}
		})
	}
}

func TestTheBudgetIsForOneCheck(t *testing.T) {
	s := mustCompile(t, `{"items":{"type":"integer"}}`)
	value := []byte("[" + strings.Repeat("1,", maxSteps/4*2/3) + "1]")
	for range 2 {
		if got := s.Check(value); got != nil {
			t.Fatalf("%q", got)
		}
	}
}

func TestFind(t *testing.T) {
	for text, want := range map[string]string{
		`{"a":1}`:                               `{"a":1}`,
		" \n{\"a\": [1, {}]}\n":                 `{"a": [1, {}]}`,
		"```json\n{\"a\":1}\n```":               `{"a":1}`,
		"```\n[1]\n```\n":                       `[1]`,
		"Here it is:\n\n```json\n[1]\n```\nOK.": `[1]`,
		"The answer is {\"a\":\"}{\"}.":         `{"a":"}{"}`,
		`42`:                                    `42`,
		"```json\n\"a {\"\n```":                 `"a {"`,
		`"[not a list]"`:                        `"[not a list]"`,
		"\ufefftrue":                            `true`,
		`[]`:                                    `[]`,
	} {
		if got, err := Find(text); err != nil || string(got) != want {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{
		"":                              "empty",
		" \n":                           "empty",
		"no":                            "has no JSON",
		"1 2":                           "has no JSON",
		`{"a":1} {"b":2}`:               "more than one",
		`{"a":1}}`:                      "more than one",
		`[1] as in [2]`:                 "more than one",
		`} {"a":1}`:                     "more than one",
		`{"a":1,`:                       "ends in the middle",
		`{"a":{"b":1},"c":`:             "ends in the middle",
		`{'a':1}`:                       "not JSON: at the top level",
		`{"a":{"b":tru}}`:               "not JSON: at /a/b",
		`{"a":1,"a":2}`:                 "not JSON: at /a",
		"{\"a\":\"\xff\"}":              "not JSON",
		`{"a":1e99999}`:                 "the number at /a is too long",
		`[[` + strings.Repeat("[", 300): "ends in the middle",
		strings.Repeat("[", 300) + strings.Repeat("]", 300): "nested deeper",
	} {
		if got, err := Find(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: %q, %v", text, got, err)
		}
	}
}

func FuzzFind(f *testing.F) {
	for _, s := range []string{`{"a":1}`, "```json\n[1]\n```", "x", `"{"`, `{"a":1}{`, `{"a":1e5}`} {
		f.Add(s)
	}
	s, err := Compile([]byte(`{"type":["object","array"],"items":{"type":"integer"},"uniqueItems":true}`))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		value, err := Find(text)
		if err != nil {
			return
		}
		if !json.Valid(value) || !strings.Contains(text, string(value)) {
			t.Errorf("%q: %q", text, value)
		}
		again, err := Find(string(value))
		if err != nil || !bytes.Equal(again, value) {
			t.Errorf("%q: %q, %v", value, again, err)
		}
		s.Check(value)
	})
}

func TestStrict(t *testing.T) {
	for raw, want := range map[string]string{
		`{"type":"object","properties":{"b":{"type":"string"},"a":{"type":"integer","default":1}},"required":["b","a"]}`:                                                                           `{"type":"object","properties":{"b":{"type":"string"},"a":{"type":"integer"}},"required":["b","a"],"additionalProperties":false}`,
		`{"$schema":"x","type":"object","properties":{"a":{"type":["string","null"]},"l":{"type":"array","items":{"$ref":"#/$defs/d"}}},"required":["l"],"$defs":{"d":{"enum":[1,"x",{"y":[]}]}}}`: `{"type":"object","properties":{"a":{"type":["string","null"]},"l":{"type":"array","items":{"$ref":"#/$defs/d"}}},"required":["a","l"],"$defs":{"d":{"enum":[1,"x",{"y":[]}]}},"additionalProperties":false}`,
		`{"type":"array","items":{"type":"string"}}`:                                                          "",
		`{"type":"object"}`:                                                                                   "",
		`{"type":"object","properties":{}}`:                                                                   "",
		`{"type":"object","properties":{"a":{"type":"string"}}}`:                                              "", // a is optional
		`{"type":"object","properties":{"a":{}},"required":["a"]}`:                                            "", // a is anything
		`{"type":"object","properties":{"a":true},"required":["a"]}`:                                          "",
		`{"type":"object","properties":{"a":{"type":"array"}},"required":["a"]}`:                              "",
		`{"type":"object","properties":{"a":{"type":"string","minLength":1}},"required":["a"]}`:               "",
		`{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":true}`: "",
		`{"type":"object","properties":{"a":{"type":"string"}},"required":["a","b"]}`:                         "",
		`{"type":"object","properties":{"a":{"$ref":"x.json"}},"required":["a"]}`:                             "",
		`true`: "",
	} {
		got, ok := Strict([]byte(raw))
		if string(got) != want || ok != (want != "") {
			t.Errorf("%s:\ngot  %s\nwant %s", raw, got, want)
		}
	}
}
