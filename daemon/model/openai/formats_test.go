package openai_test

import (
	"slices"
	"strings"
	"testing"

	"chat"
	"chat/daemon/model"
	"chat/daemon/model/modeltest"
)

// structured is a request for an object.
func structured() model.Request {
	req := modeltest.Ask("hello")
	req.Parameters.Format = &chat.Format{Schema: []byte(`{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"]}`)}
	return req
}

// formatRefusals are real ones: the bodies of servers that do not know a form of answers.
var formatRefusals = []struct {
	name    string
	refused []string // the values of Asked.Format
	body    string
	asked   []string // of the first request, and those after refusals
	notice  string
}{
	{
		"a schema",
		[]string{"strict"},
		`{"error":{"message":"Invalid schema for response_format 'answer': In context=(), 'additionalProperties' is required to be supplied and to be false.","param":"response_format"}}`,
		[]string{"strict", "json_schema"},
		"in strict mode",
	},
	{
		"DeepSeek",
		[]string{"strict", "json_schema"},
		`{"error":{"message":"This response_format type is unavailable now","type":"invalid_request_error","param":null,"code":"invalid_request_error"}}`,
		[]string{"strict", "json_object"},
		"JSON object",
	},
	{
		"Groq",
		[]string{"strict", "json_schema"},
		"{\"error\":{\"message\":\"This model does not support response format `json_schema`. See supported models\",\"type\":\"invalid_request_error\"}}",
		[]string{"strict", "json_object"},
		"JSON object",
	},
	{
		"OpenAI, old",
		[]string{"strict", "json_schema"},
		`{"error":{"message":"Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model.","type":"invalid_request_error","param":null}}`,
		[]string{"strict", "json_object"},
		"JSON object",
	},
	{
		"a list of values",
		[]string{"strict", "json_schema"},
		`{"detail":[{"type":"literal_error","loc":["body","response_format","type"],"msg":"Input should be 'text' or 'json_object'"}]}`,
		[]string{"strict", "json_object"},
		"JSON object",
	},
	{
		"no formats",
		[]string{"strict", "json_schema", "json_object"},
		`{"error":{"message":"Unrecognized request argument supplied: response_format","type":"invalid_request_error"}}`,
		[]string{"strict", "json_object", ""},
		"system prompt asks",
	},
	{
		"no grammars",
		[]string{"strict", "json_schema", "json_object"},
		`{"error":{"message":"Failed to initialize the grammar sampler","type":"invalid_request_error"}}`,
		[]string{"strict", "json_object", ""},
		"system prompt asks",
	},
	{
		"a field without a name",
		[]string{"strict", "json_schema", "json_object"},
		`{"message":"json: unknown field \"response_format\""}`,
		[]string{"strict", "json_object", ""},
		"system prompt asks",
	},
}

func TestFormatsThatAreRefused(t *testing.T) {
	for _, tc := range formatRefusals {
		t.Run(tc.name, func(t *testing.T) {
			p, r := picky(t, func(a modeltest.Asked) (int, string) {
				if slices.Contains(tc.refused, a.Format) {
					return 400, tc.body
				}
				return 0, ""
			})
			g := modeltest.Collect(t.Context(), t, r, structured())
			if g.Err != nil || len(g.Notices) != 1 || !strings.Contains(g.Notices[0], tc.notice) {
				t.Fatalf("%v, notices %q", g.Err, g.Notices)
			}
			if got := formatsOf(p.Requests()); !slices.Equal(got, tc.asked) {
				t.Errorf("asked for %q", got)
			}
			last := p.Requests()[len(tc.asked)-1]
			if described := strings.Contains(last.Messages[0].Text, `"required":["n"]`); described != (tc.asked[1] != "json_schema") {
				t.Errorf("the first message is %q", last.Messages[0].Text)
			}
			// The model is known now; what was refused of one schema says nothing about others.
			known := tc.asked[len(tc.asked)-1:]
			if tc.name == "a schema" {
				known = tc.asked
			}
			before := len(p.Requests())
			if g := modeltest.Collect(t.Context(), t, r, structured()); g.Err != nil {
				t.Fatal(g.Err)
			}
			if got := formatsOf(p.Requests()[before:]); !slices.Equal(got, known) {
				t.Errorf("then asked for %q", got)
			}
			// Without a format, nothing is asked for.
			before = len(p.Requests())
			if g := modeltest.Collect(t.Context(), t, r, modeltest.Ask("hello")); g.Err != nil {
				t.Fatal(g.Err)
			}
			if last := p.Requests()[before:]; len(last) != 1 || last[0].Format != "" || last[0].Roles() != "user" {
				t.Errorf("without a format: %+v", last)
			}
		})
	}
}

func formatsOf(requests []modeltest.Asked) []string {
	var out []string
	for _, a := range requests {
		out = append(out, a.Format)
	}
	return out
}

// A client that says how strict the schema is has it sent as it is.
func TestTheClientDecidesAboutStrictMode(t *testing.T) {
	p, r := picky(t, func(modeltest.Asked) (int, string) { return 0, "" })
	for _, strict := range []bool{false, true} {
		req := structured()
		req.Parameters.Format.Strict = &strict
		if g := modeltest.Collect(t.Context(), t, r, req); g.Err != nil {
			t.Fatal(g.Err)
		}
	}
	if got := formatsOf(p.Requests()); !slices.Equal(got, []string{"json_schema", "strict"}) {
		t.Errorf("asked for %q", got)
	}
}
