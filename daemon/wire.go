package daemon

import (
	"context"
	"iter"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"chat"
	"chat/daemon/api"
	"chat/daemon/chunklog"
	"chat/daemon/provider"
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
	rdb *redis.Client
}

func (l apiLog) Tail(taskID string, after chat.Position) api.Tail { return l.Log.Tail(taskID, after) }

func (l apiLog) Ping(ctx context.Context) error { return l.rdb.Ping(ctx).Err() }

// models is the provider registry as the worker and the API see it, together
// with the credentials that clients sent along: in memory only, by task, until
// the task has ended.
type models struct {
	registry *provider.Registry

	mu   sync.Mutex
	keys map[string]remembered
}

type remembered struct {
	provider.Credentials
	at time.Time
}

// maxRemembered bounds the credentials held; the oldest go first.
const maxRemembered = 10_000

func newModels(r *provider.Registry) *models {
	return &models{registry: r, keys: map[string]remembered{}}
}

func (m *models) Remember(taskID, key, baseURL string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.keys) >= maxRemembered {
		oldest, at := "", time.Now()
		for id, k := range m.keys {
			if k.at.Before(at) {
				oldest, at = id, k.at
			}
		}
		delete(m.keys, oldest)
	}
	m.keys[taskID] = remembered{provider.Credentials{Key: key, BaseURL: baseURL}, time.Now()}
}

func (m *models) Forget(taskID string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.keys, taskID)
}

func (m *models) credentials(taskID string) *provider.Credentials {
	m.mu.Lock()
	defer m.mu.Unlock()
	if k, ok := m.keys[taskID]; ok {
		return &k.Credentials
	}
	return nil
}

// Name is the model that will answer t.
func (m *models) Name(ctx context.Context, t chat.Task) string {
	if t.Model != "" {
		return t.Model
	}
	return m.registry.ModelName(ctx, "", m.credentials(t.ID))
}

func (m *models) Stream(ctx context.Context, t chat.Task, system string, thread []chat.Message) iter.Seq2[worker.Delta, error] {
	req := provider.Request{Model: t.Model, System: system, Messages: thread, Credentials: m.credentials(t.ID)}
	return func(yield func(worker.Delta, error) bool) {
		for e, err := range m.registry.Stream(ctx, req) {
			d := worker.Delta{Type: e.Type, Text: e.Text}
			if e.Finish != nil {
				d.Finish = &worker.Finish{Reason: e.Finish.Reason, Usage: e.Finish.Usage, Model: e.Finish.Model}
			}
			if !yield(d, err) {
				return
			}
		}
	}
}

func (m *models) Models(ctx context.Context, key, baseURL string) ([]chat.Model, error) {
	return m.registry.Models(ctx, asCredentials(key, baseURL))
}

// DefaultModel is what a message without a model gets from a client's own
// provider, as far as that can be told without asking it.
func (*models) DefaultModel(key, baseURL string) string {
	if key != "" && (baseURL == "" || strings.TrimSuffix(baseURL, "/") == provider.DefaultBaseURL) {
		return provider.DefaultOpenAIModel
	}
	return ""
}

func asCredentials(key, baseURL string) *provider.Credentials {
	if key == "" && baseURL == "" {
		return nil
	}
	return &provider.Credentials{Key: key, BaseURL: baseURL}
}
