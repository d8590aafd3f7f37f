// Package exit defines the exit codes of chat and maps error codes to them.
package exit

import (
	"fmt"
	"strings"
	"syscall"

	"chat"
)

// The exit codes. Table describes them for chat help exit-codes.
const (
	OK         = 0
	Internal   = 1
	Usage      = 2
	NotFound   = 3
	Setup      = 4
	Refused    = 5
	Network    = 6
	Daemon     = 7
	Stopped    = 8
	Incomplete = 9
	Mismatch   = 10
	Timeout    = 124
	Hangup     = 128 + int(syscall.SIGHUP)
	Interrupt  = 128 + int(syscall.SIGINT)
	Pipe       = 128 + int(syscall.SIGPIPE)
	Terminated = 128 + int(syscall.SIGTERM)
)

// Row is the meaning of an exit code and the error codes that map to it.
type Row struct {
	Code    int
	Meaning string
	Errors  []chat.Code
}

func Table() []Row {
	return []Row{
		{OK, "success; also after --detach", nil},
		{Internal, "an internal error, or the output cannot be written", []chat.Code{chat.CodeInternal}},
		{Usage, "the command line or the input is invalid, or the current state forbids the command", []chat.Code{chat.CodeInvalid, chat.CodeConflict, chat.CodeBusy, chat.CodeKeyReuse, chat.CodeTooLarge, chat.CodeUnsupported}},
		{NotFound, "no such task or conversation, or an ambiguous id", []chat.Code{chat.CodeNotFound, chat.CodeAmbiguous}},
		{Setup, "not configured, or not authorised", []chat.Code{chat.CodeNotConfigured, chat.CodeUnauthorized, chat.CodeForbidden, chat.CodeProviderAuth}},
		{Refused, "the provider refused", []chat.Code{chat.CodeProviderRefused, chat.CodeProviderContext, chat.CodeProviderModel, chat.CodeProviderQuota, chat.CodeProviderFilter}},
		{Network, "the provider or the server is unavailable, after retries", []chat.Code{
			chat.CodeProviderRateLimit, chat.CodeProviderServer, chat.CodeProviderConnect, chat.CodeProviderHeaders,
			chat.CodeProviderFirstToken, chat.CodeProviderIdle, chat.CodeProviderCut, chat.CodeProviderProtocol,
			chat.CodeAttemptsSpent, chat.CodeTooMany, chat.CodeUnavailable, chat.CodeDraining,
		}},
		{Daemon, "the daemon cannot be reached or started", []chat.Code{chat.CodeDaemon, chat.CodeIncompatible, chat.CodeStorage}},
		{Stopped, "the answer was stopped", []chat.Code{chat.CodeCancelled}},
		{Incomplete, "the answer is incomplete or empty; partial text is kept", []chat.Code{
			chat.CodeDeadline, chat.CodeAnswerTooLarge, chat.CodeAnswerRestarted, chat.CodeProviderEmpty, chat.CodeProviderNoText,
		}},
		{Mismatch, "the answer does not match --schema; its text is kept", []chat.Code{chat.CodeFormatMismatch}},
		{Timeout, "--timeout passed", []chat.Code{chat.CodeClientTimeout}},
		{Hangup, "the terminal was closed (SIGHUP); the answer continues", nil},
		{Interrupt, "Ctrl+C (SIGINT)", nil},
		{Pipe, "the reader of stdout exited (SIGPIPE); the answer continues", nil},
		{Terminated, "SIGTERM; the answer continues", nil},
	}
}

// Of returns the exit code of an error code.
func Of(code chat.Code) int {
	for _, row := range Table() {
		for _, c := range row.Errors {
			if c == code {
				return row.Code
			}
		}
	}
	return Internal
}

// CodeError is the exit code of an error that has already been reported.
type CodeError int

func (c CodeError) Error() string { return fmt.Sprintf("exit code %d", int(c)) }

// With returns the error for an exit code, nil for 0.
func With(code int) error {
	if code == OK {
		return nil
	}
	return CodeError(code)
}

func Help() string {
	var b strings.Builder
	b.WriteString("Exit codes of chat:\n\n")
	for _, row := range Table() {
		fmt.Fprintf(&b, "  %3d  %s\n", row.Code, row.Meaning)
	}
	b.WriteString("\nattach and wait exit with the code of the task. With several tasks, wait exits with the\ncode of the first task that was not successful. The error codes of --json and their exit codes:\n\n")
	for _, row := range Table() {
		for _, c := range row.Errors {
			fmt.Fprintf(&b, "  %3d  %s\n", row.Code, c)
		}
	}
	return b.String()
}
