package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"chat"
	"chat/internal/crash"
)

const (
	maxContent = 768 << 10 // bytes of text; the body's limit leaves room for escapes
	// encodedImages is what the images of a message need in base64, each with its tags.
	encodedImages = (chat.MaxAllImages+2)/3*4 + chat.MaxImages*1024
	maxKey        = 255
	maxDeadline   = 24 * time.Hour
	// notifyTimeout is how long a request waits for Redis; the task is in SQL
	// already, and a sweeper notifies if we could not.
	notifyTimeout = 500 * time.Millisecond
)

// Kinds of hints on the control channel.
const (
	hintCancel = "cancel"
	hintEnded  = "ended"
)

// credentials are a provider of the client's own.
type credentials struct{ key, baseURL string }

// credentialsOf are the credentials in a request, none if the server would use
// the same ones anyway: then the task does not depend on this process.
func (s *Server) credentialsOf(r *http.Request, p principal) (credentials, error) {
	c := credentials{r.Header.Get("Chat-Provider-Key"), r.Header.Get("Chat-Provider-Base-Url")}
	if c == (credentials{}) {
		return c, nil
	}
	if !p.local {
		return c, chat.Errorf(chat.CodeInvalid, "a provider of your own is taken over the unix socket only")
	}
	if c.baseURL != "" {
		if err := s.provider.CheckBaseURL(c.baseURL); err != nil {
			return c, err
		}
	}
	if s.provider.Configured(c.key, c.baseURL) {
		return credentials{}, nil
	}
	return c, nil
}

func (s *Server) submit(r *http.Request, p principal) (reply, error) {
	var sub chat.Submission
	if err := decode(r, &sub, false); err != nil {
		return reply{}, err
	}
	if id := r.PathValue("id"); id != "" {
		if sub.ConversationID != "" && sub.ConversationID != id {
			return reply{}, chat.Errorf(chat.CodeInvalid, "conversation_id is not that of the path: leave it out")
		}
		sub.ConversationID = id
	}
	if sub.ConversationID != "" && (sub.Title != "" || sub.System != "") {
		return reply{}, chat.Errorf(chat.CodeInvalid, "title and system belong to a new conversation: leave out conversation_id, or change them with PATCH /conversations/{id}")
	}
	if strings.TrimSpace(chat.NormalizeText(sub.Content)) == "" {
		return reply{}, chat.Errorf(chat.CodeInvalid, "content is empty: there is nothing to answer")
	}
	priority, err := chat.ParsePriority(string(sub.Priority))
	if err := firstError(err, checkText("content", chat.WithoutImages(sub.Content), maxContent), chat.CheckImages(sub.Content), checkText("model", sub.Model, maxModel),
		checkText("title", sub.Title, maxTitle), checkText("system", sub.System, maxSystem)); err != nil {
		return reply{}, err
	}
	if sub.DeadlineSeconds < 0 || sub.DeadlineSeconds > int(maxDeadline/time.Second) {
		return reply{}, chat.Errorf(chat.CodeInvalid, "deadline_seconds must be from 1 to %d", int(maxDeadline/time.Second))
	}
	opts, err := submitOptions(r, sub)
	if err != nil {
		return reply{}, err
	}
	sub.Priority = priority
	return s.accept(r, p, opts, priority, func(ctx context.Context, c credentials, opts chat.SubmitOptions) (chat.Accepted, bool, error) {
		if err := s.checkModel(ctx, p.owner, sub.Model, opts.IdempotencyKey, c); err != nil {
			return chat.Accepted{}, false, err
		}
		sub := sub
		if sub.Model == "" && c != (credentials{}) {
			var conv chat.Conversation
			if sub.ConversationID != "" {
				var err error
				if conv, err = s.store.Conversation(ctx, p.owner, sub.ConversationID); err != nil {
					return chat.Accepted{}, false, err
				}
			}
			if conv.Model == "" {
				sub.Model = s.provider.DefaultModel(c.key, c.baseURL)
			}
		}
		return s.store.Submit(ctx, p.owner, sub, opts)
	})
}

func (s *Server) regenerate(r *http.Request, p principal) (reply, error) {
	var in struct {
		Model    string        `json:"model"`
		Priority chat.Priority `json:"priority"`
	}
	if err := decode(r, &in, true); err != nil {
		return reply{}, err
	}
	priority, err := chat.ParsePriority(string(in.Priority))
	if err := firstError(err, checkText("model", in.Model, maxModel)); err != nil {
		return reply{}, err
	}
	opts, err := submitOptions(r, in)
	if err != nil {
		return reply{}, err
	}
	return s.accept(r, p, opts, priority, func(ctx context.Context, c credentials, opts chat.SubmitOptions) (chat.Accepted, bool, error) {
		if err := s.checkModel(ctx, p.owner, in.Model, opts.IdempotencyKey, c); err != nil {
			return chat.Accepted{}, false, err
		}
		return s.store.Regenerate(ctx, p.owner, r.PathValue("id"), in.Model, priority, opts)
	})
}

