package daemon

import (
	"context"
	"time"

	"chat/sql"
)

// copies adapts the store to the providers, which keep copies of an owner's attachments.
type copies struct {
	store *sql.Store
	owner string
}

func (c copies) Copy(ctx context.Context, account, digest string) (string, error) {
	return c.store.ProviderFile(ctx, c.owner, account, digest)
}

func (c copies) PutCopy(ctx context.Context, account, digest, id string) (string, error) {
	return c.store.PutProviderFile(ctx, c.owner, account, digest, id)
}

func (c copies) DropCopy(ctx context.Context, account, id string) error {
	return c.store.DropProviderFile(ctx, account, id)
}

func (c copies) UnusedCopies(ctx context.Context, account string) ([]string, error) {
	return c.store.UnusedProviderFiles(ctx, account)
}

// tidyPace is how often copies of deleted attachments are deleted at the providers.
const tidyPace = 10 * time.Minute

// tidyUntilDone deletes copies of deleted attachments until ctx ends. It also does so at the start,
// because a local daemon may not live for long.
func (m *models) tidyUntilDone(ctx context.Context) {
	if m.files == nil {
		return
	}
	every := time.NewTicker(tidyPace)
	defer every.Stop()
	for {
		m.registry.Tidy(ctx, copies{store: m.files})
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
	}
}
