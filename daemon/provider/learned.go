package provider

import (
	"crypto/sha256"
	"sync"

	"chat/daemon/model"
)

// form is how requests are put for one model: what it refused is left out.
type form struct {
	whole    bool // not streamed
	noUsage  bool // no stream_options
	noSystem bool // the system prompt stands in the first message
	noImages bool // no pictures but those of the newest message
}

// modelKey names a model at an endpoint with a key: what one account may do, another
// may not. It is a hash, so that a client's key is not kept after its answer.
type modelKey [sha256.Size]byte

func keyOf(to *endpoint, model string) modelKey {
	return sha256.Sum256([]byte(to.base + "\x00" + to.key + "\x00" + model))
}

// leftOut names a message that a model is not sent in full.
type leftOut struct {
	model   modelKey
	message string
}

// The bounds of what is remembered. What is forgotten costs one refused request.
const (
	maxForms   = 1 << 10
	maxLeftOut = 16 << 10
)

// learned remembers what models refused, for as long as the process lives.
type learned struct {
	mu    sync.Mutex
	forms map[modelKey]form
	left  map[leftOut]omission
}

// draft is the request for req as the model is known to take it.
func (l *learned) draft(to *endpoint, model string, req model.Request) *draft {
	d := &draft{key: keyOf(to, model), id: model, host: to.host, req: req, omit: make([]omission, len(req.Messages))}
	l.mu.Lock()
	defer l.mu.Unlock()
	d.form = l.forms[d.key]
	for i, m := range d.earlier() {
		if d.form.noImages && len(pictureNames(m)) > 0 {
			d.omit[i] = itsPictures
		}
		if m.ID != "" {
			d.omit[i] = max(d.omit[i], l.left[leftOut{d.key, m.ID}])
		}
	}
	return d
}

// accept remembers what the model accepted d without.
func (l *learned) accept(d *draft) {
	if len(d.asked()) > 0 {
		d.form.noImages = false // it takes them now
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if d.form != l.forms[d.key] {
		l.forms = roomIn(l.forms, maxForms)
		l.forms[d.key] = d.form
	}
	for i, o := range d.omit {
		if k := (leftOut{d.key, d.req.Messages[i].ID}); o != nothing && k.message != "" && l.left[k] != o {
			l.left = roomIn(l.left, maxLeftOut)
			l.left[k] = o
		}
	}
}

// roomIn is m with room for one more entry. A full one begins again.
func roomIn[K comparable, V any](m map[K]V, most int) map[K]V {
	if m == nil || len(m) >= most {
		return map[K]V{}
	}
	return m
}
