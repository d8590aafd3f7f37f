package chat_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"chat"
)

// parameters builds parameters from names and values.
func parameters(t *testing.T, pairs ...string) *chat.Parameters {
	t.Helper()
	if len(pairs) == 0 {
		return nil
	}
	p := &chat.Parameters{}
	for pair := range slices.Chunk(pairs, 2) {
		if problem := p.Set(pair[0], pair[1]); problem != "" {
			t.Fatalf("%s %s", pair[0], problem)
		}
	}
	return p
}

func TestSourcesOfParametersHaveAnOrder(t *testing.T) {
	t.Parallel()
	all := func(value string) *chat.Parameters {
		return parameters(t, "temperature", value, "top_p", value, "max_tokens", "1"+value, "effort", "low", "stop", value, "seed", value)
	}
	cold, warm := parameters(t, "temperature", "0"), parameters(t, "temperature", "1")
	for name, c := range map[string]struct {
		from chat.ParameterSources
		want string
	}{
		"nothing is set":                  {chat.ParameterSources{}, ""},
		"the model's":                     {chat.ParameterSources{Model: cold}, "temperature 0"},
		"the conversation before a model": {chat.ParameterSources{Model: warm, Conversation: cold}, "temperature 0"},
		"a role before a conversation":    {chat.ParameterSources{Conversation: warm, Role: cold}, "temperature 0"},
		"a request before a role":         {chat.ParameterSources{Role: warm, Request: cold}, "temperature 0"},
		"a request before all others":     {chat.ParameterSources{Role: warm, Conversation: warm, Model: warm, Request: cold}, "temperature 0"},
		"each parameter on its own": {
			chat.ParameterSources{
				Request: parameters(t, "seed", "1"), Role: parameters(t, "seed", "2", "effort", "high"),
				Conversation: parameters(t, "seed", "3", "effort", "low", "stop", "END"), Model: parameters(t, "seed", "4", "stop", "X", "max_tokens", "9"),
			},
			`max_tokens 9, effort high, stop "END", seed 1`,
		},
		"every parameter": {chat.ParameterSources{Request: all("0"), Model: all("1")}, `temperature 0, top_p 0, max_tokens 10, effort low, stop "0", seed 0`},
	} {
		if got := c.from.Resolve().String(); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestAllFieldsOfParametersAreMerged(t *testing.T) {
	t.Parallel()
	var full chat.Parameters
	fill(reflect.ValueOf(&full).Elem())
	if got := full.Over(&chat.Parameters{}); !reflect.DeepEqual(got, &full) {
		t.Errorf("over nothing: %+v", got)
	}
	if got := (&chat.Parameters{}).Over(&full); !reflect.DeepEqual(got, &full) {
		t.Errorf("nothing over: %+v", got)
	}
}

// fill sets every field to a value that is not its zero value.
func fill(v reflect.Value) {
	for i := range v.NumField() {
		switch f := v.Field(i); f.Kind() {
		case reflect.Pointer:
			f.Set(reflect.New(f.Type().Elem()))
		case reflect.Slice:
			f.Set(reflect.MakeSlice(f.Type(), 1, 1))
		case reflect.String:
			f.SetString("low")
		default:
			f.SetInt(1)
		}
	}
}

func TestParametersAreReadAsTheyAreWritten(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, value, want, problem string }{
		{"temperature", "0.2", "0.2", ""},
		{"temperature", " 0 ", "0", ""},
		{"temperature", "2.1", "", "must be a number from 0 to 2"},
		{"temperature", "-1", "", "must be a number from 0 to 2"},
		{"temperature", "NaN", "", "must be a number from 0 to 2"},
		{"temperature", "Inf", "", "must be a number from 0 to 2"},
		{"temperature", "warm", "", `not "warm"`},
		{"top_p", "1", "1", ""},
		{"top_p", "1.01", "", "must be a number from 0 to 1"},
		{"max_tokens", "1", "1", ""},
		{"max_tokens", "0", "", "must be a whole number from 1"},
		{"max_tokens", "1.5", "", "must be a whole number from 1"},
		{"max_tokens", "99999999999999999999", "", "must be a whole number from 1"},
		{"effort", "HIGH", "high", ""},
		{"effort", "most", "", "must be one of none, minimal, low, medium, high, xhigh"},
		{"stop", "END", `"END"`, ""},
		{"stop", `"\n\n", "END"`, `"\n\n","END"`, ""},
		{"stop", `"open`, `"\"open"`, ""},
		{"stop", "", "", "must be at most 4 texts of 1 to 256 bytes"},
		{"stop", `"1","2","3","4","5"`, "", "must be at most 4 texts"},
		{"stop", strings.Repeat("x", 257), "", "must be at most 4 texts"},
		{"seed", "-7", "-7", ""},
		{"seed", "7.5", "", "must be a whole number"},
		{"tools", "x", "", "is not a parameter: use temperature, top_p, max_tokens, effort, stop, seed"},
	} {
		var p chat.Parameters
		problem := p.Set(c.name, c.value)
		if got := p.Get(c.name); got != c.want || !strings.Contains(problem, c.problem) || (problem == "") != (c.problem == "") {
			t.Errorf("%s %q: %q, %q", c.name, c.value, got, problem)
		}
		if problem != "" {
			continue
		}
		var again chat.Parameters
		if problem := again.Set(c.name, p.Get(c.name)); problem != "" || !reflect.DeepEqual(again, p) {
			t.Errorf("%s: %+v became %+v, %q", c.name, p, again, problem)
		}
		if p.Clear(c.name); !reflect.DeepEqual(p, chat.Parameters{}) {
			t.Errorf("%s is not cleared: %+v", c.name, p)
		}
	}
}

func TestOnlyLastingParametersBelongToAConversation(t *testing.T) {
	t.Parallel()
	one := parameters(t, "seed", "1")
	text, yes := "be brief", true
	for name, p := range map[string]*chat.Parameters{
		"instructions": {Seed: one.Seed, Instructions: &text}, "format": {Seed: one.Seed, Format: &chat.Format{}}, "tools": {Seed: one.Seed, Tools: []chat.Tool{{Name: "f"}}},
		"tool_choice": {Seed: one.Seed, ToolChoice: &chat.ToolChoice{Mode: chat.ToolAuto}}, "parallel_tool_calls": {Seed: one.Seed, ParallelToolCalls: &yes},
	} {
		if got := p.Lasting(); !reflect.DeepEqual(got, one) {
			t.Errorf("%s: %+v", name, got)
		}
		if err := p.ValidateLasting(); !chat.IsCode(err, chat.CodeInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := one.ValidateLasting(); err != nil {
		t.Error(err)
	}
	if (&chat.Parameters{Instructions: &text}).Lasting() != nil || (*chat.Parameters)(nil).Lasting() != nil {
		t.Error("no parameters are not nil")
	}
}
