package database

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/lib/pq"
	"go.uber.org/goleak"

	"chat"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestTranslateSetsACode(t *testing.T) {
	for _, tt := range []struct {
		err       error
		want      chat.Code
		retryable bool
	}{
		{&pq.Error{Code: "08006"}, chat.CodeUnavailable, true},
		{&pq.Error{Code: "57P01"}, chat.CodeUnavailable, true},
		{&pq.Error{Code: "57P03"}, chat.CodeUnavailable, true},
		{&pq.Error{Code: "57014"}, chat.CodeUnavailable, true},
		{&pq.Error{Code: "53300"}, chat.CodeUnavailable, true},
		{&pq.Error{Code: "40001"}, chat.CodeUnavailable, true},
		{&pq.Error{Code: "40P01"}, chat.CodeUnavailable, true},
		{&pq.Error{Code: "53100"}, chat.CodeStorage, false},
		{&pq.Error{Code: "58030"}, chat.CodeStorage, false},
		{&pq.Error{Code: "XX001"}, chat.CodeStorage, false},
		{&pq.Error{Code: "25006"}, chat.CodeUnavailable, true},
		{&roleError{errors.New("server is in hot standby mode")}, chat.CodeUnavailable, true},
		{&pq.Error{Code: "28P01"}, chat.CodeNotConfigured, false},
		{&pq.Error{Code: "3D000"}, chat.CodeNotConfigured, false},
		{&pq.Error{Code: "42601"}, chat.CodeInternal, false},
		{driver.ErrBadConn, chat.CodeUnavailable, true},
		{io.ErrUnexpectedEOF, chat.CodeUnavailable, true},
		{&net.OpError{Op: "dial", Err: errors.New("refused")}, chat.CodeUnavailable, true},
		{context.Canceled, chat.CodeUnavailable, true},
		{context.DeadlineExceeded, chat.CodeUnavailable, true},
		{chat.ErrFenced, chat.CodeConflict, false},
		{errors.New("?"), chat.CodeInternal, false},
	} {
		got := chat.AsError(Translate(fmt.Errorf("wrapped: %w", tt.err)))
		if got.Code != tt.want || got.Retryable != tt.retryable || got.Message == "" {
			t.Errorf("%v became %s (retryable %v), want %s", tt.err, got.Code, got.Retryable, tt.want)
		}
		if !errors.Is(got, tt.err) {
			t.Errorf("%v is not the cause", tt.err)
		}
	}
}
