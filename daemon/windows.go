package daemon

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"chat"
	"chat/daemon/api"
)

// windowStore keeps what refusals say about models; *sql.Store implements it.
type windowStore interface {
	Windows(ctx context.Context) (map[string]int, error)
	LearnWindow(ctx context.Context, model string, tokens int) error
}

// windows knows how many tokens models accept: what the config file says, or else the least of
// what the provider lists and what it said when it refused a conversation. The latter is in SQL,
// so that all workers know it.
type windows struct {
	store      windowStore
	configured map[string]int // by provider/model, or the id alone
	log        *slog.Logger

	mu      sync.Mutex
	learned map[string]int
	readAt  time.Time
}

const (
	// windowsKept is how long learned windows are used before they are read again.
	windowsKept = time.Minute
	// windowTimeout bounds a query for them.
	windowTimeout = 2 * time.Second
)

// of returns the window of a model, 0 if it is not known. full is provider/model, name what was
// asked for, and listed what the provider says.
func (w *windows) of(ctx context.Context, full, name string, listed int) int {
	for _, key := range []string{name, full, idIn(full)} {
		if n := w.configured[key]; n > 0 {
			return n
		}
	}
	if learned := w.read(ctx)[full]; learned > 0 && (listed == 0 || learned < listed) {
		return learned
	}
	return listed
}

// idIn returns the id in provider/id.
func idIn(full string) string {
	for i := range full {
		if full[i] == '/' {
			return full[i+1:]
		}
	}
	return full
}

// read returns what was learned, at most windowsKept ago. While SQL cannot be read, that is what
// was read before.
func (w *windows) read(ctx context.Context) map[string]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	if time.Since(w.readAt) < windowsKept || w.store == nil {
		return w.learned
	}
	ctx, cancel := context.WithTimeout(ctx, windowTimeout)
	defer cancel()
	found, err := w.store.Windows(ctx)
	if err != nil {
		w.log.Debug("the learned context sizes cannot be read", "err", err)
		return w.learned
	}
	w.learned, w.readAt = found, time.Now()
	return found
}

// learn keeps the window of a model.
func (w *windows) learn(ctx context.Context, full string, tokens int) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), windowTimeout)
	defer cancel()
	err := w.store.LearnWindow(ctx, full, tokens)
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil {
		w.log.Warn("the context size of a model was not stored", "model", full, "err", err)
	}
	changed := map[string]int{full: tokens}
	for name, n := range w.learned {
		if name != full {
			changed[name] = n
		}
	}
	w.learned = changed
}

// Window is how many tokens the model that will answer t accepts, 0 if that is not known.
func (m *models) Window(ctx context.Context, t chat.Task) int {
	full, info := m.registry.Describe(ctx, t.Model, m.credentials(t.ID))
	return m.windows.of(ctx, full, t.Model, info.Context)
}

// WindowOf is how many tokens a model of the server accepts, 0 if that is not known.
func (m *models) WindowOf(ctx context.Context, name string) int {
	return m.Window(ctx, chat.Task{Model: name})
}

// LearnWindow keeps what the provider of t said about its model.
func (m *models) LearnWindow(ctx context.Context, t chat.Task, tokens int) {
	full, _ := m.registry.Describe(ctx, t.Model, m.credentials(t.ID))
	m.windows.learn(ctx, full, tokens)
}

// LendCredentials gives the client's credentials of t to a new task, and returns its id; "" if t
// has none.
func (m *models) LendCredentials(t chat.Task) string {
	own := m.credentials(t.ID)
	if own == nil {
		return ""
	}
	id, err := uuid.NewV7()
	if err != nil {
		return "" // the task will report that its credentials are missing
	}
	m.PutCredentials(id.String(), api.Credentials(*own))
	return id.String()
}
