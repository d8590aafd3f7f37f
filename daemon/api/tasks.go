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
	"chat/daemon/api/body"
	"chat/internal/crash"
	"chat/internal/schema"
)

const (
	maxKey      = 255
	maxDeadline = 24 * time.Hour
	// notifyTimeout is how long a request waits for Redis. The task is already in SQL, and
	// a sweeper sends the wake-up if this one fails.
	notifyTimeout = 500 * time.Millisecond
)

// Credentials are the provider settings that a client sends with a request.
type Credentials struct {
	Key, BaseURL string
	Kind         string // the dialect; "" is OpenAI's
}

// credentialsOf returns the credentials in a request. It returns none if they are the
// server's own, so that any worker can run the task.
func (s *Server) credentialsOf(r *http.Request, p principal) (Credentials, error) {
	c := Credentials{r.Header.Get("Chat-Provider-Key"), r.Header.Get("Chat-Provider-Base-Url"), r.Header.Get("Chat-Provider-Kind")}
	if c == (Credentials{}) {
		return c, nil
	}
	if !p.local {
		return c, chat.Errorf(chat.CodeInvalid, "provider credentials are accepted over the unix socket only")
	}
	if err := s.provider.CheckCredentials(c); err != nil {
		return c, err
	}
	if s.provider.Configured(c) {
		return Credentials{}, nil
	}
	return c, nil
}

func (s *Server) submit(r *http.Request, p principal) (reply, error) {
	var sub chat.Submission
	if err := body.Decode(r, &sub, false); err != nil {
		return reply{}, err
	}
	return s.submitDecoded(r, p, sub)
}

func (s *Server) submitDecoded(r *http.Request, p principal, sub chat.Submission) (reply, error) {
	if id := r.PathValue("id"); id != "" {
		if sub.ConversationID != "" && sub.ConversationID != id {
			return reply{}, chat.Errorf(chat.CodeInvalid, "conversation_id is not that of the path: leave it out")
		}
		sub.ConversationID = id
	}
	if sub.ConversationID != "" && (sub.Title != "" || sub.System != "" || sub.Temporary) {
		return reply{}, chat.Errorf(chat.CodeInvalid, "title, system and temporary belong to a new conversation: leave out conversation_id, or change them with PATCH /conversations/{id}")
	}
	return s.submitMessage(r, p, sub, sub)
}

// submitMessage checks a submission, stores it and wakes a worker. body is what a repeated
// Idempotency-Key must repeat.
func (s *Server) submitMessage(r *http.Request, p principal, sub chat.Submission, body any) (reply, error) {
	priority, err := chat.ParsePriority(string(sub.Priority))
	if err := firstError(err, checkMessage(sub), checkText("model", sub.Model, maxModel),
		checkText("title", sub.Title, maxTitle), checkText("system", sub.System, maxSystem)); err != nil {
		return reply{}, err
	}
	if sub.DeadlineSeconds < 0 || sub.DeadlineSeconds > int(maxDeadline/time.Second) {
		return reply{}, chat.Errorf(chat.CodeInvalid, "deadline_seconds must be from 1 to %d", int(maxDeadline/time.Second))
	}
	opts, err := submitOptions(r, body)
	if err != nil {
		return reply{}, err
	}
	sub.Priority = priority
	return s.accept(r, p, opts, priority, func(ctx context.Context, c Credentials, opts chat.SubmitOptions) (chat.Accepted, bool, error) {
		if err := s.checkModel(ctx, p.owner, sub.Model, opts.IdempotencyKey, c); err != nil {
			return chat.Accepted{}, false, err
		}
		sub := sub
		if sub.Model == "" && c != (Credentials{}) {
			var conv chat.Conversation
			if sub.ConversationID != "" {
				var err error
				conv, err = s.store.Conversation(ctx, p.owner, sub.ConversationID)
				if err != nil && (!sub.CreateMissing || !chat.IsCode(err, chat.CodeNotFound)) {
					return chat.Accepted{}, false, err
				}
			}
			if conv.Model == "" {
				sub.Model = s.provider.DefaultModel(c)
			}
		}
		return s.store.Submit(ctx, p.owner, sub, opts)
	})
}

// checkMessage checks the contents of a message. The store knows the sizes of its
// attachments, and checks these.
func checkMessage(sub chat.Submission) error {
	if sub.Content != "" && sub.Parts != nil {
		return chat.Errorf(chat.CodeInvalid, "content and parts are two forms of one message: leave out one of them")
	}
	if err := checkText("content", sub.Content, chat.MaxText); err != nil {
		return err
	}
	if err := firstError(sub.Parameters.Validate(), sub.ModelDefaults.ValidateLasting(), sub.Failover.Validate(), checkSchema(sub.Parameters)); err != nil {
		return err
	}
	parts := sub.Message()
	if err := parts.Validate(chat.RoleUser); err != nil {
		return err
	}
	if err := parts.CheckSize(); err != nil {
		return err
	}
	hasResult := slices.ContainsFunc(parts, func(p chat.Part) bool { return p.Type == chat.PartToolResult })
	if strings.TrimSpace(chat.NormalizeText(parts.Text())) == "" && len(parts.Digests()) == 0 && !hasResult {
		return chat.Errorf(chat.CodeInvalid, "content is empty: there is nothing to answer")
	}
	return nil
}

