package chat

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// ParameterNames returns the names of the parameters that a user sets by name, in the order in
// which they are shown.
func ParameterNames() []string {
	return []string{"temperature", "top_p", "max_tokens", "effort", "stop", "seed"}
}

// Lasting returns the parameters that a conversation, a role or a model can have: all but
// the instructions, the tools and the format, which belong to one answer. It returns nil if
// there are none.
func (p *Parameters) Lasting() *Parameters {
	if p == nil {
		return nil
	}
	s := &Parameters{
		MaxTokens: p.MaxTokens, Temperature: p.Temperature, TopP: p.TopP, PresencePenalty: p.PresencePenalty,
		FrequencyPenalty: p.FrequencyPenalty, Seed: p.Seed, Stop: p.Stop, Effort: p.Effort,
	}
	return s.orNil()
}

// orNil returns nil if no parameter is set.
func (p *Parameters) orNil() *Parameters {
	if encoded, err := p.Encode(); err == nil && encoded == "" {
		return nil
	}
	return p
}

// ValidateLasting is Validate for parameters that must be Lasting.
func (p *Parameters) ValidateLasting() error {
	if p == nil {
		return nil
	}
	if p.Instructions != nil || p.Format != nil || len(p.Tools) > 0 || p.ToolChoice != nil || p.ParallelToolCalls != nil {
		return Errorf(CodeInvalid, "instructions, format and tools belong to one message: leave them out of these parameters")
	}
	return p.Validate()
}

// Over returns the parameters of p, and those of base that p does not set; nil if there are
// none.
func (p *Parameters) Over(base *Parameters) *Parameters {
	switch {
	case p == nil:
		return base
	case base == nil:
		return p
	}
	out := *base
	from, to := reflect.ValueOf(*p), reflect.ValueOf(&out).Elem()
	for i := range from.NumField() {
		if f := from.Field(i); !f.IsZero() {
			to.Field(i).Set(f)
		}
	}
	return out.orNil()
}

// ParameterSources are the places that can set a parameter of an answer, in their order of
// precedence. What none of them sets is the provider's choice.
type ParameterSources struct {
	Request      *Parameters // the flags of a command, or a message's own
	Role         *Parameters
	Conversation *Parameters
	Model        *Parameters // the model's in the config file
}

// Resolve returns each parameter from the first source that sets it; nil if none is set.
func (s ParameterSources) Resolve() *Parameters {
	return s.Request.Over(s.Role.Over(s.Conversation.Over(s.Model)))
}

// Set sets a parameter of ParameterNames to a value as a user writes it. It returns why that
// is not possible, such as "must be from 0 to 2, not 3", or "". Several stop texts are
// written as JSON strings with commas between them.
func (p *Parameters) Set(name, value string) (problem string) {
	switch name {
	case "temperature":
		return setNumber(&p.Temperature, value, maxTemperature)
	case "top_p":
		return setNumber(&p.TopP, value, maxTopP)
	case "max_tokens":
		n, err := strconv.Atoi(strings.TrimSpace(value))
		if err != nil || n < 1 || n > maxTokens {
			return "must be a whole number from 1 to " + strconv.Itoa(maxTokens) + ", not " + quoted(value)
		}
		p.MaxTokens = n
	case "effort":
		effort := strings.ToLower(strings.TrimSpace(value))
		if !slices.Contains(Efforts(), effort) {
			return "must be one of " + strings.Join(Efforts(), ", ") + ", not " + quoted(value)
		}
		p.Effort = effort
	case "stop":
		return p.SetStop(stops(value))
	case "seed":
		n, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
		if err != nil {
			return "must be a whole number, not " + quoted(value)
		}
		p.Seed = &n
	default:
		return "is not a parameter: use " + strings.Join(ParameterNames(), ", ")
	}
	return ""
}

// SetStop sets the stop texts as Set does.
func (p *Parameters) SetStop(texts []string) (problem string) {
	if len(texts) == 0 || (&Parameters{Stop: texts}).Validate() != nil {
		return "must be at most " + strconv.Itoa(MaxStops) + " texts of 1 to " + strconv.Itoa(maxStop) + " bytes"
	}
	p.Stop = texts
	return ""
}

// Clear removes a parameter of ParameterNames.
func (p *Parameters) Clear(name string) {
	switch name {
	case "temperature":
		p.Temperature = nil
	case "top_p":
		p.TopP = nil
	case "max_tokens":
		p.MaxTokens = 0
	case "effort":
		p.Effort = ""
	case "stop":
		p.Stop = nil
	case "seed":
		p.Seed = nil
	}
}

// Get returns a parameter of ParameterNames as Set accepts it, "" if it is not set.
func (p *Parameters) Get(name string) string {
	if p == nil {
		return ""
	}
	switch name {
	case "temperature":
		return number(p.Temperature)
	case "top_p":
		return number(p.TopP)
	case "max_tokens":
		if p.MaxTokens > 0 {
			return strconv.Itoa(p.MaxTokens)
		}
	case "effort":
		return p.Effort
	case "stop":
		return stopText(p.Stop)
	case "seed":
		if p.Seed != nil {
			return strconv.FormatInt(*p.Seed, 10)
		}
	}
	return ""
}

// String returns the parameters of ParameterNames that are set: "temperature 0.2, seed 7".
func (p *Parameters) String() string {
	var list []string
	for _, name := range ParameterNames() {
		if value := p.Get(name); value != "" {
			list = append(list, name+" "+value)
		}
	}
	return strings.Join(list, ", ")
}

func setNumber(to **float64, value string, high float64) string {
	n, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	if err != nil || math.IsNaN(n) || n < 0 || n > high {
		return "must be a number from 0 to " + number(&high) + ", not " + quoted(value)
	}
	*to = &n
	return ""
}

func number(n *float64) string {
	if n == nil {
		return ""
	}
	return strconv.FormatFloat(*n, 'g', -1, 64)
}

// stops reads stop texts: JSON strings with commas between them, or one text as it is.
func stops(value string) []string {
	var list []string
	if strings.HasPrefix(value, `"`) && json.Unmarshal([]byte("["+value+"]"), &list) == nil {
		return list
	}
	return []string{value}
}

// stopText formats stop texts so that stops reads them.
func stopText(list []string) string {
	raw, err := json.Marshal(list)
	if err != nil || len(list) == 0 {
		return "" // strings always encode
	}
	return string(raw[1 : len(raw)-1])
}

// quoted quotes the beginning of a value for a message.
func quoted(value string) string { return fmt.Sprintf("%.40q", value) }
