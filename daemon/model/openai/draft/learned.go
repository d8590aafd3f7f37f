package draft

import (
	"crypto/sha256"
	"sync"

	"chat/daemon/model"
	"chat/daemon/model/openai/wire"
)

// form is the form of requests to one model, without what it refused.
type form struct {
	whole    bool // not streamed
	noUsage  bool // no stream_options
	noSystem bool // the system prompt stands in the first message
	noImages bool // no pictures but those of the newest message
	format   formatForm
}

// modelKey names a model at an endpoint with a key, because accounts differ in what they
// may do. It is a hash, so that a client's key is not kept after its answer.
type modelKey [sha256.Size]byte

func keyOf(to Server, model string) modelKey {
	return sha256.Sum256([]byte(to.Base + "\x00" + to.Key + "\x00" + model))
}

// omittedKey names a message that is not sent to a model in full.
type omittedKey struct {
	model   modelKey
	message string
}

// The bounds of what is remembered. A forgotten entry costs one refused request.
const (
	maxForms   = 1 << 10
	maxOmitted = 16 << 10
)

// Learned remembers what models refused, for as long as the process lives.
type Learned struct {
	mu      sync.Mutex
	forms   map[modelKey]form
	omitted map[omittedKey]wire.Omission
}

// Draft returns the request for req in the form that the model is known to accept.
func (l *Learned) Draft(to Server, model string, req model.Request) *Draft {
	d := &Draft{Model: model, key: keyOf(to, model), to: to, req: req, omit: make([]wire.Omission, len(req.Messages))}
	l.mu.Lock()
	defer l.mu.Unlock()
	d.form = l.forms[d.key]
	d.known = d.form.format
	for i, m := range d.earlier() {
		if d.form.noImages && len(wire.PictureNames(m)) > 0 {
			d.omit[i] = wire.OmitPictures
		}
		if m.ID != "" {
			d.omit[i] = max(d.omit[i], l.omitted[omittedKey{d.key, m.ID}])
		}
	}
	return d
}

// Accept remembers what was omitted from d, which the model accepted.
func (l *Learned) Accept(d *Draft) {
	if len(d.asked()) > 0 {
		d.form.noImages = false // it takes them now
	}
	form := d.form
	if d.ofSchema { // another schema may be accepted
		form.format = asFormat
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if form != l.forms[d.key] {
		l.forms = makeRoom(l.forms, maxForms)
		l.forms[d.key] = form
	}
	for i, o := range d.omit {
		if k := (omittedKey{d.key, d.req.Messages[i].ID}); o != wire.OmitNothing && k.message != "" && l.omitted[k] != o {
			l.omitted = makeRoom(l.omitted, maxOmitted)
			l.omitted[k] = o
		}
	}
}

// makeRoom returns m with room for one more entry; a full map is replaced by an empty one.
func makeRoom[K comparable, V any](m map[K]V, most int) map[K]V {
	if m == nil || len(m) >= most {
		return map[K]V{}
	}
	return m
}
