package openai_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"chat"
	"chat/daemon/model/modeltest"
	"chat/daemon/model/providers"
	"chat/daemon/model/transport"
)

// short is a limit that passes at once, soon a limit that a test waits for, and
// far one that never passes in a test.
const (
	short = 50 * time.Millisecond
	far   = time.Hour
)

func TestEveryTimeoutHasItsOwnName(t *testing.T) {
	for _, tc := range []struct {
		lie    string
		limits transport.Limits
		code   chat.Code
		says   string
	}{
		{"noheaders", transport.Limits{Headers: short, FirstToken: far, Idle: far}, chat.CodeProviderHeaders, "headers limit"},
		{"nofirst", transport.Limits{Headers: far, FirstToken: short, Idle: far}, chat.CodeProviderFirstToken, "first token limit"},
		{"hang=0", transport.Limits{Headers: far, FirstToken: short, Idle: far}, chat.CodeProviderFirstToken, "50ms"},
		{"hang=3", transport.Limits{Headers: far, FirstToken: far, Idle: short}, chat.CodeProviderIdle, "idle limit"},
		{"hang=3 gzip", transport.Limits{Headers: far, FirstToken: far, Idle: short}, chat.CodeProviderIdle, "50ms"},
	} {
		t.Run(tc.lie, func(t *testing.T) {
			t.Parallel()
			server, r := newFake(t, func(c *providers.Config) { c.Limits = tc.limits })
			g := modeltest.Collect(t.Context(), t, r, modeltest.Ask("lie: "+tc.lie))
			e := modeltest.ErrorOf(t, g.Err, tc.code, true)
			if !strings.Contains(e.Message, tc.says) {
				t.Errorf("%q does not say %q", e.Message, tc.says)
			}
			waitGone(t, server)
		})
	}
}

func TestTheTotalLimitIsADeadline(t *testing.T) {
	server, r := newFake(t, func(c *providers.Config) {
		c.Limits = transport.Limits{Headers: far, FirstToken: far, Idle: far, Total: 300 * time.Millisecond}
	})
	g := modeltest.Collect(t.Context(), t, r, modeltest.Ask("lie: endless pace=5ms"))
	e := modeltest.ErrorOf(t, g.Err, chat.CodeDeadline, false)
	if !strings.Contains(e.Message, "total limit") || !strings.Contains(e.Message, "300ms") {
		t.Errorf("message %q", e.Message)
	}
	waitGone(t, server)
}

// Comments are not an answer: they neither end the wait nor extend it.
func TestKeepAlivesDoNotExtendLimits(t *testing.T) {
	server := rawServer(t, func(c net.Conn) {
		_, _ = c.Write([]byte("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"))
		for {
			if _, err := c.Write([]byte(": keep-alive\n\ndata: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n")); err != nil {
				return
			}
		}
	})
	r := newRegistry(t, providers.Config{BaseURL: server, DefaultModel: "m", Limits: transport.Limits{FirstToken: short}})
	modeltest.WantCode(t, modeltest.Collect(t.Context(), t, r, modeltest.Ask("hello")).Err, chat.CodeProviderFirstToken, true)
}

// A reader that takes its time is not the provider's fault.
func TestASlowReaderDoesNotRunIntoTheIdleLimit(t *testing.T) {
	server, r := newFake(t, func(c *providers.Config) { c.Limits = transport.Limits{Idle: short} })
	ctx, cancel := context.WithTimeout(t.Context(), modeltest.Timeout)
	defer cancel()
	server.Step(1)
	for e, err := range r.Stream(ctx, modeltest.Ask("lie: chunks=2 gate")) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Finish == nil {
			waitFor(t, 4*short)
			server.Step(1)
		}
	}
}

// An answer that has its finish reason is whole, whatever happens to the rest.
func TestAFinishReasonIsAnEndEvenIfTheConnectionBreaks(t *testing.T) {
	for name, rest := range map[string]string{"torn": "5\r\ndat", "silent": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hold := make(chan struct{})
			server := rawServer(t, func(c net.Conn) {
				event := "data: {\"choices\":[{\"delta\":{\"content\":\"all\"},\"finish_reason\":\"stop\"}]}\n\n"
				_, _ = c.Write([]byte("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"))
				_, _ = fmt.Fprintf(c, "%x\r\n%s\r\n%s", len(event), event, rest)
				if rest == "" {
					<-hold
				}
			})
			t.Cleanup(func() { close(hold) }) // before the server's own
			r := newRegistry(t, providers.Config{BaseURL: server, DefaultModel: "m", Limits: transport.Limits{Idle: short}})
			if g := modeltest.Collect(t.Context(), t, r, modeltest.Ask("hello")); g.Err != nil || g.Content != "all" || g.Finish.Reason != "stop" {
				t.Fatalf("%+v", g)
			}
		})
	}
}

