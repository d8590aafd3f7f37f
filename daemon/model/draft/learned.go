package draft

import (
	"crypto/sha256"
	"sync"

	"chat/daemon/model"
	"chat/daemon/model/thread"
)

// form is the form of requests to one model, without what it refused.
type form[F comparable] struct {
	dialect     F
	noImages    bool
	noDocuments bool // PDFs are sent as text
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
type Learned[F comparable] struct {
	mu      sync.Mutex
	forms   map[modelKey]form[F]
	omitted map[omittedKey]thread.Omission
	refused map[refusedKey]bool
}

// Draft returns the request for req in the form that the model is known to accept.
func (l *Learned[F]) Draft(to Server, model string, req model.Request) *Draft[F] {
	d := &Draft[F]{Model: model, Request: req, key: keyOf(to, model), to: to, learned: l, omit: make([]thread.Omission, len(req.Messages))}
	if req.Partial != "" { // a provider's own mode is for whole answers
		d.format, d.Request.Parameters.Format = req.Parameters.Format, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	known := l.forms[d.key]
	d.Form, d.noImages = known.dialect, known.noImages
	d.documents.asText, d.documents.refused = known.noDocuments, known.noDocuments
	d.recall()
	for i, m := range d.earlier() {
		if d.noImages && len(thread.PictureNames(m)) > 0 {
			d.omit[i] = thread.OmitPictures
		}
		if m.ID != "" {
			d.omit[i] = max(d.omit[i], l.omitted[omittedKey{d.key, m.ID}])
		}
	}
	return d
}

// Accepted remembers what was omitted from d, which the model accepted. It returns the notices.
func (d *Draft[F]) Accepted() []string {
	if len(d.asked()) > 0 {
		d.noImages = false // it takes them now
	}
	d.learned.accept(d)
	return d.Notices()
}

func (l *Learned[F]) accept(d *Draft[F]) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := (form[F]{d.Form, d.noImages, d.documents.refused}); now != l.forms[d.key] {
		l.forms = makeRoom(l.forms, maxForms)
		l.forms[d.key] = now
	}
	d.remember()
	for i, o := range d.omit {
		if k := (omittedKey{d.key, d.Request.Messages[i].ID}); o != thread.OmitNothing && k.message != "" && l.omitted[k] != o {
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
