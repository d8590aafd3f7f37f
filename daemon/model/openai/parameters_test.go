package openai_test

import (
	"slices"
	"strings"
	"testing"

	"chat"
	"chat/daemon/model"
	"chat/daemon/model/modeltest"
)

// refusedParameters are how servers refuse a parameter of a request: its field, the name
// that users know, and a value. anyValue says that no value is accepted.
var refusedParameters = []struct {
	server, field, name, value string
	anyValue                   bool
	status                     int
	body                       string
}{
	{"OpenAI, reasoning models", "temperature", "temperature", "0.2", true, 400, `{"error":{"message":"Unsupported value: 'temperature' does not support 0.2 with this model. Only the default (1) value is supported.","type":"invalid_request_error","param":"temperature","code":"unsupported_value"}}`},
	{"OpenAI", "top_p", "top_p", "0.5", true, 400, `{"error":{"message":"Unsupported parameter: 'top_p' is not supported with this model.","type":"invalid_request_error","param":"top_p","code":"unsupported_parameter"}}`},
	{"OpenAI, stop", "stop", "stop", "END", true, 400, `{"error":{"message":"Unsupported parameter: 'stop' is not supported with this model.","type":"invalid_request_error","param":"stop","code":"unsupported_parameter"}}`},
	{"Azure", "reasoning_effort", "effort", "low", true, 400, `{"error":{"message":"Unrecognized request argument supplied: reasoning_effort","type":"invalid_request_error","param":null,"code":null}}`},
	{"Groq", "reasoning_effort", "effort", "low", true, 400, `{"error":{"message":"reasoning_effort is not supported with this model","type":"invalid_request_error"}}`},
	{"Ollama", "reasoning_effort", "effort", "high", true, 400, `{"error":{"message":"\"picky\" does not support thinking","type":"invalid_request_error"}}`},
	{"Mistral", "seed", "seed", "7", true, 422, `{"detail":[{"type":"extra_forbidden","loc":["body","seed"],"msg":"Extra inputs are not permitted","input":7}]}`},
	{"Gemini", "seed", "seed", "7", true, 400, `[{"error":{"code":400,"message":"Invalid JSON payload received. Unknown name \"seed\": Cannot find field.","status":"INVALID_ARGUMENT"}}]`},
	{"a Rust server", "seed", "seed", "7", true, 422, "Failed to deserialize the JSON body into the target type: unknown field `seed`, expected one of `model`, `messages` at line 1 column 99"},
	{"xAI", "stop", "stop", "END", true, 400, `{"code":"Client specified an invalid argument","error":"Argument not supported on this model: stop"}`},
	{"in the stream", "temperature", "temperature", "0", true, 200, `{"error":{"message":"temperature is not supported","type":"invalid_request_error","code":400}}`},
	{"Anthropic", "temperature", "temperature", "1.5", false, 400, `{"type":"error","error":{"type":"invalid_request_error","message":"temperature: range: 0..1"}}`},
	{"OpenAI, an effort", "reasoning_effort", "effort", "minimal", false, 400, `{"error":{"message":"Unsupported value: 'reasoning_effort' does not support 'minimal' with this model. Supported values are: 'low', 'medium', and 'high'.","type":"invalid_request_error","param":"reasoning_effort","code":"unsupported_value"}}`},
	{"OpenAI, tokens", "max_tokens", "max_tokens", "100000", false, 400, `{"error":{"message":"max_tokens is too large: 100000. This model supports at most 16384 completion tokens, whereas you provided 100000.","type":"invalid_request_error","param":"max_tokens","code":"invalid_value"}}`},
	{"vLLM, tokens", "max_tokens", "max_tokens", "8000", false, 400, `{"object":"error","message":"'max_tokens' or 'max_completion_tokens' is too large: 8000. This model's maximum context length is 4096 tokens and your request has 30 input tokens (8000 > 4096 - 30).","type":"BadRequestError","param":null,"code":400}`},
}

// asking is a question with parameters, as a user writes them.
func asking(t *testing.T, pairs ...string) model.Request {
	t.Helper()
	r := model.Request{Messages: []chat.Message{{ID: "1", Role: chat.RoleUser, Content: "hello"}}}
	for pair := range slices.Chunk(pairs, 2) {
		if problem := r.Parameters.Set(pair[0], pair[1]); problem != "" {
			t.Fatal(problem)
		}
	}
	return r
}

