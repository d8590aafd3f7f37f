// Package surface is what the packages of the wire formats have in common: what they need of
// the server, and how a stream of events is encoded.
//
// A wire format is a package beside this one. It reads requests, turns them into submissions
// to a Backend, and encodes the chunks of a follow.Stream. It imports neither the store, nor
// the chunk log, nor another wire format.
package surface

import (
	"context"
	"net/http"

	"chat"
	"chat/daemon/follow"
)

// Store is the part of the store that wire formats read.
type Store interface {
	Task(ctx context.Context, owner, id string) (chat.Task, error)
	Answer(ctx context.Context, owner, taskID string) (chat.Message, error)
	Messages(ctx context.Context, owner, conversationID string) ([]chat.Message, error)
	Conversation(ctx context.Context, owner, id string) (chat.Conversation, error)
	Tasks(ctx context.Context, owner string, q chat.TaskQuery) ([]chat.Task, error)
	Attachment(ctx context.Context, owner, digest string) (chat.Attachment, error)
	SetOrigin(ctx context.Context, owner, taskID, origin string) error
}

// Backend is what a wire format needs of the server. *api.Server implements it.
type Backend interface {
	// Store returns the store.
	Store() Store
	// Owner returns the owner of all that a request creates and sees.
	Owner(r *http.Request) string
	// Submit checks and stores a message, and wakes a worker. body is the request as it was
	// read, which a repeated Idempotency-Key must repeat. replayed says that it was.
	Submit(r *http.Request, sub chat.Submission, body any) (acc chat.Accepted, replayed bool, err error)
	// Regenerate makes an answer again; model is empty or another model.
	Regenerate(r *http.Request, messageID, model string, body any) (acc chat.Accepted, replayed bool, err error)
	// Upload stores an image or a file.
	Upload(r *http.Request, data []byte) (chat.Attachment, error)
	// Stop cancels a task. won says that it had not ended before.
	Stop(r *http.Request, taskID string) (task chat.Task, won bool, err error)
	// Delete deletes a conversation and ends its tasks.
	Delete(r *http.Request, conversationID string) error
	// ListModels lists the models that a request can name.
	ListModels(r *http.Request) ([]chat.Model, error)
	// Follow opens the stream of a task.
	Follow(r *http.Request, taskID string, after chat.Position) (*follow.Stream, error)
	// Send writes a stream in the form of e, as the response to r. It takes the connection.
	Send(w http.ResponseWriter, r *http.Request, s *follow.Stream, e Encoder)
	// Fail writes an error in the form of the path.
	Fail(w http.ResponseWriter, r *http.Request, err error)
	// Report logs an error if it is the server's, and returns its HTTP status.
	Report(r *http.Request, err error) int
	// SubmitJSON is Submit with the body of POST /messages.
	SubmitJSON(r *http.Request, body []byte) (acc chat.Accepted, replayed bool, err error)
	// Identify returns r with the owner of a token. An empty token keeps the owner that the
	// request has; the error is CodeUnauthorized if it has none.
	Identify(r *http.Request, token string) (*http.Request, error)
	// Acquire takes one of the slots for streams.
	Acquire() (release func(), err error)
	// Live returns a context that ends with the request and with the server.
	Live(r *http.Request) (context.Context, context.CancelFunc)
}

// Encoder encodes the chunks of one stream as events for one reader. Each method appends
// to dst.
type Encoder interface {
	// Open appends what is sent at once.
	Open(dst []byte) []byte
	// Append appends the events of the next chunk. The events of a terminal chunk are the
	// last ones. After an error the connection is cut, so that the reader does not take what
	// it has for the whole answer; what was appended is sent before.
	Append(dst []byte, c chat.EncodedChunk) ([]byte, error)
	// Idle appends what keeps a quiet connection open.
	Idle(dst []byte) []byte
}

// Flusher is an Encoder that appends the events of several chunks together. Append may then
// append nothing.
type Flusher interface {
	// Flush appends the events of the chunks since the last call. It is called before each
	// write.
	Flush(dst []byte) []byte
}

// Await waits for the end of a stream and returns the terminal chunk.
func Await(ctx context.Context, s *follow.Stream) (chat.Chunk, error) {
	for chunks, err := range s.Chunks(ctx) {
		if err != nil {
			return chat.Chunk{}, err
		}
		if n := len(chunks); n > 0 && chunks[n-1].Terminal() {
			return chunks[n-1].Decode()
		}
	}
	return chat.Chunk{}, chat.Errorf(chat.CodeInternal, "the stream of a task has no end")
}

// Encode passes a stream through an encoder to its end, and what the encoder appends to send.
func Encode(ctx context.Context, s *follow.Stream, e Encoder, send func([]byte) error) error {
	for chunks, err := range s.Chunks(ctx) {
		var events []byte
		for _, c := range chunks {
			if err == nil {
				events, err = e.Append(events, c)
			}
		}
		if err == nil {
			err = send(events)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Shown returns an error as a client may see it. What an internal error says is for the log.
func Shown(err error) *chat.Error {
	if chat.CodeOf(err) == chat.CodeInternal {
		return chat.Errorf(chat.CodeInternal, "an internal error: the daemon's log has more")
	}
	return chat.AsError(err)
}

// Handler returns a function that adds a call to mux. The backend writes the call's error.
func Handler(mux *http.ServeMux, b Backend) func(pattern string, call func(http.ResponseWriter, *http.Request) error) {
	return func(pattern string, call func(http.ResponseWriter, *http.Request) error) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if err := call(w, r); err != nil {
				b.Fail(w, r, err)
			}
		})
	}
}
