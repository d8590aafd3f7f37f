package draft

import (
	"net/http"
	"slices"

	"chat"
	"chat/daemon/model/openai/apierror"
	"chat/daemon/model/openai/wire"
)

// maxAdaptations bounds how often the request for one answer is changed.
const maxAdaptations = 5

// adaptation is one way to change a request that was refused.
type adaptation struct {
	// of reports whether the refusal may be about what the adaptation leaves out.
	of func(*apierror.RefusalError) bool
	// adapt changes the draft. It returns the notice for the user, and whether there was
	// anything to change.
	adapt func(*Draft) (notice string, changed bool)
	// form says that only the draft's form changes. The change is undone if the provider
	// refuses the same again.
	form bool
}

// adaptations returns all of them, those first that an answer loses least by.
func adaptations() []adaptation {
	ofMessage := func(r *apierror.RefusalError) bool {
		return r.Filter || r.OfContent() && r.Status != http.StatusNotFound
	}
	ofImages := func(r *apierror.RefusalError) bool { return r.OfContent() || r.OfImages() }
	return []adaptation{
		{of: (*apierror.RefusalError).OfSchema, adapt: (*Draft).loosenSchema, form: true},
		{of: (*apierror.RefusalError).OfFormat, adapt: (*Draft).askForObject, form: true},
		{of: (*apierror.RefusalError).OfFormat, adapt: (*Draft).describeFormat, form: true},
		{of: func(r *apierror.RefusalError) bool { return r.OfUsage() || r.OfUnknown() }, adapt: (*Draft).omitUsage, form: true},
		{of: (*apierror.RefusalError).OfStream, adapt: (*Draft).disableStreaming, form: true},
		{of: (*apierror.RefusalError).OfSystem, adapt: (*Draft).moveSystem, form: true},
		{of: ofImages, adapt: (*Draft).omitRefusedPictures},
		{of: func(r *apierror.RefusalError) bool { return ofMessage(r) && !r.OfImages() }, adapt: (*Draft).omitRefused},
		{of: ofImages, adapt: (*Draft).omitAllPictures},
		{of: ofMessage, adapt: (*Draft).omitRefused},
	}
}

// Adapt changes d after a refusal, and reports whether to send it again. Each adaptation
// is used once.
func (d *Draft) Adapt(r *apierror.RefusalError) bool {
	if r == nil || d.tried == maxAdaptations || r.OfAllImages() && len(d.asked()) > 0 {
		return false
	}
	if d.left == nil {
		d.left = adaptations()
	}
	if d.last != nil && d.last.form && d.last.of(r) {
		d.form, d.formNotices = d.undo, d.formNotices[:len(d.formNotices)-1]
	}
	d.last = nil
	d.ofSchema = r.OfSchema()
	for i, s := range d.left {
		if !s.of(r) {
			continue
		}
		before := d.form
		notice, changed := s.adapt(d)
		if !changed {
			continue
		}
		if s.form {
			d.formNotices = append(d.formNotices, notice)
		}
		if r.OfAllImages() && !s.form {
			d.form.noImages = true
		}
		d.last, d.undo, d.tried = &s, before, d.tried+1
		d.left = slices.Delete(d.left, i, i+1)
		return true
	}
	return false
}

func (d *Draft) omitUsage() (string, bool) {
	if d.form.noUsage || d.form.whole || d.streamed {
		return "", false
	}
	d.form.noUsage = true
	return d.model() + " refused the parameter stream_options, which was left out: it may not report how many tokens an answer took", true
}

func (d *Draft) disableStreaming() (string, bool) {
	if d.form.whole || d.streamed {
		return "", false
	}
	d.form.whole = true
	return d.model() + " refused to stream: the answer came whole", true
}

func (d *Draft) moveSystem() (string, bool) {
	if d.form.noSystem || d.system() == "" {
		return "", false
	}
	d.form.noSystem = true
	return d.model() + " refused the system role: the system prompt was sent at the beginning of the first message", true
}

// omitRefusedPictures omits the pictures of earlier messages that were refused.
func (d *Draft) omitRefusedPictures() (string, bool) {
	return "", d.omitWhere(wire.OmitPictures, func(i int) bool { return wire.WasRefused(d.req.Messages, i) })
}

// omitAllPictures omits the pictures of all earlier messages.
func (d *Draft) omitAllPictures() (string, bool) {
	return "", d.omitWhere(wire.OmitPictures, func(int) bool { return true })
}

// omitRefused omits the earlier messages that were refused.
func (d *Draft) omitRefused() (string, bool) {
	return "", d.omitWhere(wire.OmitMessage, func(i int) bool { return wire.WasRefused(d.req.Messages, i) })
}

func (d *Draft) omitWhere(what wire.Omission, of func(int) bool) (changed bool) {
	for i, m := range d.earlier() {
		if d.omit[i] < what && of(i) && (what == wire.OmitMessage || len(wire.PictureNames(m)) > 0) {
			d.omit[i], changed = what, true
		}
	}
	return changed
}

// earlier are the messages before the one to answer.
func (d *Draft) earlier() []chat.Message {
	return d.req.Messages[:max(0, len(d.req.Messages)-1)]
}
