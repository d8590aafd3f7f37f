// Package openai serves OpenAI's API: models, chat completions and responses. Every request
// is a task, so it goes on when its client disconnects, and the native clients see it.
//
// Requests follow https://platform.openai.com/docs/api-reference and the schemas of
// https://www.openresponses.org. docs/clients.md describes what differs.
package openai

import (
	"context"
	"net/http"
	"time"

	"chat"
	"chat/daemon/api/body"
	"chat/daemon/api/openai/input"
	"chat/daemon/api/socket"
	"chat/daemon/api/surface"
	"chat/daemon/follow"
)

// maxBody bounds the body of a request in bytes: images are in it, in base64.
const maxBody = 32 << 20

// taskHeader names the task of a request.
const taskHeader = "Chat-Task-Id"

// Options are the settings of the API; zero values mean the defaults.
type Options struct {
	// Socket are the settings of a WebSocket, without MaxMessage.
	Socket socket.Options
	// SocketLife is how long a WebSocket can be open; an hour, as Open Responses has it.
	SocketLife time.Duration
}

// API serves the calls.
type API struct {
	backend surface.Backend
	opts    Options
}

// New returns the API of a server.
func New(b surface.Backend, o Options) *API {
	o.Socket.MaxMessage = maxBody
	if o.SocketLife <= 0 {
		o.SocketLife = time.Hour
	}
	return &API{b, o}
}

// Routes adds the calls to mux.
func (a *API) Routes(mux *http.ServeMux) {
	handle := surface.Handler(mux, a.backend)
	handle("GET /v1/models", a.listModels)
	handle("GET /v1/models/{id...}", a.getModel)
	handle("POST /v1/chat/completions", a.createCompletion)
	handle("POST /v1/responses", a.createResponse)
	handle("GET /v1/responses", a.openSocket)
	handle("POST /v1/responses/compact", a.compact)
	handle("GET /v1/responses/{id}", a.getResponse)
	handle("DELETE /v1/responses/{id}", a.deleteResponse)
	handle("POST /v1/responses/{id}/cancel", a.cancelResponse)
	handle("GET /v1/responses/{id}/input_items", a.listInput)
}

// answerRequest is the body of a call that asks a model.
type answerRequest interface {
	// submission returns the request as a submission.
	submission(d *reader) (chat.Submission, error)
}

// reader is what a request is read with.
type reader struct {
	input.Reader

	kept string // the task of the only unstored response that can be continued; "" if none can
}

// ask reads a request into in, stores its task, and opens the task's stream.
func (a *API) ask(w http.ResponseWriter, r *http.Request, in answerRequest) (*follow.Stream, error) {
	if err := body.Any(http.MaxBytesReader(w, r.Body, maxBody), in); err != nil {
		return nil, err
	}
	acc, replayed, err := a.submit(r, in, "")
	if err != nil {
		return nil, err
	}
	w.Header().Set(taskHeader, acc.TaskID)
	if replayed {
		w.Header().Set("Idempotent-Replay", "true")
	}
	return a.backend.Follow(r, acc.TaskID, chat.Start())
}

// submit stores the task of a request. kept is as in reader.
func (a *API) submit(r *http.Request, in answerRequest, kept string) (acc chat.Accepted, replayed bool, err error) {
	sub, err := in.submission(&reader{input.Reader{Backend: a.backend, Request: r}, kept})
	if err != nil {
		return acc, false, err
	}
	return a.backend.Submit(r, sub, in)
}

// await waits for the end of a task and returns it with its answer.
func (a *API) await(r *http.Request, s *follow.Stream) (chat.Task, chat.Parts, error) {
	err := a.wait(r, s, func(ctx context.Context) error {
		_, err := surface.Await(ctx, s)
		return err
	})
	if err != nil {
		return chat.Task{}, nil, err
	}
	return a.ended(r, s.TaskID())
}

// wait calls read, which reads a stream to its end. The task goes on if the client leaves or
// the server shuts down.
func (a *API) wait(r *http.Request, s *follow.Stream, read func(context.Context) error) error {
	ctx, cancel := a.backend.Live(r)
	defer cancel()
	err := read(ctx)
	if err != nil && ctx.Err() != nil {
		err = chat.Errorf(chat.CodeDraining, "the server is shutting down, and the answer is still being made: get it with GET /v1/responses/%s", responseID(s.TaskID()))
	}
	return err
}

// ended returns a task that has ended, and its answer.
func (a *API) ended(r *http.Request, taskID string) (chat.Task, chat.Parts, error) {
	owner := a.backend.Owner(r)
	task, err := a.backend.Store().Task(r.Context(), owner, taskID)
	if err != nil {
		return chat.Task{}, nil, err
	}
	answer, err := a.backend.Store().Answer(r.Context(), owner, taskID)
	return task, answer.Parts, err
}

// failureOf returns why an ended task has no answer, nil if it has one.
func failureOf(t chat.Task) *chat.Error {
	c, _ := t.TerminalChunk(t.Attempt, 0)
	return failureIn(c)
}

// failureIn returns why the task of a terminal chunk has no answer, nil if it has one.
func failureIn(c chat.Chunk) *chat.Error {
	if c.State == chat.TaskCancelled {
		return chat.Errorf(chat.CodeCancelled, "the task was stopped")
	}
	return c.Err()
}