// checkSchema refuses a schema that no answer can be checked against.
func checkSchema(p *chat.Parameters) error {
	if p == nil || p.Format == nil || len(p.Format.Schema) == 0 {
		return nil
	}
	_, err := schema.Compile(p.Format.Schema)
	return err
}

func (s *Server) regenerate(r *http.Request, p principal) (reply, error) {
	var in chat.Regeneration
	if err := body.Decode(r, &in, true); err != nil {
		return reply{}, err
	}
	return s.remake(r, p, r.PathValue("id"), in, in)
}

func (s *Server) continueAnswer(r *http.Request, p principal) (reply, error) {
	in := chat.Regeneration{}
	if err := body.Decode(r, &in, true); err != nil {
		return reply{}, err
	}
	in.Continue = true
	return s.remake(r, p, r.PathValue("id"), in, in)
}

// remake makes an answer again, or continues it. body is what a repeated Idempotency-Key must repeat.
func (s *Server) remake(r *http.Request, p principal, messageID string, changes chat.Regeneration, body any) (reply, error) {
	priority, err := chat.ParsePriority(string(changes.Priority))
	if err := firstError(err, checkText("model", changes.Model, maxModel), changes.Parameters.ValidateLasting()); err != nil {
		return reply{}, err
	}
	changes.Priority = priority
	opts, err := submitOptions(r, body)
	if err != nil {
		return reply{}, err
	}
	return s.accept(r, p, opts, priority, func(ctx context.Context, c Credentials, opts chat.SubmitOptions) (chat.Accepted, bool, error) {
		if err := s.checkModel(ctx, p.owner, changes.Model, opts.IdempotencyKey, c); err != nil {
			return chat.Accepted{}, false, err
		}
		return s.store.Regenerate(ctx, p.owner, messageID, changes, opts)
	})
}

// submitOptions returns a new task id, the idempotency key, and the hash of path and body.
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
	if err := checkText("the Idempotency-Key", o.IdempotencyKey, maxKey); err != nil { // two keys could be stored as one
		return o, err
	}
	data, err := json.Marshal(body)
	if err != nil {
		return o, err
	}
	sum := sha256.Sum256(append([]byte(r.URL.Path+"\n"), data...))
	o.BodyHash = hex.EncodeToString(sum[:])
	return o, nil
}

// accept stores a submission and then wakes a worker. If the wake-up fails, the submission
// is still accepted, because the task is stored.
func (s *Server) accept(r *http.Request, p principal, o chat.SubmitOptions, prio chat.Priority,
	store func(context.Context, Credentials, chat.SubmitOptions) (chat.Accepted, bool, error),
) (reply, error) {
	c, err := s.credentialsOf(r, p)
	if err != nil {
		return reply{}, err
	}
	if c != (Credentials{}) {
		if s.opts.Worker == "" {
			return reply{}, chat.Errorf(chat.CodeNotConfigured,
				"this server runs no worker, and the workers elsewhere cannot get your provider's key: unset OPENAI_API_KEY and OPENAI_BASE_URL, or use your own daemon")
		}
		o.CredentialsHost = s.opts.Worker
		s.provider.PutCredentials(o.TaskID, c)
	}
	crash.Here(crash.APIBeforeCommit)
	acc, replayed, err := store(r.Context(), c, o)
	if replayed || err != nil && statusOf(chat.CodeOf(err)) < 500 { // otherwise the task may be stored
		s.provider.ForgetCredentials(o.TaskID)
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
		s.opts.Logger.Warn("api: cannot wake a worker for a new task; a sweeper does so within seconds", "task", acc.TaskID, "err", err)
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
	query := chat.TaskQuery{ID: q.Get("id"), ConversationID: q.Get("conversation_id"), Answers: q.Get("answers") == "true", Limit: limit}
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

// cancel stops a task.
func (s *Server) cancel(r *http.Request, p principal) (reply, error) {
	t, won, err := s.stop(r, p.owner, r.PathValue("id"))
	if err != nil {
		return reply{}, err
	}
	return reply{body: struct {
		TaskID string         `json:"task_id"`
		Won    bool           `json:"won"`
		State  chat.TaskState `json:"state"`
	}{t.ID, won, t.State}}, nil
}

// stop stops a task in SQL. The event only makes the worker react sooner.
func (s *Server) stop(r *http.Request, owner, taskID string) (chat.Task, bool, error) {
	t, won, err := s.store.Cancel(r.Context(), owner, taskID)
	if err == nil && won {
		e := chat.TaskEvent{Type: chat.EventCancel, TaskID: t.ID}
		if t.State.Terminal() {
			e.Type = chat.EventEnded
			s.provider.Abandon(r.Context(), t)
			s.provider.ForgetCredentials(t.ID)
		}
		s.publish(r, e)
	}
	return t, won, err
}

// publish sends an event. If that fails, receivers read the change from SQL.
func (s *Server) publish(r *http.Request, e chat.TaskEvent) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), notifyTimeout)
	defer cancel()
	if err := s.log.Publish(ctx, e); err != nil {
		s.opts.Logger.Warn("api: cannot publish an event; its receivers read the change from SQL within seconds", "type", e.Type, "task", e.TaskID, "err", err)
	}
}
