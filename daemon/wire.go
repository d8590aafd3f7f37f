package daemon

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"strings"

	"chat"
	"chat/daemon/chunklog"
	"chat/daemon/follow"
	"chat/daemon/model"
	"chat/daemon/provider"
	"chat/daemon/redischeck"
	"chat/daemon/worker"
)

// The adapters below let the parts declare the small interfaces they need
// without knowing each other.

// workerLog is the chunk log as the worker and the sweeper see it.
type workerLog struct{ *chunklog.Log }

func (l workerLog) Begin(ctx context.Context, t chat.Task, allowed func() bool) (worker.LogWriter, chat.Answer, error) {
	w, left, err := l.Log.Begin(ctx, t, allowed)
	if err != nil {
		return nil, left, err
	}
	return w, left, nil
}

func (l workerLog) Hint(ctx context.Context, kind, taskID string) error {
	return l.Log.Hint(ctx, chunklog.Control{Type: kind, TaskID: taskID})
}

// apiLog is the chunk log as the API sees it.
type apiLog struct {
	workerLog
	check *redischeck.Checker
}

func (l apiLog) Tail(taskID string, after chat.Position) follow.Tail {
	return l.Log.Tail(taskID, after)
}

func (l apiLog) State(ctx context.Context) string { return l.check.State(ctx) }

// redisLog takes the lines of the Redis client, each of which has an error that is
// returned, too.
type redisLog struct{ logger *slog.Logger }

// Printf writes one.
func (l redisLog) Printf(ctx context.Context, format string, v ...any) {
	l.logger.DebugContext(ctx, "the Redis client says", "line", fmt.Sprintf(format, v...))
}

// models is the provider registry as the worker and the API see it, together
// with the providers that clients sent along.
type models struct {
	clientCredentials
	registry *provider.Registry
}

func newModels(r *provider.Registry) *models { return &models{registry: r} }

// errKeyGone ends a task whose client's provider nobody has any more. Another one
// would be one that the client did not choose.
func errKeyGone() error {
	return chat.Errorf(chat.CodeNotConfigured,
		"the provider key that came with this message was only in the memory of a daemon that has ended: send the message again")
}

// Name is the model that will answer t.
func (m *models) Name(ctx context.Context, t chat.Task) string {
	own := m.credentials(t.ID)
	if t.Model != "" || t.OwnProvider != "" && own == nil {
		return t.Model
	}
	return m.registry.ModelName(ctx, "", own)
}

func (m *models) Stream(ctx context.Context, t chat.Task, req model.Request) iter.Seq2[model.Event, error] {
	req.Model, req.Credentials = t.Model, m.credentials(t.ID)
	if t.OwnProvider != "" && req.Credentials == nil {
		return func(yield func(model.Event, error) bool) { yield(model.Event{}, errKeyGone()) }
	}
	return m.registry.Stream(ctx, req)
}

func (m *models) Models(ctx context.Context, key, baseURL string) ([]chat.Model, error) {
	return m.registry.Models(ctx, asCredentials(key, baseURL))
}

// CheckModel refuses a model that the provider is known not to have.
func (m *models) CheckModel(ctx context.Context, model, key, baseURL string) error {
	return m.registry.CheckModel(ctx, model, asCredentials(key, baseURL))
}

// CheckBaseURL says what is wrong with the base URL of a client's own provider.
func (*models) CheckBaseURL(baseURL string) error { return provider.CheckBaseURL(baseURL) }

// Configured reports whether a client's own provider is the server's, too.
func (m *models) Configured(key, baseURL string) bool {
	return m.registry.Configured(model.Credentials{Key: key, BaseURL: baseURL})
}

// DefaultModel is what a message without a model gets from a client's own
// provider, as far as that can be told without asking it.
func (*models) DefaultModel(key, baseURL string) string {
	if key != "" && (baseURL == "" || strings.TrimSuffix(baseURL, "/") == provider.DefaultBaseURL) {
		return provider.DefaultOpenAIModel
	}
	return ""
}

func asCredentials(key, baseURL string) *model.Credentials {
	if key == "" && baseURL == "" {
		return nil
	}
	return &model.Credentials{Key: key, BaseURL: baseURL}
}
