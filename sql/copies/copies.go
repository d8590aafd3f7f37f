// Package copies has the queries about copies of attachments that providers keep.
package copies

import (
	"context"

	"chat/sql/database"
)

// Queries runs the queries on a database.
type Queries struct{ DB *database.DB }

// ProviderFile returns the id of the copy of an attachment that a provider's account keeps, "" if
// there is none.
func (q Queries) ProviderFile(ctx context.Context, owner, account, digest string) (string, error) {
	ids, err := database.List[string](ctx, q.DB, `SELECT file_id FROM provider_files WHERE owner = $1 AND digest = $2 AND account = $3`, owner, digest, account)
	if err != nil || len(ids) == 0 {
		return "", err
	}
	return ids[0], nil
}

// PutProviderFile stores the id of a copy unless there is one. It returns the id that is stored.
func (q Queries) PutProviderFile(ctx context.Context, owner, account, digest, id string) (string, error) {
	_, err := q.DB.Exec(ctx, `INSERT INTO provider_files (owner, digest, account, file_id, created_at) VALUES ($1, $2, $3, $4, {{now}})
		ON CONFLICT DO NOTHING`, owner, digest, account, id)
	if err != nil {
		return "", err
	}
	return q.ProviderFile(ctx, owner, account, digest)
}

// DropProviderFile forgets a copy.
func (q Queries) DropProviderFile(ctx context.Context, account, id string) error {
	_, err := q.DB.Exec(ctx, `DELETE FROM provider_files WHERE account = $1 AND file_id = $2`, account, id)
	return err
}

// unusedLimit bounds how many copies are deleted at a time.
const unusedLimit = 100

// UnusedProviderFiles returns the ids of an account's copies whose attachments were deleted, the
// oldest first.
func (q Queries) UnusedProviderFiles(ctx context.Context, account string) ([]string, error) {
	return database.List[string](ctx, q.DB, `SELECT f.file_id FROM provider_files f WHERE f.account = $1
		AND NOT EXISTS (SELECT 1 FROM attachments a WHERE a.owner = f.owner AND a.digest = f.digest) ORDER BY f.created_at LIMIT $2`, account, unusedLimit)
}
