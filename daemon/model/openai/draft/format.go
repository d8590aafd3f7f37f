package draft

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

func (d *Draft) loosenSchema() (string, bool) {
	f := d.req.Parameters.Format
	if f == nil || len(f.Schema) == 0 || d.form.format >= asLoose || f.Strict != nil && !*f.Strict {
		return "", false
	}
	d.form.format = asLoose
	return "", true
}

func (d *Draft) askForObject() (string, bool) {
	f := d.req.Parameters.Format
	if f == nil || len(f.Schema) == 0 || d.form.format >= asObject {
		return "", false
	}
	d.form.format = asObject
	return "", true
}

func (d *Draft) describeFormat() (string, bool) {
	if d.req.Parameters.Format == nil || d.form.format >= asSentence {
		return "", false
	}
	d.form.format = asSentence
	return "", true
}

// formatNotices say how the request asks for the format, unless that was known before.
func (d *Draft) formatNotices() []string {
	if d.form.format == d.known || d.req.Parameters.Format == nil {
		return nil
	}
	switch d.form.format {
	case asLoose:
		return []string{d.model() + " refused the schema in strict mode: it was sent without that mode"}
	case asObject:
		return []string{d.model() + " refused the JSON Schema: it was asked for a JSON object, with the schema in the system prompt"}
	case asSentence:
		return []string{d.model() + " refused the parameter response_format: the system prompt asks for JSON instead"}
	case asFormat:
	}
	return nil
}

// parameters are those of the request, with the format in its form.
func (d *Draft) parameters() chat.Parameters {
	p := d.req.Parameters
	if p.Format == nil {
		return p
	}
	f := *p.Format
	p.Format = &f
	switch d.form.format {
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
func (d *Draft) system() string {
	f := d.req.Parameters.Format
	if f == nil || d.form.format < asObject {
		return d.req.System
	}
	said := "Answer with one JSON object and nothing else: no explanation and no code fence."
	if len(f.Schema) > 0 {
		said = "Answer with one JSON value and nothing else: no explanation and no code fence. It must match this JSON Schema:\n\n" + string(f.Schema)
	}
	return strings.TrimSpace(d.req.System + "\n\n" + said)
}
