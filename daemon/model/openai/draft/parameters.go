package draft

import (
	"chat"
	"chat/daemon/model"
	"chat/daemon/model/openai/apierror"
)

// refusedKey names a parameter that a model refuses, with any value if it is "".
type refusedKey struct {
	model       modelKey
	name, value string
}

// parameters are those of the request without what was refused.
func (d *Draft) parameters() chat.Parameters {
	p := d.req.Parameters
	for name := range d.refused {
		p.Clear(name)
	}
	return p
}

// omitParameter omits a parameter that a refusal is about, and reports whether there was
// one. If the refusal names none, only a single parameter can be meant.
func (d *Draft) omitParameter(r *apierror.RefusalError) bool {
	p := d.parameters()
	var set, named []string
	for _, name := range chat.ParameterNames() {
		if p.Get(name) == "" {
			continue
		}
		set = append(set, name)
		if r.OfParameter(name) {
			named = append(named, name)
		}
	}
	if len(named) == 0 && len(set) == 1 && r.OfUnknown() && (d.form.noUsage || d.form.whole || d.streamed) {
		named = set
	}
	if len(named) == 0 {
		return false
	}
	name := named[0]
	if name == "max_tokens" && !d.streamed && !d.form.otherTokens && !r.OfValue() {
		d.form.otherTokens = true // the field has two names
		return true
	}
	value := ""
	if r.OfValue() {
		value = p.Get(name)
	}
	d.omitted(name, value)
	return true
}

// omitted notes that a parameter is omitted: with this value, or any if it is "".
func (d *Draft) omitted(name, value string) {
	if d.refused == nil {
		d.refused = map[string]string{}
	}
	d.refused[name] = value
}

// parameterNotices say which parameters were omitted.
func (d *Draft) parameterNotices() []string {
	var out []string
	for _, name := range chat.ParameterNames() {
		switch value, refused := d.refused[name]; {
		case refused && value != "":
			out = append(out, d.model()+" refused the value "+model.OneLine(value, maxQuoted)+" of the parameter "+name+", which was left out")
		case refused:
			out = append(out, d.model()+" refused the parameter "+name+", which was left out")
		}
	}
	return out
}

// recall omits the parameters of d that its model is known to refuse. The caller holds l.mu.
func (l *Learned) recall(d *Draft) {
	for _, name := range chat.ParameterNames() {
		value := d.req.Parameters.Get(name)
		if value == "" {
			continue
		}
		for _, v := range []string{"", value} {
			if l.refused[refusedKey{d.key, name, v}] {
				d.omitted(name, v)
				break
			}
		}
	}
}

// remember keeps which parameters were omitted from d. The caller holds l.mu.
func (l *Learned) remember(d *Draft) {
	for name, value := range d.refused {
		k := refusedKey{d.key, name, value}
		if !l.refused[k] {
			l.refused = makeRoom(l.refused, maxForms)
			l.refused[k] = true
		}
	}
}
