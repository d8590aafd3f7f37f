package daemon

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"strings"
	"time"

	"chat"
	"chat/daemon/api"
	"chat/daemon/chunklog"
	"chat/daemon/follow"
	"chat/daemon/model"
	"chat/daemon/model/anthropic"
	"chat/daemon/model/network"
	"chat/daemon/model/openai"
	"chat/daemon/model/providers"
	"chat/daemon/ratelimit"
	"chat/daemon/redischeck"
	"chat/daemon/worker"
	"chat/sql"
)

// The adapters below let the parts declare the small interfaces they need
// without knowing each other.

// workerLog adapts the chunk log to the worker and the sweeper.
type workerLog struct{ *chunklog.Log }

func (l workerLog) Begin(ctx context.Context, t chat.Task, allowed func() bool) (worker.LogWriter, chat.Answer, error) {
	w, previous, err := l.Log.Begin(ctx, t, allowed)
	if err != nil {
		return nil, previous, err
	}
	return w, previous, nil
}

// apiLog adapts the chunk log to the API.
type apiLog struct {
	workerLog
	check *redischeck.Checker
}

func (l apiLog) Tail(taskID string, after chat.Position) follow.Tail {
	return l.Log.Tail(taskID, after)
}

func (apiLog) Decode(packed []byte) ([]chat.EncodedChunk, error) { return chunklog.Decode(packed) }

func (l apiLog) Stats(ctx context.Context, taskIDs []string) (map[string]api.LogStats, error) {
	stats, err := l.Log.Stats(ctx, taskIDs)
	out := make(map[string]api.LogStats, len(stats))
	for id, s := range stats {
		out[id] = api.LogStats(s)
	}
	return out, err
}

func (l apiLog) State(ctx context.Context) string { return l.check.State(ctx) }

// limiter adapts the rate limits to the registry of models.
type limiter struct{ *ratelimit.Limiter }

func (l limiter) Acquire(ctx context.Context, bucket string, p chat.Priority, waited bool) (model.Permit, time.Duration) {
	t, wait := l.Limiter.Acquire(ctx, bucket, p, waited)
	if t == nil {
		return nil, wait
	}
	return t, 0
}

// redisLog logs the lines of the Redis client at the debug level: each of them has an
// error that is returned, too.
type redisLog struct{ logger *slog.Logger }

// Printf writes a line.
func (l redisLog) Printf(ctx context.Context, format string, v ...any) {
	l.logger.DebugContext(ctx, "the Redis client says", "line", fmt.Sprintf(format, v...))
}

// models adapts the registry of models to the worker and the API, together with the
// credentials that clients sent along.
type models struct {
	clientCredentials
	registry *providers.Registry
	files    *sql.Store // remembers copies of attachments at providers; nil if none are made
	windows  *windows
	titles   titles
}

// titles are the settings of titles that models write.
type titles struct {
	off   bool
	model string // "" for an inexpensive one of the same provider
}

func newModels(r *providers.Registry, w *windows) *models { return &models{registry: r, windows: w} }

// errCredentialsGone ends a task whose credentials are lost. The server's provider must not
// answer: the client did not choose it.
func errCredentialsGone() error {
	return chat.Errorf(chat.CodeNotConfigured,
		"the provider key that came with this message was only in the memory of a daemon that has ended: send the message again")
}

// Name is the name of the model that will answer t.
func (m *models) Name(ctx context.Context, t chat.Task) string {
	own := m.credentials(t.ID)
	if t.Model != "" || t.CredentialsHost != "" && own == nil {
		return t.Model
	}
	return m.registry.ModelName(ctx, "", own)
}

// Admit asks for the right to ask the model of t now.
func (m *models) Admit(ctx context.Context, t chat.Task, waited bool) (*model.Turn, error) {
	own := m.credentials(t.ID)
	if t.CredentialsHost != "" && own == nil {
		return nil, errCredentialsGone()
	}
	return m.registry.Admit(ctx, model.Admission{Model: t.Model, Credentials: own, Priority: t.Priority, Waited: waited})
}

func (m *models) Stream(ctx context.Context, t chat.Task, req model.Request) iter.Seq2[model.Event, error] {
	req.Model, req.Credentials = t.Model, m.credentials(t.ID)
	if t.CredentialsHost != "" && req.Credentials == nil {
		return func(yield func(model.Event, error) bool) { yield(model.Event{}, errCredentialsGone()) }
	}
	if m.files != nil {
		req.Copies = copies{m.files, t.Owner}
	}
	return m.registry.Stream(ctx, req)
}

// TitleModel is the model that writes titles of what t.Model has answered; "" for none.
func (m *models) TitleModel(ctx context.Context, t chat.Task) string {
	switch {
	case m.titles.off:
		return ""
	case m.titles.model != "":
		return m.titles.model
	}
	return m.registry.Inexpensive(ctx, t.Model)
}

// Abandon ends the answer to a task at its provider, where the task no longer exists.
func (m *models) Abandon(ctx context.Context, t chat.Task) {
	own := m.credentials(t.ID)
	if t.CredentialsHost == "" || own != nil {
		m.registry.Abandon(ctx, model.Request{Model: t.Model, Upstream: t.Upstream, Credentials: own})
	}
}

func (m *models) Models(ctx context.Context, own api.Credentials) (list []chat.Model, notice *chat.Error, err error) {
	list, notice, err = m.registry.ModelsOrNotice(ctx, asCredentials(own))
	for i := range list {
		full, info := list[i].ID, &list[i].ModelInfo
		if !strings.HasPrefix(full, list[i].Provider+"/") {
			full = list[i].Provider + "/" + full
		}
		info.Context = m.windows.of(ctx, full, list[i].ID, cmp.Or(info.Context, model.KnownWindow(full)))
	}
	return list, notice, err
}

// CheckModel refuses a model that the provider is known not to have.
func (m *models) CheckModel(ctx context.Context, model string, own api.Credentials) error {
	return m.registry.CheckModel(ctx, model, asCredentials(own))
}

// CheckCredentials reports what is wrong with the base URL or the kind of a client's own
// provider.
func (*models) CheckCredentials(own api.Credentials) error {
	if own.Kind != "" && !slices.Contains(Kinds(), own.Kind) {
		return chat.Errorf(chat.CodeInvalid, "unknown kind %q of a provider: use %s", own.Kind, strings.Join(Kinds(), " or "))
	}
	if own.BaseURL == "" {
		return nil
	}
	return network.CheckBaseURL(own.BaseURL)
}

// Configured reports whether a client's own provider is a configured one.
func (m *models) Configured(own api.Credentials) bool {
	return m.registry.Configured(model.Credentials(own))
}

// DefaultModel is the model of a client's own provider that answers when none is named,
// "" if that is not known without asking it.
func (*models) DefaultModel(own api.Credentials) string {
	switch base := strings.TrimSuffix(own.BaseURL, "/"); {
	case own.Kind == KindAnthropic && (base == "" || base == anthropic.DefaultBaseURL):
		return anthropic.DefaultModel
	case own.Kind != KindAnthropic && own.Key != "" && (base == "" || base == openai.DefaultBaseURL):
		return openai.DefaultModel
	}
	return ""
}

func asCredentials(own api.Credentials) *model.Credentials {
	if own == (api.Credentials{}) {
		return nil
	}
	return (*model.Credentials)(&own)
}
