package draft

import (
	"chat"
	"chat/daemon/model"
	"chat/daemon/model/apierror"
)

// refusedKey names a parameter that a model refuses, with any value if it is "".
type refusedKey struct {
	model       modelKey
	name, value string
}

// Parameters are those of the request without what was refused.
func (d *Draft[F]) Parameters() chat.Parameters {
	p := d.Request.Parameters
	for name := range d.withheld {
		p.Clear(name)
	}
	return p
}

// ParameterOf returns the parameter that a refusal is about, "" if it is about none. alone
// says that nothing else in the request can be unknown to the server, so that a refusal
// without a name must mean the only parameter.
func (d *Draft[F]) ParameterOf(r *apierror.RefusalError, alone bool) string {
	p := d.Parameters()
	var set []string
	for _, name := range chat.ParameterNames() {
		if p.Get(name) == "" {
			continue
		}
		if r.OfParameter(name) {
			return name
		}
		set = append(set, name)
	}
	if len(set) == 1 && alone && r.OfUnknown() {
		return set[0]
	}
	return ""
}

// Withhold omits a parameter: with its value, or with any if the refusal is not about the value.
func (d *Draft[F]) Withhold(name string, r *apierror.RefusalError) {
	value := ""
	if r.OfValue() {
		p := d.Parameters()
		value = p.Get(name)
	}
	d.withhold(name, value)
}

func (d *Draft[F]) withhold(name, value string) {
	if d.withheld == nil {
		d.withheld = map[string]string{}
	}
	d.withheld[name] = value
}

// parameterNotices say which parameters were omitted.
func (d *Draft[F]) parameterNotices() []string {
	var out []string
	for _, name := range chat.ParameterNames() {
		switch value, refused := d.withheld[name]; {
		case refused && value != "":
			out = append(out, d.Name()+" refused the value "+model.OneLine(value, maxQuoted)+" of the parameter "+name+", which was left out")
		case refused:
			out = append(out, d.Name()+" refused the parameter "+name+", which was left out")
		}
	}
	return out
}

// recall omits the parameters that the model is known to refuse. The caller holds the lock of
// what was learned.
func (d *Draft[F]) recall() {
	for _, name := range chat.ParameterNames() {
		value := d.Request.Parameters.Get(name)
		if value == "" {
			continue
		}
		for _, v := range []string{"", value} {
			if d.learned.refused[refusedKey{d.key, name, v}] {
				d.withhold(name, v)
				break
			}
		}
	}
}

// remember keeps which parameters were omitted. The caller holds the lock of what was learned.
func (d *Draft[F]) remember() {
	l := d.learned
	for name, value := range d.withheld {
		if k := (refusedKey{d.key, name, value}); !l.refused[k] {
			l.refused = makeRoom(l.refused, maxForms)
			l.refused[k] = true
		}
	}
}
