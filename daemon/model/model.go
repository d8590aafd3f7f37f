// Package model defines what a model is to the rest of the program: a Provider streams
// the answer to a Request as Events. A Registry holds any number of named providers, the
// detected local servers and the demo, and resolves the names of models.
//
// The package knows no protocol. Each dialect is a package below this one that implements
// Provider; package providers constructs them.
package model

import (
	"context"
	"errors"
	"iter"

	"chat"
)

// Provider is a named source of answers.
type Provider interface {
	// Name is the part before the slash of provider/model.
	Name() string
	// Stream yields the events of an answer, the last of which has a Finish; or an
	// error, which is the last thing yielded. Errors are *chat.Error with Retryable and
	// RetryAfter set; when ctx ends, the error is the context's cause. The connection is
	// closed when ctx ends or the caller stops ranging.
	Stream(ctx context.Context, req Request) iter.Seq2[Event, error]
	// Models lists the provider's models. The list may be as old as a minute.
	Models(ctx context.Context) (List, error)
	// DefaultModel is the id that answers when no model is named; "" means the first of
	// the list.
	DefaultModel() string
	// Uses reports whether c are the provider's own base URL and key.
	Uses(c Credentials) bool
	// Check returns the provider's settings and, withKey, whether its key is accepted.
	Check(ctx context.Context, withKey bool) Check
}

// Abandoner is a Provider that makes answers whether or not a connection reads them.
type Abandoner interface {
	// Abandon ends the answer of a Request.Upstream that no one will ask for again, if it can
	// within a few seconds.
	Abandon(ctx context.Context, upstream string)
}

// Copies remembers the copies of attachments that providers keep, for one owner. An account is one
// server and key.
type Copies interface {
	// Copy returns the id of a copy, "" if there is none.
	Copy(ctx context.Context, account, digest string) (id string, err error)
	// PutCopy stores the id of a copy, and returns the one that is stored.
	PutCopy(ctx context.Context, account, digest, id string) (kept string, err error)
	DropCopy(ctx context.Context, account, id string) error
	// UnusedCopies returns the ids of copies, of any owner, whose attachments were deleted.
	UnusedCopies(ctx context.Context, account string) ([]string, error)
}

// Tidier is a Provider that keeps copies of attachments.
type Tidier interface {
	// Tidy deletes the copies of attachments that were deleted.
	Tidy(ctx context.Context, c Copies) error
}

// List is what a provider lists.
type List struct {
	Host string   // the server's, for messages
	IDs  []string // the models that can chat, in the provider's order
	All  []string // the ids of models of any kind; empty if the server has no list
	Info map[string]chat.ModelInfo
	// NoList says that the server does not list its models.
	NoList bool
	// Empty is the reason why IDs is empty, nil if it is not.
	Empty error
}

// Request asks for one answer.
type Request struct {
	// Model is a name that the Registry resolves: an id, or <provider>/<id>; empty means
	// the default. A Provider gets one of its own ids.
	Model    string
	System   string
	Messages []chat.Message
	// Attachment returns an image or a file to which the messages refer, with its data. It
	// is called once for each reference, when the request is sent. It may be nil if there
	// are none.
	Attachment func(ctx context.Context, digest string) (chat.Attachment, error)
	Copies     Copies          // nil: attachments are sent with every request
	Parameters chat.Parameters // without Instructions, which are in System
	// Partial is the text with which the answer begins, if another attempt at it was cut. The
	// events then have what follows, and no reasoning. "" asks for a whole answer.
	Partial string
	// Key names the answer among all that are ever asked for. Every request for it has the
	// same, so that a provider that knows idempotency keys makes it once.
	Key string
	// Turn, if set, is the right to ask, which Registry.Admit gave.
	Turn *Turn
	// Conversation is the same for requests that begin alike, so that a provider can find what it
	// has kept of the ones before.
	Conversation string
	// Upstream is the last Event.Upstream of the answer, from whatever attempt; "" if there
	// was none. A provider that can returns that answer again, from its beginning, instead
	// of making another.
	Upstream string
	// Credentials, if set, are the client's own provider, which replaces the configured
	// ones.
	Credentials *Credentials
}

// ErrCancelled is the cause of a context that ended because a user cancelled the answer. A
// provider that makes answers without a connection then cancels it there, too. It also
// does so when no further attempt can follow an error, and for no other cause.
var ErrCancelled = errors.New("the answer was cancelled")

// Event is one step of an answer: a chunk, a correction, a notice, where the answer can be
// asked for again, or, exactly once and last, the finish.
type Event struct {
	// Chunk is a piece of a part: content, reasoning or a tool call. Its text is valid
	// UTF-8 without NUL. Index and Attempt are not set.
	Chunk chat.Chunk
	// Retype says that all text so far is of the chunk's type: what looked like the
	// answer was reasoning, or the other way round.
	Retype bool
	// Void says that all text so far does not count: the provider makes the answer again.
	Void   bool
	Notice string // as in chat.Task.Notices
	// Upstream, if it is not empty, is to be stored before the next event is read; see
	// Request.Upstream. Only the provider understands it.
	Upstream string
	Finish   *Finish
}

// Finish is the proper end of an answer.
type Finish struct {
	Reason string      // as the provider says: stop, length, content_filter, …
	Usage  *chat.Usage // nil if the provider reported none, or an impossible one
	Model  string      // the model that answered
}
