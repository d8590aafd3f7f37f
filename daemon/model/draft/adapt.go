package draft

import (
	"net/http"
	"slices"

	"chat"
	"chat/daemon/model/apierror"
	"chat/daemon/model/thread"
)

// maxAdaptations bounds how often the request for one answer is changed.
const maxAdaptations = 5

// Adaptation is one way to change a request that was refused.
type Adaptation struct {
	// Of reports whether the refusal may be about what the adaptation leaves out.
	Of func(*apierror.RefusalError) bool
	// Adapt changes the draft. It returns the notice for the user, and whether there was
	// anything to change.
	Adapt func() (notice string, changed bool)
	// Form says that only the draft's form changes. The change is undone if the provider
	// refuses the same again.
	Form bool
}

// WithMessages returns the adaptations of forms, and then those that send PDFs as text, and leave
// out pictures or messages that were refused.
func (d *Draft[F]) WithMessages(forms ...Adaptation) []Adaptation {
	ofMessage := func(r *apierror.RefusalError) bool {
		return r.Filter || r.OfContent() && r.Status != http.StatusNotFound
	}
	ofImages := func(r *apierror.RefusalError) bool { return r.OfContent() || r.OfImages() }
	return append(forms,
		Adaptation{Of: ofReference, Adapt: silently(d.renewReferences)},
		Adaptation{Of: ofReference, Adapt: silently(d.sendInline)},
		Adaptation{Of: ofDocuments, Adapt: silently(d.sendDocumentsAsText)},
		Adaptation{Of: ofImages, Adapt: d.omitRefusedPictures},
		Adaptation{Of: func(r *apierror.RefusalError) bool { return ofMessage(r) && !r.OfImages() }, Adapt: d.omitRefused},
		Adaptation{Of: ofImages, Adapt: d.omitAllPictures},
		Adaptation{Of: ofMessage, Adapt: d.omitRefused},
	)
}

// silently is an adaptation without a notice of its own.
func silently(adapt func() bool) func() (string, bool) {
	return func() (string, bool) { return "", adapt() }
}

// Adapt changes d after a refusal, and reports whether to send it again. Each adaptation
// is used once, and each parameter omitted once.
func (d *Draft[F]) Adapt(r *apierror.RefusalError) bool {
	if r == nil || d.tried == maxAdaptations || r.OfAllImages() && len(d.asked()) > 0 {
		return false
	}
	if d.adaptations == nil {
		d.adaptations = d.possible()
	}
	d.refused = r
	if d.Parameter != nil && d.Parameter(r) {
		return true
	}
	if d.last != nil && d.last.Form && d.last.Of(r) {
		d.Form, d.formNotices = d.undo, d.formNotices[:len(d.formNotices)-1]
	}
	d.last = nil
	for i, a := range d.adaptations {
		if !a.Of(r) {
			continue
		}
		before := d.Form
		notice, changed := a.Adapt()
		if !changed {
			continue
		}
		if a.Form {
			d.formNotices = append(d.formNotices, notice)
		}
		if r.OfAllImages() && !a.Form {
			d.noImages = true
		}
		d.last, d.undo, d.tried = &a, before, d.tried+1
		d.adaptations = slices.Delete(d.adaptations, i, i+1)
		return true
	}
	return false
}

// omitRefusedPictures omits the pictures of earlier messages that were refused.
func (d *Draft[F]) omitRefusedPictures() (string, bool) {
	return "", d.omitWhere(thread.OmitPictures, func(i int) bool { return thread.WasRefused(d.Request.Messages, i) })
}

// omitAllPictures omits the pictures of all earlier messages.
func (d *Draft[F]) omitAllPictures() (string, bool) {
	return "", d.omitWhere(thread.OmitPictures, func(int) bool { return true })
}

// omitRefused omits the earlier messages that were refused.
func (d *Draft[F]) omitRefused() (string, bool) {
	return "", d.omitWhere(thread.OmitMessage, func(i int) bool { return thread.WasRefused(d.Request.Messages, i) })
}

func (d *Draft[F]) omitWhere(what thread.Omission, of func(int) bool) (changed bool) {
	for i, m := range d.earlier() {
		if d.omit[i] < what && of(i) && (what == thread.OmitMessage || len(thread.PictureNames(m)) > 0) {
			d.omit[i], changed = what, true
		}
	}
	return changed
}

// earlier are the messages before the one to answer.
func (d *Draft[F]) earlier() []chat.Message {
	return d.Request.Messages[:max(0, len(d.Request.Messages)-1)]
}
