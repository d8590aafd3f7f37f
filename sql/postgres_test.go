package sql_test

import (
	"testing"

	"chat/internal/services"
	"chat/sql"
	"chat/sql/sqltest"
)

func TestPostgres(t *testing.T) {
	sqltest.Run(t, func(t *testing.T, o sql.Options) *sql.Store { return open(t, services.Postgres(t), o) })
}
