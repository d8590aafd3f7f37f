package provider

import (
	"net/http"
	"slices"

	"chat"
)

// maxAdaptations bounds how often one answer is asked for in another way.
const maxAdaptations = 5

// step is one way to adapt a request.
type step struct {
	// of reports whether the refusal may be about what the step leaves out.
	of func(*refusal) bool
	// adapt changes the draft. It returns what to tell the user if that is done, and
	// whether there was anything to change.
	adapt func(*draft) (notice string, changed bool)
	// form says that nothing but the draft's form is changed. It is taken back if the
	// provider refuses the same again.
	form bool
}

// steps are all there are, those first that an answer loses least by.
func steps() []step {
	ofMessage := func(r *refusal) bool { return r.filter || r.ofContent() && r.status != http.StatusNotFound }
	ofPictures := func(r *refusal) bool { return r.ofContent() || r.ofImages() }
	return []step{
		{of: func(r *refusal) bool { return r.ofUsage() || r.ofUnknown() }, adapt: (*draft).leaveOutUsage, form: true},
		{of: (*refusal).ofStream, adapt: (*draft).askForWhole, form: true},
		{of: (*refusal).ofSystem, adapt: (*draft).moveSystem, form: true},
		{of: ofPictures, adapt: (*draft).leaveOutRefusedPictures},
		{of: func(r *refusal) bool { return ofMessage(r) && !r.ofImages() }, adapt: (*draft).leaveOutRefused},
		{of: ofPictures, adapt: (*draft).leaveOutPictures},
		{of: ofMessage, adapt: (*draft).leaveOutRefused},
	}
}

// adapt changes d after a refusal, and reports whether to ask again. Each step is
// made once.
func (d *draft) adapt(r *refusal) bool {
	if r == nil || d.tried == maxAdaptations || r.ofAllImages() && len(d.asked()) > 0 {
		return false
	}
	if d.steps == nil {
		d.steps = steps()
	}
	if d.last != nil && d.last.form && d.last.of(r) {
		d.form, d.told = d.undo, d.told[:len(d.told)-1]
	}
	d.last = nil
	for i, s := range d.steps {
		if !s.of(r) {
			continue
		}
		before := d.form
		notice, changed := s.adapt(d)
		if !changed {
			continue
		}
		if s.form {
			d.told = append(d.told, notice)
		}
		if r.ofAllImages() && !s.form {
			d.form.noImages = true
		}
		d.last, d.undo, d.tried = &s, before, d.tried+1
		d.steps = slices.Delete(d.steps, i, i+1)
		return true
	}
	return false
}

func (d *draft) leaveOutUsage() (string, bool) {
	if d.form.noUsage || d.form.whole {
		return "", false
	}
	d.form.noUsage = true
	return d.model() + " refused the parameter stream_options, which was left out: it may not report how many tokens an answer took", true
}

func (d *draft) askForWhole() (string, bool) {
	if d.form.whole {
		return "", false
	}
	d.form.whole = true
	return d.model() + " refused to stream: the answer came whole", true
}

func (d *draft) moveSystem() (string, bool) {
	if d.form.noSystem || d.req.System == "" {
		return "", false
	}
	d.form.noSystem = true
	return d.model() + " refused the system role: the system prompt was sent at the beginning of the first message", true
}

// leaveOutRefusedPictures leaves out the pictures of earlier messages that were refused.
func (d *draft) leaveOutRefusedPictures() (string, bool) {
	return "", d.leaveOut(itsPictures, func(i int) bool { return wasRefused(d.req.Messages, i) })
}

// leaveOutPictures leaves out the pictures of all earlier messages.
func (d *draft) leaveOutPictures() (string, bool) {
	return "", d.leaveOut(itsPictures, func(int) bool { return true })
}

// leaveOutRefused leaves out the earlier messages that were refused.
func (d *draft) leaveOutRefused() (string, bool) {
	return "", d.leaveOut(all, func(i int) bool { return wasRefused(d.req.Messages, i) })
}

func (d *draft) leaveOut(what omission, of func(int) bool) (changed bool) {
	for i, m := range d.earlier() {
		if d.omit[i] < what && of(i) && (what == all || len(pictureNames(m)) > 0) {
			d.omit[i], changed = what, true
		}
	}
	return changed
}

// earlier are the messages before the one that is to be answered.
func (d *draft) earlier() []chat.Message {
	return d.req.Messages[:max(0, len(d.req.Messages)-1)]
}
