package sql

import (
	"context"
	"database/sql/driver"
)

// maxPrepared bounds the statements that a connection keeps prepared. There are
// some thirty, and those that are put together from what was asked for.
const maxPrepared = 100

// prepared are the statements of one connection. lib/pq asks twice for each
// statement with arguments, first what their types are and then for the rows; of
// one that it knows, only for the rows, and PostgreSQL has parsed it already.
type prepared struct {
	stmts map[string]pqStmt
	order []string // of their making
}

// pqStmt is what database/sql uses of lib/pq's statements.
type pqStmt interface {
	driver.Stmt
	driver.StmtQueryContext
	driver.StmtExecContext
}

// QueryContext runs a statement that returns rows.
func (s *session) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	stmt, err := s.prepare(ctx, query, len(args))
	switch {
	case err != nil:
		return nil, err
	case stmt == nil:
		return s.pqConn.QueryContext(ctx, query, args)
	}
	return stmt.QueryContext(ctx, args)
}

// ExecContext runs a statement that returns none.
func (s *session) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	stmt, err := s.prepare(ctx, query, len(args))
	switch {
	case err != nil:
		return nil, err
	case stmt == nil:
		return s.pqConn.ExecContext(ctx, query, args)
	}
	return stmt.ExecContext(ctx, args)
}

// prepare returns a statement that is prepared, nil for one without arguments:
// that takes one round trip anyway, and may be several.
func (s *session) prepare(ctx context.Context, query string, args int) (pqStmt, error) {
	if args == 0 {
		return nil, nil
	}
	if stmt := s.prepared.stmts[query]; stmt != nil {
		return stmt, nil
	}
	if len(s.prepared.order) >= maxPrepared {
		oldest := s.prepared.order[0]
		s.prepared.order = s.prepared.order[1:]
		stmt := s.prepared.stmts[oldest]
		delete(s.prepared.stmts, oldest)
		if err := stmt.Close(); err != nil {
			return nil, err
		}
	}
	made, err := s.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	stmt, ok := made.(pqStmt)
	if !ok {
		return nil, made.Close()
	}
	if s.prepared.stmts == nil {
		s.prepared.stmts = map[string]pqStmt{}
	}
	s.prepared.stmts[query] = stmt
	s.prepared.order = append(s.prepared.order, query)
	return stmt, nil
}