// submitOptions takes the idempotency key and the hash of what it stands for.
func submitOptions(r *http.Request, body any) (chat.SubmitOptions, error) {
	o := chat.SubmitOptions{IdempotencyKey: r.Header.Get("Idempotency-Key")}
	id, err := uuid.NewV7()
	if err != nil {
		return o, err
	}
	o.TaskID = id.String()
	if len(o.IdempotencyKey) > maxKey {
		return o, chat.Errorf(chat.CodeInvalid, "an Idempotency-Key has at most %d characters", maxKey)
	}
	data, err := json.Marshal(body)
	if err != nil {
		return o, err
	}
	sum := sha256.Sum256(append([]byte(r.URL.Path+"\n"), data...))
	o.BodyHash = hex.EncodeToString(sum[:])
	return o, nil
}

// accept stores a submission, and only then wakes a worker. A failure of that is no
// reason to refuse: the task exists.
func (s *Server) accept(r *http.Request, p principal, o chat.SubmitOptions, prio chat.Priority,
	store func(context.Context, credentials, chat.SubmitOptions) (chat.Accepted, bool, error),
) (reply, error) {
	c, err := s.credentialsOf(r, p)
	if err != nil {
		return reply{}, err
	}
	if c != (credentials{}) {
		if s.opts.Worker == "" {
			return reply{}, chat.Errorf(chat.CodeNotConfigured,
				"this server makes no answers itself, and its workers would not have your provider's key: leave OPENAI_API_KEY and OPENAI_BASE_URL out, or use a daemon of your own")
		}
		o.OwnProvider = s.opts.Worker
		s.provider.Remember(o.TaskID, c.key, c.baseURL)
	}
	crash.Here(crash.APIBeforeCommit)
	acc, replayed, err := store(r.Context(), c, o)
	if replayed || err != nil && statusOf(chat.CodeOf(err)) < 500 { // otherwise it may have been stored
		s.provider.Forget(o.TaskID)
	}
	if err != nil {
		return reply{}, err
	}
	crash.Here(crash.APIAfterCommit)
	header := map[string]string{"Location": "/stream/" + acc.TaskID}
	if replayed {
		header["Idempotent-Replay"] = "true"
	}
	notify, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), notifyTimeout)
	defer cancel()
	if err := s.notifier.Notify(notify, prio, acc.TaskID); err != nil {
		s.opts.Logger.Warn("api: no wake-up for a new task; a sweeper sends one", "task", acc.TaskID, "err", err)
	}
	crash.Here(crash.APIBeforeReply)
	return reply{status: http.StatusAccepted, body: acc, header: header}, nil
}

func (s *Server) listTasks(r *http.Request, p principal) (reply, error) {
	limit, err := limitParam(r)
	if err != nil {
		return reply{}, err
	}
	q := r.URL.Query()
	query := chat.TaskQuery{ID: q.Get("id"), ConversationID: q.Get("conversation_id"), Limit: limit}
	for _, st := range q["state"] {
		switch {
		case st == "active":
			query.States = append(query.States, chat.TaskQueued, chat.TaskRunning)
		case slices.Contains(chat.TaskStates(), chat.TaskState(st)):
			query.States = append(query.States, chat.TaskState(st))
		default:
			return reply{}, chat.Errorf(chat.CodeInvalid, "unknown state %q: use active, queued, running, done, failed, cancelled or interrupted", st)
		}
	}
	list, err := s.store.Tasks(r.Context(), p.owner, query)
	return reply{body: struct {
		Tasks []chat.Task `json:"tasks"`
	}{orEmpty(list)}}, err
}

func (s *Server) getTask(r *http.Request, p principal) (reply, error) {
	t, err := s.store.Task(r.Context(), p.owner, r.PathValue("id"))
	return reply{body: t}, err
}

// cancel decides in SQL who was first; the hint only makes the loser quick.
func (s *Server) cancel(r *http.Request, p principal) (reply, error) {
	t, won, err := s.store.Cancel(r.Context(), p.owner, r.PathValue("id"))
	if err != nil {
		return reply{}, err
	}
	if won {
		kind := hintCancel
		if t.State.Terminal() {
			kind = hintEnded
			s.provider.Forget(t.ID)
		}
		s.hint(r, kind, t.ID)
	}
	return reply{body: struct {
		TaskID string         `json:"task_id"`
		Won    bool           `json:"won"`
		State  chat.TaskState `json:"state"`
	}{t.ID, won, t.State}}, nil
}

func (s *Server) hint(r *http.Request, kind, taskID string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), notifyTimeout)
	defer cancel()
	if err := s.log.Hint(ctx, kind, taskID); err != nil {
		s.opts.Logger.Warn("api: a hint was not sent; it is found out within seconds", "kind", kind, "task", taskID, "err", err)
	}
}