func TestARefusedParameterIsLeftOutAndReported(t *testing.T) {
	t.Parallel()
	for _, tc := range refusedParameters {
		t.Run(tc.server, func(t *testing.T) {
			t.Parallel()
			p, r := picky(t, func(a modeltest.Asked) (int, string) {
				raw, has := a.Raw[tc.field]
				if has && (tc.anyValue || strings.Trim(string(raw), `"`) == tc.value) {
					return tc.status, tc.body
				}
				return 0, ""
			})
			for n := range 3 {
				g := modeltest.Collect(t.Context(), t, r, asking(t, tc.name, tc.value))
				if g.Err != nil || !strings.HasPrefix(g.Content, "answer ") {
					t.Fatalf("%q, %v", g.Content, g.Err)
				}
				if len(g.Notices) != 1 || !strings.HasPrefix(g.Notices[0], "picky refused the ") || !strings.Contains(g.Notices[0], "parameter "+tc.name+", which was left out") {
					t.Errorf("notices %q", g.Notices)
				}
				if got := len(p.Requests()); got != n+2 {
					t.Errorf("%d requests after %d answers: it was not remembered", got, n+1)
				}
			}
			if modeltest.Collect(t.Context(), t, r, asking(t)); slices.Contains(p.Requests()[4].Fields, tc.field) {
				t.Errorf("a parameter that was not asked for: %v", p.Requests()[4].Fields)
			}
		})
	}
}

func TestAnotherValueOfAParameterIsTried(t *testing.T) {
	t.Parallel()
	p, r := picky(t, func(a modeltest.Asked) (int, string) {
		if string(a.Raw["temperature"]) == "1.5" {
			return 400, `{"error":{"message":"temperature: range: 0..1"}}`
		}
		return 0, ""
	})
	for _, value := range []string{"1.5", "0.5", "1.5"} {
		g := modeltest.Collect(t.Context(), t, r, asking(t, "temperature", value))
		if g.Err != nil || (len(g.Notices) == 1) != (value == "1.5") {
			t.Errorf("%s: %v, notices %q", value, g.Err, g.Notices)
		}
	}
	if got := p.Requests(); len(got) != 4 || string(got[2].Raw["temperature"]) != "0.5" {
		t.Errorf("%+v", got)
	}
}

func TestTheLimitOfTokensHasTwoNames(t *testing.T) {
	t.Parallel()
	p, r := picky(t, func(a modeltest.Asked) (int, string) {
		if a.Raw["max_tokens"] != nil {
			return 400, `{"error":{"message":"Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.","type":"invalid_request_error","param":"max_tokens","code":"unsupported_parameter"}}`
		}
		return 0, ""
	})
	for range 2 {
		g := modeltest.Collect(t.Context(), t, r, asking(t, "max_tokens", "100"))
		if g.Err != nil || len(g.Notices) != 0 {
			t.Errorf("%v, notices %q", g.Err, g.Notices)
		}
	}
	got := p.Requests()
	if len(got) != 3 || string(got[1].Raw["max_completion_tokens"]) != "100" || string(got[2].Raw["max_completion_tokens"]) != "100" {
		t.Errorf("%+v", got)
	}
}

func TestSeveralParametersAreRefusedOneAfterTheOther(t *testing.T) {
	t.Parallel()
	order := []string{"temperature", "top_p", "reasoning_effort", "stop", "seed"}
	p, r := picky(t, func(a modeltest.Asked) (int, string) {
		for _, field := range order {
			if a.Raw[field] != nil {
				return 400, `{"error":{"message":"Unsupported parameter: '` + field + `' is not supported with this model."}}`
			}
		}
		return 0, ""
	})
	req := asking(t, "temperature", "0", "top_p", "0.5", "effort", "low", "stop", "END", "seed", "7", "max_tokens", "9")
	for range 2 {
		g := modeltest.Collect(t.Context(), t, r, req)
		if g.Err != nil || len(g.Notices) != len(order) {
			t.Errorf("%v, notices %q", g.Err, g.Notices)
		}
	}
	if got := p.Requests(); len(got) != len(order)+2 || string(got[len(got)-1].Raw["max_tokens"]) != "9" {
		t.Errorf("%d requests", len(got))
	}
}

func TestAParameterIsNotBlamedForAnotherError(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"error":{"message":"Invalid value for 'messages': the text is not allowed here."}}`,
		`{"error":{"message":"The request must not stop here; it must be valid."}}`,
	} {
		p, r := picky(t, func(modeltest.Asked) (int, string) { return 400, body })
		g := modeltest.Collect(t.Context(), t, r, asking(t, "temperature", "0", "stop", "END"))
		if g.Err == nil || len(p.Requests()) != 1 {
			t.Errorf("%v after %d requests for %s", g.Err, len(p.Requests()), body)
		}
	}
}