var errStop = errors.New("somebody pressed stop")

func TestCancellingClosesTheConnectionAtOnce(t *testing.T) {
	for _, lie := range []string{"endless pace=1ms", "hang=2", "nofirst", "noheaders", "endless"} {
		t.Run(lie, func(t *testing.T) {
			t.Parallel()
			server, r := newFake(t)
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			go func() {
				_ = server.Wait(ctx, func(c []modeltest.Call) bool {
					return len(c) == 1 && (strings.HasPrefix(lie, "no") || c[0].Tokens >= 2)
				})
				cancel(errStop)
			}()
			var last error
			for _, err := range r.Stream(ctx, modeltest.Ask("lie: "+lie)) {
				last = err
			}
			if last != errStop { //nolint:errorlint // the contract is the cause itself
				t.Fatalf("the error is %v, want the context's cause", last)
			}
			waitGone(t, server)
		})
	}
}

func TestLeavingTheLoopClosesTheConnection(t *testing.T) {
	server, r := newFake(t)
	for _, err := range r.Stream(t.Context(), modeltest.Ask("lie: endless pace=1ms")) {
		if err != nil {
			t.Fatal(err)
		}
		break
	}
	waitGone(t, server)
}

func TestACancelledContextMakesNoCall(t *testing.T) {
	server, r := newFake(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errStop)
	if g := modeltest.Collect(ctx, t, r, modeltest.Ask("hello")); g.Err != errStop { //nolint:errorlint // the contract is the cause itself
		t.Fatalf("error %v", g.Err)
	}
	if n := len(server.Calls()); n != 0 {
		t.Errorf("%d calls", n)
	}
}

// Connections of finished answers are used again.
func TestConnectionsAreUsedAgain(t *testing.T) {
	server, r := newFake(t)
	for range 5 {
		if g := modeltest.Collect(t.Context(), t, r, modeltest.Ask("lie: chunks=3")); g.Err != nil {
			t.Fatal(g.Err)
		}
	}
	ports := map[string]bool{}
	for _, c := range server.Calls() {
		ports[c.Remote] = true
	}
	if len(ports) != 1 {
		t.Errorf("%d connections for 5 answers in a row", len(ports))
	}
}

func TestRetryAfterIsHandedOn(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"7": 7 * time.Second, "0.5": 500 * time.Millisecond, "120": 2 * time.Minute,
		"-3": 0, "soon": 0, "": 0, "Mon,+01+Jan+2001+00:00:00+GMT": 0,
	} {
		value := strings.ReplaceAll(value, ",", "%2C")
		_, r := newFake(t)
		g := modeltest.Collect(t.Context(), t, r, modeltest.Ask("lie: status=429 retry="+value))
		if e := modeltest.ErrorOf(t, g.Err, chat.CodeProviderRateLimit, true); e.RetryAfter != want {
			t.Errorf("Retry-After %q: %s, want %s", value, e.RetryAfter, want)
		}
	}
}

// waitGone waits until the server has seen its only client leave.
func waitGone(t *testing.T, server *modeltest.Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), modeltest.Timeout)
	defer cancel()
	began := time.Now()
	err := server.Wait(ctx, func(calls []modeltest.Call) bool { return len(calls) == 1 && calls[0].Gone() })
	if err != nil {
		t.Fatalf("the provider never saw the client leave: %+v", server.Calls())
	}
	if d := time.Since(began); d > time.Second {
		t.Errorf("the provider's connection was closed after %s", d)
	}
}

// waitFor lets real time pass: what it is for is a limit in real time that must
// not be reached, so a slow machine cannot make the test fail.
func waitFor(t *testing.T, d time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	<-ctx.Done()
}

// rawServer serves every connection with answer, which gets it after the
// request's head was read, and returns a base URL.
func rawServer(t *testing.T, answer func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Read(make([]byte, 64<<10))
			answer(c)
			_ = c.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return "http://" + l.Addr().String() + "/v1"
}
