// Package draft holds the request for an answer until the provider accepts it. It remembers what
// models refused, and leaves that out. A dialect adds the form of its requests, and what can be
// left out of them.
package draft

import (
	"fmt"
	"slices"
	"strings"

	"chat"
	"chat/daemon/model"
	"chat/daemon/model/apierror"
	"chat/daemon/model/continuation"
	"chat/daemon/model/copies"
	"chat/daemon/model/thread"
)

// Server is what a Draft depends on of the server.
type Server struct {
	Base, Key string
	Host      string // for messages
}

// Draft is a request that the provider has not accepted yet. After a refusal it omits what
// was refused, if an answer makes sense without it. F is the form of the dialect's requests.
type Draft[F comparable] struct {
	Model   string // its id
	Request model.Request
	Form    F
	// Keeper, if set, keeps copies of attachments at the provider: of those that Copied selects.
	Keeper *copies.Keeper
	Copied func(*chat.Attachment) bool
	// Way is how the beginning of the answer is continued, if the Request has one.
	Way continuation.Way
	// Parameter, if set, omits a parameter that a refusal is about, and reports whether there
	// was one. It is tried before the adaptations.
	Parameter func(*apierror.RefusalError) bool

	key         modelKey
	to          Server
	format      *chat.Format // of an answer whose beginning is continued
	learned     *Learned[F]
	possible    func() []Adaptation
	adaptations []Adaptation // those that were not used; nil before the first refusal

	omit      []thread.Omission // by message
	noImages  bool              // no pictures but those of the newest message
	documents documents

	references references
	// withheld are the parameters that are omitted, by name, each with the value that was
	// refused, or "" for any value.
	withheld map[string]string

	formNotices []string // about changes of form, for the user
	tried       int      // how many adaptations
	last        *Adaptation
	undo        F // the form before last
	refused     *apierror.RefusalError
}

// Adapts sets what can be changed after a refusal: list returns those first that an answer loses
// least by. It is called at the first refusal.
func (d *Draft[F]) Adapts(list func() []Adaptation) { d.possible = list }

// Refused is the last refusal.
func (d *Draft[F]) Refused() *apierror.RefusalError { return d.refused }

// Thread returns the messages to send. The last of them is the user's, unless the answer is
// prefilled with its beginning. own is as in thread.Conversation.
func (d *Draft[F]) Thread(own func(*chat.Part) bool) ([]chat.Message, error) {
	out := thread.Conversation(d.Request.Messages, d.omit, own)
	if len(out) == 0 || out[len(out)-1].Role != chat.RoleUser {
		return nil, chat.Errorf(chat.CodeInvalid, "there is nothing to answer: the conversation has no message of a user")
	}
	if begun := d.Request.Partial; begun != "" {
		out = append(out, chat.Message{Role: chat.RoleAssistant, Parts: chat.TextParts(continuation.Trim(begun))})
		if d.Way == continuation.Asked {
			out = append(out, chat.Message{Role: chat.RoleUser, Parts: chat.TextParts(continuation.Ask(begun, d.format))})
		}
	}
	return out, nil
}

// Joint joins the answer to its beginning; nil if the Request has none.
func (d *Draft[F]) Joint() *continuation.Joint {
	if d.Request.Partial == "" {
		return nil
	}
	return continuation.New(d.Request.Partial, d.Way)
}

// Notices say what was omitted from the request.
func (d *Draft[F]) Notices() []string {
	out := slices.DeleteFunc(slices.Concat(d.formNotices, d.parameterNotices(), d.documentNotices()), func(s string) bool { return s == "" })
	var names []string
	for i, o := range d.omit {
		switch m := d.Request.Messages[i]; o {
		case thread.OmitNothing:
		case thread.OmitPictures:
			names = append(names, thread.PictureNames(m)...)
		case thread.OmitMessage:
			out = append(out, fmt.Sprintf("the message %q was left out: %s refused it", model.OneLine(m.AllParts().SearchText(nil), maxQuoted), d.Name()))
		}
	}
	if len(names) > 0 {
		out = append(out, fmt.Sprintf("%s left out: %s did not accept %s", listed(names), d.Name(), pronoun(names)))
	}
	return out
}

// maxQuoted is how much of a message is quoted in a notice, in characters.
const maxQuoted = 40

// maxListed is how many pictures a sentence names.
const maxListed = 3

// listed puts names into a sentence, with the verb.
func listed(names []string) string {
	if len(names) == 1 {
		return "the image " + names[0] + " was"
	}
	if more := len(names) - maxListed; more > 0 {
		return fmt.Sprintf("the images %s and %d more were", strings.Join(names[:maxListed], ", "), more)
	}
	return "the images " + strings.Join(names, ", ") + " were"
}

func pronoun(names []string) string {
	if len(names) == 1 {
		return "it"
	}
	return "them"
}

// Name is the model's id, for messages.
func (d *Draft[F]) Name() string { return model.OneLine(d.Model, model.MaxID) }

// Explained is err, or a more helpful error if the pictures of the newest message were
// refused.
func (d *Draft[F]) Explained(err error, r *apierror.RefusalError) error {
	names := d.asked()
	if r == nil || len(names) == 0 || !r.OfImages() {
		return err
	}
	what := strings.TrimSuffix(strings.TrimSuffix(listed(names), " was"), " were")
	out := chat.Errorf(chat.CodeProviderRefused, "%s at %s refused %s (%d): see whether the file is whole, or send the message without %s",
		d.Name(), d.to.Host, what, r.Status, pronoun(names))
	if r.OfAllImages() {
		out = chat.Errorf(chat.CodeProviderRefused, "%s at %s does not accept images: send the message without %s, or choose another model (\"chat models\" lists them)",
			d.Name(), d.to.Host, pronoun(names))
	}
	if _, said, ok := strings.Cut(err.Error(), apierror.ItSaid); ok {
		out.Message += apierror.ItSaid + said
	}
	out.Cause = r
	return out
}

// asked are the names of the pictures in the newest message.
func (d *Draft[F]) asked() []string {
	if n := len(d.Request.Messages); n > 0 {
		return thread.PictureNames(d.Request.Messages[n-1])
	}
	return nil
}
