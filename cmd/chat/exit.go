package main

import (
	"fmt"
	"strings"
	"syscall"

	"chat"
)

// The exit codes. exitTable is what `chat help exit-codes` prints of them.
const (
	exitOK         = 0
	exitInternal   = 1
	exitUsage      = 2
	exitNotFound   = 3
	exitSetup      = 4
	exitRefused    = 5
	exitNetwork    = 6
	exitDaemon     = 7
	exitStopped    = 8
	exitIncomplete = 9
	exitTimeout    = 124
	exitHangup     = 128 + int(syscall.SIGHUP)
	exitInterrupt  = 128 + int(syscall.SIGINT)
	exitPipe       = 128 + int(syscall.SIGPIPE)
	exitTerminated = 128 + int(syscall.SIGTERM)
)

// exitRow is one row of the table: the meaning of an exit code, and the error
// codes that lead to it.
type exitRow struct {
	code    int
	meaning string
	errors  []chat.Code
}

func exitTable() []exitRow {
	return []exitRow{
		{exitOK, "ok; also: detached on purpose", nil},
		{exitInternal, "a defect of chat, or an output that cannot be written", []chat.Code{chat.CodeInternal}},
		{exitUsage, "the command line or the input is wrong, or cannot be done now", []chat.Code{chat.CodeInvalid, chat.CodeConflict, chat.CodeBusy, chat.CodeKeyReuse, chat.CodeTooLarge, chat.CodeUnsupported}},
		{exitNotFound, "no such task or conversation, or an id that fits several", []chat.Code{chat.CodeNotFound, chat.CodeAmbiguous}},
		{exitSetup, "not configured, or not authorised", []chat.Code{chat.CodeNotConfigured, chat.CodeUnauthorized, chat.CodeForbidden, chat.CodeProviderAuth}},
		{exitRefused, "the provider refused", []chat.Code{chat.CodeProviderRefused, chat.CodeProviderContext, chat.CodeProviderModel, chat.CodeProviderQuota, chat.CodeProviderFilter}},
		{exitNetwork, "the provider or the server is unavailable, after retries", []chat.Code{
			chat.CodeProviderRateLimit, chat.CodeProviderServer, chat.CodeProviderConnect, chat.CodeProviderHeaders,
			chat.CodeProviderFirstToken, chat.CodeProviderIdle, chat.CodeProviderCut, chat.CodeProviderProtocol,
			chat.CodeAttemptsSpent, chat.CodeTooMany, chat.CodeUnavailable, chat.CodeDraining,
		}},
		{exitDaemon, "the daemon cannot be reached or started", []chat.Code{chat.CodeDaemon, chat.CodeIncompatible, chat.CodeStorage}},
		{exitStopped, "somebody stopped the answer", []chat.Code{chat.CodeCancelled}},
		{exitIncomplete, "the answer is incomplete, or there is none; what there is of it is kept", []chat.Code{
			chat.CodeDeadline, chat.CodeAnswerTooLarge, chat.CodeAnswerRestarted, chat.CodeProviderEmpty, chat.CodeProviderNoText,
		}},
		{exitTimeout, "--timeout passed", []chat.Code{chat.CodeClientTimeout}},
		{exitHangup, "the terminal was closed (SIGHUP); the answer goes on", nil},
		{exitInterrupt, "Ctrl+C (SIGINT)", nil},
		{exitPipe, "whoever read stdout has gone (SIGPIPE); the answer goes on", nil},
		{exitTerminated, "SIGTERM; the answer goes on", nil},
	}
}

// exitOf is the exit code of an error code.
func exitOf(code chat.Code) int {
	for _, row := range exitTable() {
		for _, c := range row.errors {
			if c == code {
				return row.code
			}
		}
	}
	return exitInternal
}

// exitError is the exit code for an error that has been explained to the user already.
type exitError int

func (c exitError) Error() string { return fmt.Sprintf("exit code %d", int(c)) }

// exitWith is the error for an exit code: nil for 0.
func exitWith(code int) error {
	if code == exitOK {
		return nil
	}
	return exitError(code)
}

func exitHelp() string {
	var b strings.Builder
	b.WriteString("Exit codes of chat:\n\n")
	for _, row := range exitTable() {
		fmt.Fprintf(&b, "  %3d  %s\n", row.code, row.meaning)
	}
	b.WriteString("\nattach and wait exit with the code of the task; wait with several tasks, with that of\nthe first one that did not end well. The errors behind a code, as in --json:\n\n")
	for _, row := range exitTable() {
		for _, c := range row.errors {
			fmt.Fprintf(&b, "  %3d  %s\n", row.code, c)
		}
	}
	return b.String()
}
