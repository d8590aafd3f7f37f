package openai

import (
	"strings"

	"chat"
)

// formatForm is how a request asks for the Format of the answer. Whether the answer has it is
// checked in any case.
type formatForm int

// The forms, the safest first.
const (
	asFormat   formatForm = iota // as the parameters say
	asLoose                      // the schema, not in strict mode
	asObject                     // a JSON object; the schema stands in the system prompt
	asSentence                   // everything stands in the system prompt
)

func (d *request) loosenSchema() (string, bool) {
	f := d.Request.Parameters.Format
	if f == nil || len(f.Schema) == 0 || d.Form.format >= asLoose || f.Strict != nil && !*f.Strict {
		return "", false
	}
	d.Form.format = asLoose
	return "", true
}

func (d *request) askForObject() (string, bool) {
	f := d.Request.Parameters.Format
	if f == nil || len(f.Schema) == 0 || d.Form.format >= asObject {
		return "", false
	}
	d.Form.format = asObject
	return "", true
}

func (d *request) describeFormat() (string, bool) {
	if d.Request.Parameters.Format == nil || d.Form.format >= asSentence {
		return "", false
	}
	d.Form.format = asSentence
	return "", true
}

// formatNotices say how the request asks for the format, unless that was known before.
func (d *request) formatNotices() []string {
	if d.Form.format == d.known || d.Request.Parameters.Format == nil {
		return nil
	}
	switch d.Form.format {
	case asLoose:
		return []string{d.Name() + " refused the schema in strict mode: it was sent without that mode"}
	case asObject:
		return []string{d.Name() + " refused the JSON Schema: it was asked for a JSON object, with the schema in the system prompt"}
	case asSentence:
		return []string{d.Name() + " refused the parameter response_format: the system prompt asks for JSON instead"}
	case asFormat:
	}
	return nil
}

// parameters are those of the request, with the format in its form.
func (d *request) parameters() chat.Parameters {
	p := d.Parameters()
	if p.Format == nil {
		return p
	}
	f := *p.Format
	p.Format = &f
	switch d.Form.format {
	case asFormat:
	case asLoose:
		no := false
		f.Strict = &no
	case asObject:
		f.Schema = nil
	case asSentence:
		p.Format = nil
	}
	return p
}

// system is the system prompt. It describes the format, if the request does not.
func (d *request) system() string {
	f := d.Request.Parameters.Format
	if f == nil || d.Form.format < asObject {
		return d.Request.System
	}
	said := "Answer with one JSON object and nothing else: no explanation and no code fence."
	if len(f.Schema) > 0 {
		said = "Answer with one JSON value and nothing else: no explanation and no code fence. It must match this JSON Schema:\n\n" + string(f.Schema)
	}
	return strings.TrimSpace(d.Request.System + "\n\n" + said)
}

// Accepted remembers what was omitted, and returns the notices.
func (d *request) Accepted() []string {
	notices := d.formatNotices()
	if r := d.Refused(); r != nil && r.OfSchema() {
		d.Form.format = asFormat // another schema may be accepted
	}
	return append(d.Draft.Accepted(), notices...)
}
